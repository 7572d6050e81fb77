package tx

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

func TestRoundTrip(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			raw, err := Encode(s.msg)
			if err != nil {
				t.Fatal(err)
			}
			got := s.blank()
			if err := Decode(raw, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.msg, got, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every way to write a message differently must be refused: one message has one encoding.
func TestDecodeRefusesOtherEncodings(t *testing.T) {
	for _, s := range samples() {
		raw, err := Encode(s.msg)
		if err != nil {
			t.Fatal(err)
		}
		first, firstLen := firstField(t, raw)
		variants := map[string][]byte{
			"empty":             {},
			"cut":               raw[:len(raw)-1],
			"unknown field":     protowire.AppendVarint(protowire.AppendTag(clone(raw), 1000, protowire.VarintType), 1),
			"unknown in front":  append(protowire.AppendVarint(protowire.AppendTag(nil, 1000, protowire.VarintType), 1), raw...),
			"first field again": append(clone(raw[:firstLen]), raw...),
			"first field last":  append(clone(raw[firstLen:]), raw[:firstLen]...),
			"long tag":          append([]byte{raw[0] | 0x80, 0}, raw[1:]...),
			"explicit default":  protowire.AppendVarint(protowire.AppendTag(clone(raw), first, protowire.VarintType), 0),
			"trailing zero":     append(clone(raw), 0),
		}
		for name, bad := range variants {
			if err := Decode(bad, s.blank()); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s, %s: got %v, want ErrMalformed", s.name, name, err)
			}
		}
	}
}

func TestDecodeRefusesNestedUnknownField(t *testing.T) {
	body, err := proto.Marshal(sampleBatch())
	if err != nil {
		t.Fatal(err)
	}
	body = protowire.AppendVarint(protowire.AppendTag(body, 77, protowire.VarintType), 1)
	raw := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "private-a")
	raw = protowire.AppendBytes(protowire.AppendTag(raw, 2, protowire.BytesType), body)
	if err := Decode(raw, new(PrivateBody)); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v, want ErrMalformed", err)
	}
}

func firstField(t *testing.T, raw []byte) (protowire.Number, int) {
	t.Helper()
	num, typ, n := protowire.ConsumeTag(raw)
	if n < 0 {
		t.Fatal("no tag")
	}
	m := protowire.ConsumeFieldValue(num, typ, raw[n:])
	if m < 0 {
		t.Fatal("no value")
	}
	return num, n + m
}

func clone(b []byte) []byte { return append([]byte(nil), b...) }

