package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chartseal/chartseal/internal/seal"
)

// identityFile names the data directory for good; the default key file is called after it.
const identityFile = "identity"

// openDataDir makes the directory on first use. fresh tells that it had no identity.
func openDataDir(dir string) (identity string, fresh bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", false, fmt.Errorf("data directory: %w", err)
	}
	if err := closeToOthers(dir); err != nil {
		return "", false, fmt.Errorf("data directory: %w", err)
	}
	path := filepath.Join(dir, identityFile)
	b, err := os.ReadFile(path) //nolint:gosec // the operator names the directory
	if err == nil {
		return strings.TrimSpace(string(b)), false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("data directory: %w", err)
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return hex.EncodeToString(id[:]), true, nil
}

// closeToOthers takes the rights of other users on the directory away, if it is empty or a data directory already.
// Anything else may be meant for them.
func closeToOthers(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	ours := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == identityFile })
	if len(entries) == 0 || ours {
		err = os.Chmod(dir, 0o700) //nolint:gosec // a directory is entered
	} else {
		err = errors.New("there are other files in it")
	}
	if err != nil {
		return fmt.Errorf("%s is open to other users (mode %04o): %w; run chmod 700 %s, or name a new directory", dir, info.Mode().Perm(), err, dir)
	}
	return nil
}

// writeIdentity marks the directory as set up: from then on a missing key file is an error, never a new key.
func writeIdentity(dir, identity string) error {
	f, err := os.OpenFile(filepath.Join(dir, identityFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names the directory
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	_, err = f.WriteString(identity + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	d, err := os.Open(dir) //nolint:gosec // the operator names the directory
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// openRoot opens the root key, or makes it for a fresh data directory.
func openRoot(cfg *config, identity string, fresh bool) (*seal.Root, error) {
	path := cfg.KeyFile
	if path == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("no place for the root key: %w; give --key-file", err)
		}
		path = filepath.Join(base, "chartseal", identity+".key")
	}
	root, err := seal.LoadRoot(path)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist) && fresh:
		if err := keyOutside(path, cfg.DataDir); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("root key: %w", err)
		}
		if root, err = seal.CreateRoot(path); err != nil {
			return nil, fmt.Errorf("make root key: %w", err)
		}
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the root key of this data directory is missing: %w; without it nothing can be read: restore it from your recovery copy", err)
	default:
		return nil, fmt.Errorf("root key: %w", err)
	}
	if err := root.Outside(cfg.DataDir); err != nil {
		return nil, fmt.Errorf("root key: %w; keep it elsewhere, so that a stolen disk or backup opens nothing", err)
	}
	return root, nil
}

// keyOutside refuses a place for the root key below the data directory, by whatever name, before a key is made there.
func keyOutside(path, dataDir string) error {
	data, err := os.Stat(dataDir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("root key: %w", err)
	}
	for !pathExists(dir) {
		dir = filepath.Dir(dir)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return fmt.Errorf("root key: %w", err)
	}
	for {
		if info, err := os.Stat(dir); err == nil && os.SameFile(info, data) {
			return fmt.Errorf("root key: %s lies in the data directory; keep it elsewhere, so that a stolen disk or backup opens nothing", path)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil
		}
		dir = up
	}
}

func pathExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
