package leakscan

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/quick"

	"github.com/chartseal/chartseal/internal/seal/dict"
)

func controlScanner(t testing.TB) *Scanner {
	t.Helper()
	var needles []Needle
	for name, v := range controls {
		needles = append(needles, Needle{name, Text, []byte(v)})
	}
	s, err := New(Config{Needles: needles, Dictionaries: [][]byte{dict.V1()}, Alike: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantAll fails for every plant that was not found in a place whose way contains tag.
func wantAll(t *testing.T, r *Report, list []plant, tag string) {
	t.Helper()
	for _, u := range r.Unread {
		t.Error("unread:", u)
	}
	seen := make(map[string][]string)
	for _, f := range r.Findings {
		if strings.Contains(f.Where, tag) {
			seen[f.Needle] = append(seen[f.Needle], f.Form)
		}
	}
	missing := 0
	for _, p := range list {
		if !slices.ContainsFunc(seen[p.needle], func(form string) bool { return strings.HasPrefix(form, p.form) }) {
			if missing++; missing <= 5 {
				t.Errorf("%s as %s (%q) was not found in %q", p.needle, p.form, p.bytes, tag)
			}
		}
	}
	if missing > 5 {
		t.Errorf("and %d more", missing-5)
	}
}

// Every form of every kind of value, each in a file of its own.
func TestEveryFormIsFound(t *testing.T) {
	dir, list := t.TempDir(), plants()
	if len(list) < 500 {
		t.Fatalf("only %d plants", len(list))
	}
	for i, p := range list {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), slices.Concat(hay(byte(i), 100), p.bytes, hay(byte(i+1), 100)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := controlScanner(t).Tree(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r.Files != len(list) {
		t.Errorf("%d files searched, want %d", r.Files, len(list))
	}
	for i, p := range list {
		if !slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Where == fmt.Sprint(i) && f.Needle == p.needle && strings.HasPrefix(f.Form, p.form)
		}) {
			t.Errorf("%s as %s (%q) was not found", p.needle, p.form, p.bytes)
		}
	}
}

// Nothing is found in sealed data, however much there is, and the answer does not depend on luck: the bytes are fixed.
func TestChanceFindsNothing(t *testing.T) {
	r := controlScanner(t).Blob("random", hay(7, 8<<20))
	if !r.Clean() {
		t.Errorf("found %v, unread %v", r.Findings, r.Unread)
	}
	if r.Bytes < 8<<20 {
		t.Errorf("searched %d bytes", r.Bytes)
	}
}

// What only resembles a needle is none.
func TestNearMisses(t *testing.T) {
	for _, s := range []string{
		"Castellano", "astellanos", "144054006", "440540061", "Hoegen", "hOEGEr", "1957-08-2", "8302-",
		"16267300", "6d2eba67-5b4a-403f-a29f-e6da3f1ea96",
	} {
		if r := controlScanner(t).Blob("x", []byte(s)); !r.Clean() {
			t.Errorf("%q: found %v", s, r.Findings)
		}
	}
	for _, s := range []string{"code44054006", `"44054006"`, "\x0844054006\x12"} {
		if r := controlScanner(t).Blob("x", []byte(s)); r.Clean() {
			t.Errorf("%q was not found", s)
		}
	}
}

func TestNamesOfFilesAreSearched(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "by-name", "castellanos"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := controlScanner(t).Tree(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) != 1 || r.Findings[0].Needle != "name" {
		t.Errorf("found %v", r.Findings)
	}
}

func TestKinds(t *testing.T) {
	secret, digest, body := hay(3, 32), hay(4, 32), []byte(`{"resourceType":"Patient"}`)
	s, err := New(Config{Needles: []Needle{{"key", Secret, secret}, {"content hash", Digest, digest}, {"resource", Body, body}}})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		needle, form string
		b            []byte
	}{
		"part of a key":  {"key", "key bytes", secret[8:20]},
		"hex of a key":   {"key", "key bytes in hex", []byte(fmt.Sprintf("%X", secret))},
		"hash of a key":  {"key", "SHA-256 in hex", plantsOfHash(secret)},
		"digest":         {"content hash", "digest", digest},
		"digest in hex":  {"content hash", "digest in hex", []byte(fmt.Sprintf("%x", digest[:16]))},
		"hash of a body": {"resource", "SHA-256 in hex", plantsOfHash(body)},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			r := s.Blob("x", slices.Concat(hay(8, 20), c.b, hay(9, 20)))
			if len(r.Findings) == 0 || r.Findings[0].Needle != c.needle || r.Findings[0].Form != c.form {
				t.Errorf("found %v, want %s as %s", r.Findings, c.needle, c.form)
			}
		})
	}
	if r := s.Blob("x", body); !r.Clean() {
		t.Errorf("a body itself is not searched, only its hash: %v", r.Findings)
	}
}

