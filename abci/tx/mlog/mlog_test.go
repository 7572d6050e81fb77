package mlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	"pgregory.net/rapid"
)

// memKV is a map behind Getter and Setter; fail makes the write after that many fail, and counts down.
type memKV struct {
	m    map[string][]byte
	fail int
}

var errInjected = errors.New("injected")

func newMemKV() *memKV { return &memKV{m: map[string][]byte{}, fail: -1} }

func (kv *memKV) Get(key []byte) ([]byte, error) { return kv.m[string(key)], nil }

func (kv *memKV) Set(key, value []byte) error {
	if kv.fail == 0 {
		return errInjected
	}
	kv.fail--
	kv.m[string(key)] = bytes.Clone(value)
	return nil
}

func entry(i uint64) []byte { return binary.BigEndian.AppendUint64([]byte("entry"), i) }

// grown appends n entries to a log under prefix and to the library's reference tree.
func grown(t testing.TB, kv *memKV, prefix string, n uint64) (*Log, *testonly.Tree) {
	t.Helper()
	l, err := Open(kv, []byte(prefix), 0)
	if err != nil {
		t.Fatal(err)
	}
	ref := testonly.New(rfc6962.DefaultHasher)
	for i := range n {
		at, err := l.Append(kv, entry(i))
		if err != nil || at != i {
			t.Fatalf("Append(%d) = %d, %v", i, at, err)
		}
		ref.AppendData(entry(i))
	}
	return l, ref
}

func TestRootsEqualReferenceAtEverySize(t *testing.T) {
	const n = 300
	kv := newMemKV()
	l, ref := grown(t, kv, "p", n)
	v := NewView(kv, []byte("p"), n)
	for size := uint64(0); size <= n; size++ {
		got, err := v.RootAt(size)
		if err != nil {
			t.Fatal(err)
		}
		if want := ref.HashAt(size); !bytes.Equal(got, want) {
			t.Fatalf("RootAt(%d) = %x, want %x", size, got, want)
		}
		reopened, err := Open(kv, []byte("p"), size)
		if err != nil {
			t.Fatal(err)
		}
		if reopened.Size() != size || !bytes.Equal(reopened.Root(), ref.HashAt(size)) {
			t.Fatalf("reopened at %d: size %d, root %x", size, reopened.Size(), reopened.Root())
		}
	}
	if !bytes.Equal(l.Root(), ref.Hash()) {
		t.Fatalf("Root() = %x, want %x", l.Root(), ref.Hash())
	}
}

func TestProofsEqualReferenceAndVerify(t *testing.T) {
	const n = 33
	kv := newMemKV()
	_, ref := grown(t, kv, "", n)
	v := NewView(kv, nil, n)
	for b := uint64(0); b <= n; b++ {
		for a := range b {
			incl, err := v.Inclusion(a, b)
			if err != nil {
				t.Fatal(err)
			}
			want, err := ref.InclusionProof(a, b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, incl, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("Inclusion(%d, %d): %s", a, b, diff)
			}
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, a, b, ref.LeafHash(a), incl, ref.HashAt(b)); err != nil {
				t.Fatal(err)
			}
			cons, err := v.Consistency(a, b)
			if err != nil {
				t.Fatal(err)
			}
			want, err = ref.ConsistencyProof(a, b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, cons, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("Consistency(%d, %d): %s", a, b, diff)
			}
			if err := proof.VerifyConsistency(rfc6962.DefaultHasher, a, b, cons, ref.HashAt(a), ref.HashAt(b)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestReopenAtRandomPointsChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kv, ref := newMemKV(), testonly.New(rfc6962.DefaultHasher)
		l, err := Open(kv, []byte{7}, 0)
		if err != nil {
			rt.Fatal(err)
		}
		for i := range rapid.IntRange(0, 200).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "reopen") {
				if l, err = Open(kv, []byte{7}, l.Size()); err != nil {
					rt.Fatal(err)
				}
			}
			e := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "entry")
			if at, err := l.Append(kv, e); err != nil || at != uint64(i) {
				rt.Fatalf("Append = %d, %v, want %d", at, err, i)
			}
			ref.AppendData(e)
			if !bytes.Equal(l.Root(), ref.Hash()) {
				rt.Fatalf("root at %d differs", i)
			}
		}
	})
}

