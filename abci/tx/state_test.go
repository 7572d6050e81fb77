package tx

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The private state's hash written down a second time.
func TestPrivateStateHashByHand(t *testing.T) {
	s := samplePrivateState()
	var in []byte
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	for _, p := range [][]byte{
		[]byte("chartseal/v1/private-state"), number(1), s.LogRoot, number(s.LogSize), s.WritersRoot, s.Params,
	} {
		in = append(append(in, number(uint64(len(p)))...), p...)
	}
	want := sha256.Sum256(in)
	if diff := cmp.Diff(want[:], s.Hash()); diff != "" {
		t.Error(diff)
	}
}

// Each field of a state preimage counts.
func TestStateHashCoversEveryField(t *testing.T) {
	type state interface {
		proto.Message
		Hash() []byte
	}
	for _, s := range []state{samplePrivateState(), sampleConsortiumState()} {
		seen := map[string]string{string(s.Hash()): "unchanged"}
		fields := s.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			changed := proto.CloneOf(s)
			changed.ProtoReflect().Set(fields.Get(i), otherValue(fields.Get(i).Kind()))
			if before, ok := seen[string(changed.Hash())]; ok {
				t.Errorf("%s: same hash as %s", fields.Get(i).FullName(), before)
			}
			seen[string(changed.Hash())] = string(fields.Get(i).Name())
		}
	}
}

func otherValue(k protoreflect.Kind) protoreflect.Value {
	switch k {
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(99)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(99)
	default:
		return protoreflect.ValueOfBytes(fill(99, 32))
	}
}

func TestWritersRoot(t *testing.T) {
	a, b := sampleWriter(1, 3, false), sampleWriter(2, 0, false)
	base, err := WritersRoot([]*WriterEntry{a, b})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*WriterEntry){
		"id":        func(w *WriterEntry) { w.Writer[15]++ },
		"key":       func(w *WriterEntry) { w.PublicKey[0]++ },
		"seq":       func(w *WriterEntry) { w.LastSeq++ },
		"closed":    func(w *WriterEntry) { w.Closed = true },
		"conflicts": func(w *WriterEntry) { w.Conflicts++ },
	} {
		changed := proto.CloneOf(b)
		change(changed)
		got, err := WritersRoot([]*WriterEntry{a, changed})
		if err != nil {
			t.Fatal(err)
		}
		if string(got) == string(base) {
			t.Errorf("%s is not covered", name)
		}
	}
	for name, bad := range map[string][]*WriterEntry{"swapped": {b, a}, "twice": {a, a}, "invalid": {{}}} {
		if _, err := WritersRoot(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

func TestParamsHashSeparatesParts(t *testing.T) {
	if string(ParamsHash([]byte("ab"), []byte("c"))) == string(ParamsHash([]byte("a"), []byte("bc"))) {
		t.Error("parts run together")
	}
}
