package seal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestCreateRoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "root.key")
	root, err := CreateRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file has mode %v (%v), want 0600", info.Mode(), err)
	}
	loaded, err := LoadRoot(path)
	if err != nil || !bytes.Equal(encodeRoot(loaded.ring), encodeRoot(root.ring)) {
		t.Errorf("another keyring came back (%v)", err)
	}
	other := testRoot(t)
	if *other.ring.epochs[0].key == *root.ring.epochs[0].key {
		t.Error("two roots have the same key")
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateRoot(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating it again: %v, want fs.ErrExist", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("creating it again changed the file (%v)", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%d files are in the folder, want 1 (%v)", len(left), err)
	}
}

func TestCreateRootOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	var made atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			switch _, err := CreateRoot(path); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("%d of 8 made it, want 1", made.Load())
	}
	if _, err := LoadRoot(path); err != nil {
		t.Error(err)
	}
}

func TestLoadRootRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	if _, err := LoadRoot(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want fs.ErrNotExist", err)
	}
	if _, err := CreateRoot(path); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]error{
		0o600: nil, 0o400: nil, 0o640: ErrExposed, 0o604: ErrExposed, 0o660: ErrExposed, 0o601: ErrExposed, 0o620: ErrExposed,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadRoot(path); !errors.Is(err, want) {
			t.Errorf("mode %v: %v, want %v", mode, err, want)
		}
	}
	if _, err := LoadRoot(filepath.Dir(path)); !errors.Is(err, ErrRootFile) {
		t.Errorf("a folder: %v, want ErrRootFile", err)
	}
	huge := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(huge, make([]byte, maxRootFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRoot(huge); !errors.Is(err, ErrRootFile) {
		t.Errorf("a huge file: %v, want ErrRootFile", err)
	}
}

// TestDamagedRoot changes, cuts and extends the file at every place.
func TestDamagedRoot(t *testing.T) {
	raw := encodeRoot(testRing(3))
	if _, err := decodeRoot(raw); err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for _, bit := range []byte{1, 0x20, 0x80} {
			damaged := bytes.Clone(raw)
			damaged[i] ^= bit
			if _, err := decodeRoot(damaged); !errors.Is(err, ErrRootFile) {
				t.Errorf("byte %d changed: %v, want ErrRootFile", i, err)
			}
		}
		if _, err := decodeRoot(raw[:i]); !errors.Is(err, ErrRootFile) {
			t.Errorf("cut to %d bytes: %v, want ErrRootFile", i, err)
		}
	}
	if _, err := decodeRoot(append(bytes.Clone(raw), '\n')); !errors.Is(err, ErrRootFile) {
		t.Errorf("a line more: %v, want ErrRootFile", err)
	}
}

// TestRootSyntax: a right checksum does not make a file a keyring.
func TestRootSyntax(t *testing.T) {
	for name, change := range map[string]func(*keyring){
		"no epoch":                func(k *keyring) { k.epochs = nil },
		"epoch 0":                 func(k *keyring) { k.epochs[0].number = 0 },
		"descending epochs":       func(k *keyring) { k.epochs[0].number = 9 },
		"an epoch twice":          func(k *keyring) { k.epochs[1].number = 1 },
		"index without epoch":     func(k *keyring) { k.index = 7 },
		"pseudonym without epoch": func(k *keyring) { k.pseudonym = 0 },
	} {
		ring := testRing(2)
		change(ring)
		if _, err := decodeRoot(encodeRoot(ring)); !errors.Is(err, ErrRootFile) {
			t.Errorf("%s: %v, want ErrRootFile", name, err)
		}
	}
}

// testRing makes a keyring whose keys are known.
func testRing(epochs uint16) *keyring {
	ring := &keyring{index: 1, pseudonym: 1}
	for n := range epochs {
		key := secret(bytes.Repeat([]byte{byte(n + 1)}, keySize))
		ring.epochs = append(ring.epochs, epoch{number: n + 1, key: &key})
	}
	return ring
}

func TestRootOutside(t *testing.T) {
	base := t.TempDir()
	data, keys := filepath.Join(base, "data"), filepath.Join(base, "data-keys")
	deep := filepath.Join(data, "deep", "er")
	for _, dir := range []string{deep, keys} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) string {
		path := filepath.Join(base, name)
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	inside, err := CreateRoot(filepath.Join(deep, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	outside, err := CreateRoot(filepath.Join(keys, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	byLink, err := LoadRoot(link(filepath.Join(deep, "root.key"), "linked.key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		root *Root
		dir  string
		want error
	}{
		"below":                      {inside, data, ErrExposed},
		"right in it":                {inside, deep, ErrExposed},
		"the data folder is a link":  {inside, link(data, "data-link"), ErrExposed},
		"the file is a link":         {byLink, data, ErrExposed},
		"a folder above both":        {outside, base, ErrExposed},
		"beside, with a common name": {outside, data, nil},
		"a data folder yet to come":  {outside, filepath.Join(base, "none"), nil},
	} {
		if err := c.root.Outside(c.dir); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want == nil {
			continue
		}
		if _, err := OpenVault(c.root, c.dir); !errors.Is(err, ErrExposed) {
			t.Errorf("%s: the vault opened (%v)", name, err)
		}
	}
}

// TestRootEpochs: a new epoch wraps and seals from then on, what earlier ones sealed still opens, and an epoch that is
// taken out takes with it what only it could open. Tokens and handles stay those of their epoch.
func TestRootEpochs(t *testing.T) {
	recs := newRecords()
	one := testSealer(t, &Root{ring: testRing(1)}, recs)
	two := testSealer(t, &Root{ring: testRing(2)}, recs)
	old, tenant := ensureStored(t, one, recs, "p1"), ensureStored(t, one, recs)
	opensOld, opensTenant := sealWith(t, old), sealWith(t, tenant)
	if two.HandleFor([]string{"p1"}) != old.Handle() || two.Token("a", "b", "c", "d") != one.Token("a", "b", "c", "d") {
		t.Error("handles or tokens changed with the epoch")
	}
	if err := opensOld(mustKey(t, two, old.Handle())); err != nil {
		t.Errorf("a key wrapped under epoch 1, with two epochs: %v", err)
	}
	if err := opensTenant(two.tenantKey); err != nil {
		t.Errorf("tenant data of epoch 1, with two epochs: %v", err)
	}
	fresh := ensureStored(t, two, recs, "p2")
	if _, err := one.Key(fresh.Handle()); !errors.Is(err, ErrNoKey) {
		t.Errorf("a key wrapped under epoch 2, with epoch 1 only: %v, want ErrNoKey", err)
	}
	if err := sealWith(t, two.tenantKey)(one.tenantKey); !errors.Is(err, ErrCorrupt) {
		t.Errorf("tenant data of epoch 2, with epoch 1 only: %v, want ErrCorrupt", err)
	}
	ring := testRing(2)
	ring.epochs, ring.index, ring.pseudonym = ring.epochs[1:], 2, 2
	later := testSealer(t, &Root{ring: ring}, recs)
	if _, err := later.Key(old.Handle()); !errors.Is(err, ErrNoKey) {
		t.Errorf("a key wrapped under epoch 1, which is gone: %v, want ErrNoKey", err)
	}
	if later.Token("a", "b", "c", "d") == one.Token("a", "b", "c", "d") {
		t.Error("tokens of another index epoch are the same")
	}
}
