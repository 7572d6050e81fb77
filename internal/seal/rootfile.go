package seal

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The root key file is a short text, so that it can be printed and typed in again:
//
//	chartseal-root 1
//	epoch 1 <32 bytes in base64>
//	index 1
//	pseudonym 1
//	sum <first 8 bytes, in hex, of the SHA-256 of all lines above>
//
// Epochs ascend; the last one wraps and seals, earlier ones still open. index and pseudonym name the epoch whose
// tokens and handles are stored, which outlives a rotation of the wrapping key. The sum tells a damaged file from
// damaged data: a wrong root key would look like a store full of corrupt records.
const (
	rootMagic   = "chartseal-root 1"
	maxRootFile = 64 << 10
)

var errRootSyntax = fmt.Errorf("%w: wrong syntax", ErrRootFile)

func encodeRoot(k *keyring) []byte {
	var b bytes.Buffer
	b.WriteString(rootMagic + "\n")
	for _, e := range k.epochs {
		fmt.Fprintf(&b, "epoch %d %s\n", e.number, base64.StdEncoding.EncodeToString(e.key[:]))
	}
	fmt.Fprintf(&b, "index %d\npseudonym %d\n", k.index, k.pseudonym)
	sum := sha256.Sum256(b.Bytes())
	fmt.Fprintf(&b, "sum %s\n", hex.EncodeToString(sum[:8]))
	return b.Bytes()
}

// decodeRoot accepts exactly what encodeRoot writes.
func decodeRoot(raw []byte) (*keyring, error) {
	text := string(raw)
	at := strings.LastIndex(text, "sum ")
	if at < 0 {
		return nil, errRootSyntax
	}
	sum := sha256.Sum256(raw[:at])
	if want := "sum " + hex.EncodeToString(sum[:8]) + "\n"; subtle.ConstantTimeCompare([]byte(want), raw[at:]) != 1 {
		return nil, fmt.Errorf("%w: checksum differs", ErrRootFile)
	}
	var k keyring
	lines := strings.Split(strings.TrimSuffix(text[:at], "\n"), "\n")
	if len(lines) < 4 || lines[0] != rootMagic {
		return nil, errRootSyntax
	}
	for _, line := range lines[1 : len(lines)-2] {
		e, err := decodeEpoch(line)
		if err != nil {
			return nil, err
		}
		if n := len(k.epochs); n > 0 && k.epochs[n-1].number >= e.number {
			return nil, errRootSyntax
		}
		k.epochs = append(k.epochs, e)
	}
	var err error
	if k.index, err = decodeNumber(lines[len(lines)-2], "index "); err != nil {
		return nil, err
	}
	if k.pseudonym, err = decodeNumber(lines[len(lines)-1], "pseudonym "); err != nil {
		return nil, err
	}
	if k.epoch(k.index) == nil || k.epoch(k.pseudonym) == nil {
		return nil, errRootSyntax
	}
	if !bytes.Equal(encodeRoot(&k), raw) {
		return nil, errRootSyntax
	}
	return &k, nil
}

func decodeEpoch(line string) (epoch, error) {
	rest, ok := strings.CutPrefix(line, "epoch ")
	number, key, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 {
		return epoch{}, errRootSyntax
	}
	n, err := decodeNumber(number, "")
	if err != nil {
		return epoch{}, err
	}
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(b) != keySize {
		return epoch{}, errRootSyntax
	}
	s := secret(b)
	clear(b)
	return epoch{number: n, key: &s}, nil
}

func decodeNumber(line, prefix string) (uint16, error) {
	digits, ok := strings.CutPrefix(line, prefix)
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || n == 0 {
		return 0, errRootSyntax
	}
	return uint16(n), nil
}

// writeNew writes a file that must not exist yet. The name appears only when its content is durable, and stays: the
// new file is synced under another name, linked (link fails on an existing name, rename would not), and the directory
// is synced. Where the file system knows no hard links the name is taken by rename after a look.
func writeNew(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make key directory: %w", err)
	}
	f, err := os.CreateTemp(dir, ".chartseal-root-*") // O_EXCL, 0600
	if err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // after a rename there is nothing left to remove
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	if err := takeName(f.Name(), path); err != nil {
		return fmt.Errorf("name key file: %w", err)
	}
	return osDisk{}.syncDir(dir)
}

func takeName(temp, path string) error {
	err := os.Link(temp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return os.Rename(temp, path)
}

// readPrivate reads a file that its owner alone may read or write.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("stat key file: %w", err)
	}
	switch {
	case !info.Mode().IsRegular() || info.Size() > maxRootFile:
		return nil, ErrRootFile
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w: its permissions are %#o, they must be 0600 or less", ErrExposed, info.Mode().Perm())
	}
	raw := make([]byte, info.Size())
	n, err := f.ReadAt(raw, 0)
	if n != len(raw) {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	return raw, nil
}
