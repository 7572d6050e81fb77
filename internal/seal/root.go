package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Root is an opened root keyring. It is immutable and safe for concurrent use.
type Root struct {
	redacted
	path string // of the file, absolute, symbolic links resolved
	ring *keyring
}

// keyring is the content of a root key file.
type keyring struct {
	epochs           []epoch // ascending, at least one; the last is the current one
	index, pseudonym uint16  // epochs that tokens and handles derive from
}

type epoch struct {
	number uint16 // from 1
	key    *secret
}

// CreateRoot makes a keyring with one epoch of random bytes and stores it in a new file with permissions 0600, synced
// with its directory. An existing file is never overwritten: the error is then fs.ErrExist.
func CreateRoot(path string) (*Root, error) {
	var key secret
	rand.Read(key[:]) //nolint:errcheck // never fails: it ends the process instead (crypto/rand)
	ring := &keyring{epochs: []epoch{{number: 1, key: &key}}, index: 1, pseudonym: 1}
	raw := encodeRoot(ring)
	defer clear(raw)
	if err := writeNew(path, raw); err != nil {
		return nil, err
	}
	return LoadRoot(path)
}

// LoadRoot opens a keyring file. Errors: fs.ErrNotExist, ErrExposed (group or others have any right on the file),
// ErrRootFile.
func LoadRoot(path string) (*Root, error) {
	raw, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	ring, err := decodeRoot(raw)
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("locate key file: %w", err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, fmt.Errorf("locate key file: %w", err)
	}
	return &Root{path: abs, ring: ring}, nil
}

// Outside returns ErrExposed if the keyring's file lies anywhere under dir: a copy of that directory (a stolen disk, a
// backup) would then open itself. A directory that does not exist holds nothing.
func (r *Root) Outside(dir string) error {
	data, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the key file: %w", err)
	}
	for p := filepath.Dir(r.path); ; p = filepath.Dir(p) {
		here, err := os.Stat(p)
		if err != nil {
			return fmt.Errorf("look for the key file: %w", err)
		}
		if os.SameFile(data, here) {
			return fmt.Errorf("%w: it lies under the data directory", ErrExposed)
		}
		if p == filepath.Dir(p) {
			return nil
		}
	}
}

// current returns the epoch that wraps and seals.
func (k *keyring) current() epoch { return k.epochs[len(k.epochs)-1] }

// epoch returns the secret of an epoch, nil if the keyring has none or has it no more.
func (k *keyring) epoch(number uint16) *secret {
	for _, e := range k.epochs {
		if e.number == number {
			return e.key
		}
	}
	return nil
}

// epochAEADs are the AEADs that one purpose derives from each epoch.
type epochAEADs struct {
	current uint16
	byEpoch map[uint16]cipher.AEAD
}

// aeads derives one key per epoch.
func (k *keyring) aeads(label string, bound ...string) (*epochAEADs, error) {
	out := &epochAEADs{current: k.current().number, byEpoch: make(map[uint16]cipher.AEAD, len(k.epochs))}
	for _, e := range k.epochs {
		key, err := derive(e.key[:], label, bound...)
		if err != nil {
			return nil, err
		}
		out.byEpoch[e.number], err = newAEAD(key[:])
		clear(key[:])
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// seal seals plain under the current epoch; aad is what follows the header in the AAD.
func (a *epochAEADs) seal(label string, aad, plain []byte) []byte {
	out := make([]byte, 0, headerSize+gcmSize+len(plain))
	out = appendHeader(out, a.current)
	return a.byEpoch[a.current].Seal(out, nil, plain, append(append(appendLP(nil, label), out...), aad...))
}

// open undoes seal. ErrNoKey: the epoch is not in the keyring.
func (a *epochAEADs) open(label string, aad, sealed []byte) ([]byte, error) {
	number, rest, err := cutHeader(sealed)
	if err != nil {
		return nil, err
	}
	aead, ok := a.byEpoch[number]
	if !ok {
		return nil, fmt.Errorf("root epoch: %w", ErrNoKey)
	}
	plain, err := aead.Open(nil, nil, rest, append(append(appendLP(nil, label), sealed[:headerSize]...), aad...))
	if err != nil {
		return nil, ErrCorrupt
	}
	return plain, nil
}
