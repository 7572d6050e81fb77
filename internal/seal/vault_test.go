package seal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testVault(t *testing.T, root *Root, dir string) *Vault {
	t.Helper()
	v, err := OpenVault(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVault(t *testing.T) {
	root, dir := testRoot(t), filepath.Join(t.TempDir(), "a", "vault")
	v := testVault(t, root, dir)
	if _, err := v.Get("none"); !errors.Is(err, ErrAbsent) {
		t.Errorf("a name without secret: %v, want ErrAbsent", err)
	}
	want := map[string]string{
		"plain-name": "one", "plain_name": "two", "Plain-Name": "three", "with/slash": "four", "..": "five", "ü": "",
		"plain-name.sealed": "seven", "_2f": "eight", "/": "nine",
	}
	for name, secret := range want {
		if err := v.Put(name, []byte("an earlier, longer one")); err != nil {
			t.Fatal(err)
		}
		if err := v.Put(name, []byte(secret)); err != nil {
			t.Fatal(err)
		}
	}
	got := make(map[string]string)
	again := testVault(t, root, dir)
	for name := range want {
		secret, err := again.Get(name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
		got[name] = string(secret)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != len(want) {
		t.Errorf("%d files for %d secrets (%v)", len(files), len(want), err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil || bytes.Contains(raw, []byte("three")) {
			t.Errorf("%s holds a secret in the clear (%v)", f.Name(), err)
		}
		if info, err := f.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v (%v)", f.Name(), info.Mode(), err)
		}
	}
	for _, name := range []string{"", strings.Repeat("x", maxName+1)} {
		if err := v.Put(name, nil); !errors.Is(err, ErrConfig) {
			t.Errorf("a name of %d bytes: %v, want ErrConfig", len(name), err)
		}
	}
}

func TestVaultRefusesForgery(t *testing.T) {
	root, dir := testRoot(t), t.TempDir()
	v := testVault(t, root, dir)
	for _, name := range []string{"a", "b"} {
		if err := v.Put(name, []byte("secret of "+name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := testVault(t, testRoot(t), dir).Get("a"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("with another root: %v, want ErrCorrupt", err)
	}
	fileA, fileB := filepath.Join(dir, "a"+vaultSuffix), filepath.Join(dir, "b"+vaultSuffix)
	raw, err := os.ReadFile(fileA)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fileB, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Get("b"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the file of another name: %v, want ErrCorrupt", err)
	}
	for bit := range len(raw) * 8 {
		flipped := bytes.Clone(raw)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(fileA, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Get("a"); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNoKey) {
			t.Errorf("bit %d flipped: %v", bit, err)
		}
	}
}

func TestVaultGetOrCreate(t *testing.T) {
	v := testVault(t, testRoot(t), t.TempDir())
	broken := errors.New("no entropy")
	if _, err := v.GetOrCreate("k", func() ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("a failing create: %v, want its error", err)
	}
	got := make([]string, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			b, err := v.GetOrCreate("k", func() ([]byte, error) { return fmt.Append(nil, i), nil })
			if err != nil {
				t.Error(err)
			}
			got[i] = string(b)
		})
	}
	wg.Wait()
	stored, err := v.Get("k")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range got {
		if g != string(stored) {
			t.Errorf("one caller got %q, %q is stored", g, stored)
		}
	}
}
