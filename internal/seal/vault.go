package seal

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
)

// Vault keeps the named secrets of a process (signing keys of its nodes, of its tokens) in files sealed under the
// root's vault key, one file a secret. It is safe for concurrent use within one process; two processes must not share
// a directory. A put is atomic: after a crash at any point a name holds its old or its new secret, whole.
type Vault struct {
	redacted
	dir  string
	disk disk
	keys *epochAEADs
	mu   sync.Mutex // serialises changes
}

const (
	vaultSuffix  = ".sealed"
	vaultPending = ".pending" // a write that a crash may have cut short; never read
	maxName      = 64
)

// OpenVault opens the vault in dir and makes the directory if absent. ErrExposed: the root's file lies under dir.
func OpenVault(root *Root, dir string) (*Vault, error) {
	if err := (osDisk{}).makeDir(dir); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	if err := root.Outside(dir); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return openVault(root.ring, dir, osDisk{})
}

func openVault(ring *keyring, dir string, d disk) (*Vault, error) {
	keys, err := ring.aeads(labelVault)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	names, err := d.list(dir)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, vaultPending) {
			if err := d.remove(filepath.Join(dir, name)); err != nil {
				return nil, fmt.Errorf("open vault: %w", err)
			}
		}
	}
	return &Vault{dir: dir, disk: d, keys: keys}, nil
}

// Get returns a secret, which the caller may change. ErrAbsent: there is none of that name; ErrCorrupt: its file was
// damaged or exchanged; ErrNoKey: it was sealed under a root epoch that is gone.
func (v *Vault) Get(name string) ([]byte, error) {
	path, err := v.path(name)
	if err != nil {
		return nil, err
	}
	sealed, err := v.disk.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("vault: %w", ErrAbsent)
	}
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	plain, err := v.keys.open(labelSealedSecret, appendLP(nil, name), sealed)
	if err != nil {
		return nil, fmt.Errorf("open secret: %w", err)
	}
	return plain, nil
}

// Put stores a secret in place of an earlier one. When it returns nil the secret is durable; on an error the name
// holds the old or the new secret.
func (v *Vault) Put(name string, plain []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.put(name, plain)
}

// GetOrCreate returns a secret; if there is none of that name it is made by create and stored first. Concurrent calls
// get the same secret.
func (v *Vault) GetOrCreate(name string, create func() ([]byte, error)) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	plain, err := v.Get(name)
	if !errors.Is(err, ErrAbsent) {
		return plain, err
	}
	if plain, err = create(); err != nil {
		return nil, fmt.Errorf("create secret: %w", err)
	}
	if err := v.put(name, plain); err != nil {
		return nil, err
	}
	return plain, nil
}

// put writes beside the old file, syncs, renames over it, and syncs the directory.
func (v *Vault) put(name string, plain []byte) error {
	path, err := v.path(name)
	if err != nil {
		return err
	}
	sealed := v.keys.seal(labelSealedSecret, appendLP(nil, name), plain)
	if err := v.disk.write(path+vaultPending, sealed); err != nil {
		return fmt.Errorf("write secret: %w", err)
	}
	if err := v.disk.rename(path+vaultPending, path); err != nil {
		return fmt.Errorf("replace secret: %w", err)
	}
	if err := v.disk.syncDir(v.dir); err != nil {
		return fmt.Errorf("replace secret: %w", err)
	}
	return nil
}

// path returns the file of a secret. Lower case letters, digits and '-' stand for themselves, every other byte as '_'
// and two hex digits, so that two names never share a file, on any file system.
func (v *Vault) path(name string) (string, error) {
	if name == "" || len(name) > maxName {
		return "", fmt.Errorf("%w: a secret's name has 1 to %d bytes", ErrConfig, maxName)
	}
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('_')
		b.WriteString(hex.EncodeToString([]byte{c}))
	}
	return filepath.Join(v.dir, b.String()+vaultSuffix), nil
}