func plantsOfHash(b []byte) []byte { return hashed("", string(b))[2].bytes }

// Needles that chance would find are refused, not searched badly.
func TestShortNeedles(t *testing.T) {
	for _, n := range []Needle{
		{"five letters", Text, []byte("Smith")},
		{"seven digits", Text, []byte("1234567")},
		{"empty", Text, nil},
		{"no kind", 0, []byte("Castellanos")},
		{"short key", Secret, hay(1, 15)},
		{"short digest", Digest, hay(1, 8)},
		{"no body", Body, nil},
	} {
		if _, err := New(Config{Needles: []Needle{n}}); !errors.Is(err, ErrNeedle) {
			t.Errorf("%s: %v", n.Name, err)
		}
	}
}

// The index finds exactly what a search for one pattern after the other finds.
func TestIndexAgainstPlainSearch(t *testing.T) {
	check := func(seed byte, letters uint8, pieces [][]byte) bool {
		alphabet := int(letters)%3 + 1 // few letters make many overlapping hits
		narrow := func(b []byte) []byte {
			out := make([]byte, len(b))
			for i, c := range b {
				out[i] = 'a' + c%byte(alphabet)
			}
			return out
		}
		data := narrow(hay(seed, 300))
		var patterns []pattern
		for _, p := range pieces {
			if len(p) >= window {
				patterns = append(patterns, pattern{bytes: narrow(p)[:min(len(p), 12)]})
			}
		}
		for _, p := range [][]byte{data[10:17], data[290:300], data[294:300]} {
			patterns = append(patterns, pattern{bytes: p})
		}
		got := make(map[string]int)
		newIndex(patterns).search(data, func(at int, p *pattern) { got[fmt.Sprint(at, p)]++ })
		want := make(map[string]int)
		for i := range patterns {
			for at := range data {
				if bytes.HasPrefix(data[at:], patterns[i].bytes) {
					want[fmt.Sprint(at, &patterns[i])]++
				}
			}
		}
		return len(got) > 0 && fmt.Sprint(got) == fmt.Sprint(want)
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 60}); err != nil {
		t.Error(err)
	}
}

func TestOpenToOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, d := range []struct {
		name string
		mode os.FileMode
	}{{"", 0o711}, {"shut", 0o700}, {"shut/in", 0o755}, {"open", 0o755}} {
		path := filepath.Join(dir, d.name)
		if err := errors.Join(os.MkdirAll(path, 0o700), os.WriteFile(filepath.Join(path, "a"), nil, 0o600), os.WriteFile(filepath.Join(path, "b"), nil, 0o600),
			os.Chmod(filepath.Join(path, "a"), 0o644)); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(path, d.mode) //nolint:errcheck // checked by what follows
		if err := os.Chmod(path, d.mode); err != nil {
			t.Fatal(err)
		}
	}
	list, err := OpenToOthers(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, m.String())
	}
	want := []string{
		"-rw-r--r-- a", "drwxr-xr-x open", "-rw-r--r-- open/a", "-rw-r--r-- shut/a (shielded by a directory above)",
		"drwxr-xr-x shut/in (shielded by a directory above)", "-rw-r--r-- shut/in/a (shielded by a directory above)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func BenchmarkBlob(b *testing.B) {
	s, data := controlScanner(b), hay(5, 8<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s.Blob("x", data)
	}
}

// A value of one repeated character would be found by chance.
func TestRepetitionIsNoNeedle(t *testing.T) {
	for text, want := range map[string]bool{"99999999999": false, "90909090909": false, "999-99-9998": true, "Müller": true, "aaaaaaaab": false} {
		if got := Usable(text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