// Each field with a fixed length or range is broken once.
func TestEncodeRefusesWrongFields(t *testing.T) {
	tests := map[string]proto.Message{
		"key id":           &Signed{Body: fill(1, 2), KeyId: fill(1, 15), Signature: fill(1, 64)},
		"signature":        &Signed{Body: fill(1, 2), KeyId: fill(1, 16), Signature: fill(1, 65)},
		"body":             &Signed{KeyId: fill(1, 16), Signature: fill(1, 64)},
		"no message":       &PrivateBody{ChainId: "a"},
		"nil message":      &PrivateBody{ChainId: "a", Message: &PrivateBody_Batch{}},
		"chain id":         &PrivateBody{Message: &PrivateBody_Batch{sampleBatch()}},
		"long chain id":    &PrivateBody{ChainId: string(make([]byte, 51)), Message: &PrivateBody_Batch{sampleBatch()}},
		"chain id not utf": &PrivateBody{ChainId: "a\xff", Message: &PrivateBody_Batch{sampleBatch()}},
		"no consortium":    &ConsortiumBody{ChainId: "a"},
		"seq 0":            &Batch{Format: 1, Writer: fill(1, 16), Root: fill(1, 32), Size: 1},
		"size 0":           &Batch{Format: 1, Writer: fill(1, 16), Root: fill(1, 32), Seq: 1},
		"writer":           &Batch{Format: 1, Writer: fill(1, 17), Root: fill(1, 32), Seq: 1, Size: 1},
		"root":             &Batch{Format: 1, Writer: fill(1, 16), Root: fill(1, 31), Seq: 1, Size: 1},
		"format":           &Batch{Format: 2, Writer: fill(1, 16), Root: fill(1, 32), Seq: 1, Size: 1},
		"entry":            &BatchEntry{Writer: fill(1, 16), Root: fill(1, 32), Seq: 1},
		"public key":       &AdmitWriter{Writer: fill(1, 16), PublicKey: fill(1, 33)},
		"close":            &CloseWriter{Writer: fill(1, 8)},
		"writer entry":     &WriterEntry{Writer: fill(1, 16)},
		"log root":         &PrivateState{Format: 1, WritersRoot: fill(1, 32), Params: fill(1, 32)},
		"leaf fields":      &LeafBody{Format: 1, Kind: 1, Fields: [][]byte{fill(1, 32)}},
		"leaf kind":        &LeafBody{Format: 1, Kind: 6, Fields: make([][]byte, 10)},
		"anchor state":     &Anchor{PrivateChainId: "a", Header: fill(1, 1), Commit: fill(1, 1), Validators: fill(1, 1)},
		"anchor path": &Anchor{
			PrivateChainId: "a", Header: fill(1, 1), Commit: fill(1, 1), Validators: fill(1, 1),
			State: samplePrivateState(), Consistency: [][]byte{fill(1, 31)},
		},
		"anchor inner": &Anchor{PrivateChainId: "a", Header: fill(1, 1), Commit: fill(1, 1), Validators: fill(1, 1), State: &PrivateState{}},
		"anchor entry": &AnchorEntry{PrivateChainId: "a", HeaderHash: fill(1, 32), LogRoot: fill(1, 32), ValidatorsHash: fill(1, 32), Height: 1},
		"status":       &PutConsent{ConsentId: fill(1, 32), Version: 1, Status: 3, PolicyCommitment: fill(1, 32), EnvelopeHash: fill(1, 32)},
		"consent entry": &ConsentEntry{
			ConsentId: fill(1, 32), Version: 1, Status: 1, PolicyCommitment: fill(1, 32), EnvelopeHash: fill(1, 32), Height: 1,
		},
		"state root": &ConsortiumState{Format: 1, AnchorLogRoot: fill(1, 32), ConsentLogRoot: fill(1, 32)},
	}
	for name, m := range tests {
		if _, err := Encode(m); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

func TestEntryLeaf(t *testing.T) {
	if _, err := EntryLeaf(sampleBatch()); !errors.Is(err, ErrMalformed) {
		t.Errorf("a transaction is no log entry: got %v", err)
	}
	entry := &BatchEntry{Writer: fill(1, 16), Seq: 1, Root: fill(2, 32), Size: 1}
	got, err := EntryLeaf(entry)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Encode(entry)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSign(t *testing.T) {
	body := &PrivateBody{ChainId: "private-a", Message: &PrivateBody_Batch{sampleBatch()}}
	raw, err := Sign(testKey(1), body)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := DecodeSigned(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := signed.Verify(testPublic(1)); err != nil {
		t.Error(err)
	}
	if err := signed.Verify(testPublic(2)); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: got %v, want ErrSignature", err)
	}
	if err := signed.Verify(nil); !errors.Is(err, ErrSignature) {
		t.Errorf("no key: got %v, want ErrSignature", err)
	}
	renamed := proto.CloneOf(signed)
	renamed.KeyId = KeyID(testPublic(2))
	if err := renamed.Verify(testPublic(1)); !errors.Is(err, ErrSignature) {
		t.Errorf("another key id: got %v, want ErrSignature", err)
	}
	for i := range signed.Body {
		changed := proto.CloneOf(signed)
		changed.Body[i] ^= 1
		if err := changed.Verify(testPublic(1)); !errors.Is(err, ErrSignature) {
			t.Fatalf("body byte %d changed: got %v, want ErrSignature", i, err)
		}
	}
	signed.Signature = ed25519.Sign(testKey(1), signed.Body)
	if err := signed.Verify(testPublic(1)); !errors.Is(err, ErrSignature) {
		t.Errorf("signature without the domain tag: got %v, want ErrSignature", err)
	}
}

func TestSignRefuses(t *testing.T) {
	if _, err := Sign(testKey(1), sampleBatch()); !errors.Is(err, ErrMalformed) {
		t.Errorf("a batch alone is no body: got %v", err)
	}
	if _, err := Sign(testKey(1)[:63], &PrivateBody{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("short key: got %v", err)
	}
	if _, err := Sign(nil, &PrivateBody{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("no key: got %v", err)
	}
	if _, err := Sign(testKey(1), &PrivateBody{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("empty body: got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	all := samples()
	for i, s := range all {
		raw, err := Encode(s.msg)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), raw)
	}
	f.Fuzz(func(t *testing.T, which uint8, raw []byte) {
		m := all[int(which)%len(all)].blank()
		if Decode(raw, m) != nil {
			return
		}
		again, err := Encode(m)
		if err != nil || string(again) != string(raw) {
			t.Errorf("accepted bytes that it does not make: %v", err)
		}
	})
}

func BenchmarkDecodeVerify(b *testing.B) {
	raw, err := Sign(testKey(1), &PrivateBody{ChainId: "private-a", Message: &PrivateBody_Batch{sampleBatch()}})
	if err != nil {
		b.Fatal(err)
	}
	pub := testPublic(1)
	b.ReportAllocs()
	for b.Loop() {
		signed, err := DecodeSigned(raw)
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(signed.Verify(pub), Decode(signed.Body, new(PrivateBody))); err != nil {
			b.Fatal(fmt.Errorf("verify: %w", err))
		}
	}
}
