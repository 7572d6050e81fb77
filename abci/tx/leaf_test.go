package tx

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// The definitions of ledger.md written down a second time, without the code under test.
func TestLeafCommitmentByHand(t *testing.T) {
	part := func(b []byte) []byte { return append(binary.BigEndian.AppendUint64(nil, uint64(len(b))), b...) }
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(part(p))
		}
		return h.Sum(nil)
	}
	leaf := sampleLeaf()
	body := []byte{0x08, 1, 0x10, byte(leaf.Kind)}
	for i, value := range leaf.Values {
		salt := mac(leaf.Seed[:], []byte("chartseal/v1/leaf-salt"), []byte{byte(i + 1)})
		body = append(body, 0x1a, 32)
		body = append(body, mac(salt, []byte("chartseal/v1/leaf-field"), []byte{byte(i + 1)}, value)...)
	}
	if diff := cmp.Diff(body, leaf.Body()); diff != "" {
		t.Errorf("body: %s", diff)
	}
	long := bytes.Repeat([]byte("long"), 500)
	got := FieldCommitment(leaf.Seed, 3, long)
	if diff := cmp.Diff(mac(leaf.Seed[:], []byte("chartseal/v1/leaf-field"), []byte{3}, long), got[:]); diff != "" {
		t.Errorf("long value: %s", diff)
	}
	got = leaf.Commitment()
	if diff := cmp.Diff(mac(leaf.R[:], []byte("chartseal/v1/leaf"), body), got[:]); diff != "" {
		t.Errorf("commitment: %s", diff)
	}
}

func TestLeafOpen(t *testing.T) {
	leaf := sampleLeaf()
	body := new(LeafBody)
	if err := Decode(leaf.Body(), body); err != nil {
		t.Fatal(err)
	}
	all := []LeafField{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	openings := leaf.Open(all...)
	if len(openings) != FieldCount {
		t.Fatalf("%d openings", len(openings))
	}
	for i, o := range openings {
		commitment := FieldCommitment(o.Salt, o.Field, o.Value)
		if !bytes.Equal(commitment[:], body.Fields[i]) {
			t.Errorf("field %s does not open", o.Field)
		}
		if other := FieldCommitment(o.Salt, o.Field%FieldCount+1, o.Value); bytes.Equal(other[:], body.Fields[i]) {
			t.Errorf("field %s opens as another", o.Field)
		}
	}
	if got := leaf.Open(0, 11, -1); len(got) != 0 {
		t.Errorf("unknown fields opened: %v", got)
	}
}

func TestLeavesOfEqualFieldsDiffer(t *testing.T) {
	a, err := NewLeaf(rand.Reader, LeafKind_LEAF_KIND_ACCESS, LeafFields{Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewLeaf(rand.Reader, LeafKind_LEAF_KIND_ACCESS, LeafFields{Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if a.Commitment() == b.Commitment() || a.R == a.Seed {
		t.Error("a commitment can be guessed")
	}
}

func TestNewLeafRefuses(t *testing.T) {
	if _, err := NewLeaf(rand.Reader, 0, LeafFields{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("kind 0: %v", err)
	}
	if _, err := NewLeaf(rand.Reader, 1, LeafFields{Agent: string(make([]byte, maxValue+1))}); !errors.Is(err, ErrMalformed) {
		t.Errorf("long value: %v", err)
	}
	if _, err := NewLeaf(iotest.ErrReader(iotest.ErrTimeout), 1, LeafFields{}); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("no randomness: %v", err)
	}
	if _, err := (&Leaf{}).MarshalBinary(); !errors.Is(err, ErrMalformed) {
		t.Errorf("marshal kind 0: %v", err)
	}
}

func TestLeafBinary(t *testing.T) {
	leaf := sampleLeaf()
	raw, err := leaf.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	got := new(Leaf)
	if err := got.UnmarshalBinary(raw); err != nil {
		t.Fatal(err)
	}
	if got.Commitment() != leaf.Commitment() {
		t.Error("another commitment after the round trip")
	}
	bad := map[string][]byte{
		"empty":      {},
		"cut":        raw[:len(raw)-1],
		"trailing":   append(clone(raw), 0),
		"format":     append([]byte{2}, raw[1:]...),
		"kind":       append([]byte{1, 9}, raw[2:]...),
		"long count": append(append(clone(raw[:66]), raw[66]|0x80, 0), raw[67:]...),
		"huge count": append(clone(raw[:66]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
	}
	for name, b := range bad {
		before := *got
		if err := got.UnmarshalBinary(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
		if got.R != before.R || got.Kind != before.Kind {
			t.Errorf("%s: changed the leaf", name)
		}
	}
}

func FuzzLeafBinary(f *testing.F) {
	raw, err := sampleLeaf().MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		leaf := new(Leaf)
		if leaf.UnmarshalBinary(raw) != nil {
			return
		}
		again, err := leaf.MarshalBinary()
		if err != nil || !bytes.Equal(raw, again) {
			t.Errorf("accepted bytes that it does not make: %v", err)
		}
	})
}

func BenchmarkLeaf(b *testing.B) {
	b.ReportAllocs()
	leaf := sampleLeaf()
	for b.Loop() {
		leaf.Commitment()
	}
}