func TestCloneIsIndependent(t *testing.T) {
	for n := range uint64(20) {
		kv := newMemKV()
		l, ref := grown(t, kv, "p", n)
		c := l.Clone()
		for i := range uint64(9) {
			if _, err := c.Append(newMemKV(), entry(1000+i)); err != nil {
				t.Fatal(err)
			}
		}
		if l.Size() != n || !bytes.Equal(l.Root(), ref.Hash()) {
			t.Fatalf("log of %d changed by its clone", n)
		}
		if _, err := l.Append(kv, entry(n)); err != nil {
			t.Fatal(err)
		}
		ref.AppendData(entry(n))
		if !bytes.Equal(l.Root(), ref.Hash()) {
			t.Fatalf("log of %d diverged after a clone", n)
		}
	}
}

func TestPrefixesDoNotMix(t *testing.T) {
	kv := newMemKV()
	_, refA := grown(t, kv, "a", 5)
	_, refB := grown(t, kv, "b", 9)
	for prefix, ref := range map[string]*testonly.Tree{"a": refA, "b": refB} {
		got, err := NewView(kv, []byte(prefix), ref.Size()).Root()
		if err != nil || !bytes.Equal(got, ref.Hash()) {
			t.Fatalf("root of %q = %x, %v", prefix, got, err)
		}
	}
}

func TestOutsideTheLog(t *testing.T) {
	kv := newMemKV()
	grown(t, kv, "p", 4)
	v := NewView(kv, []byte("p"), 4)
	for name, f := range map[string]func() error{
		"root beyond":        func() error { _, err := v.RootAt(5); return err },
		"leaf beyond":        func() error { _, err := v.LeafHash(4); return err },
		"inclusion size":     func() error { _, err := v.Inclusion(0, 5); return err },
		"inclusion index":    func() error { _, err := v.Inclusion(3, 3); return err },
		"consistency size":   func() error { _, err := v.Consistency(1, 5); return err },
		"consistency swap":   func() error { _, err := v.Consistency(3, 2); return err },
		"inclusion of empty": func() error { _, err := v.Inclusion(0, 0); return err },
	} {
		if err := f(); !errors.Is(err, ErrRange) {
			t.Errorf("%s: %v, want ErrRange", name, err)
		}
	}
}

func TestMissingOrTornNodeIsCorrupt(t *testing.T) {
	for key := range func() map[string][]byte { kv := newMemKV(); grown(t, kv, "p", 7); return kv.m }() {
		for _, v := range [][]byte{nil, {1, 2, 3}} {
			kv := newMemKV()
			grown(t, kv, "p", 7)
			kv.m[key] = v
			view, found := NewView(kv, []byte("p"), 7), false
			for i := range uint64(7) {
				_, errLeaf := view.LeafHash(i)
				_, errIncl := view.Inclusion(i, 7)
				_, errRoot := view.RootAt(i + 1)
				found = found || errors.Is(errLeaf, ErrCorrupt) || errors.Is(errIncl, ErrCorrupt) || errors.Is(errRoot, ErrCorrupt)
			}
			if !found {
				t.Errorf("node %x: value %x went unnoticed", key, v)
			}
		}
	}
}

func TestAppendReportsFailedWrite(t *testing.T) {
	kv := newMemKV()
	l, _ := grown(t, kv, "p", 3) // the fourth entry writes three nodes
	for n := range 3 {
		kv.fail = n
		if _, err := l.Clone().Append(kv, entry(3)); !errors.Is(err, errInjected) {
			t.Errorf("failure of write %d: %v", n, err)
		}
	}
	kv.fail = -1
	if _, err := l.AppendHash(kv, []byte("short")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("short hash: %v", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	kv := newMemKV()
	l, _ := Open(kv, nil, 0)
	for b.Loop() {
		if _, err := l.Append(kv, entry(l.Size())); err != nil {
			b.Fatal(err)
		}
	}
}
