package tx

import (
	"bytes"
	"crypto/ed25519"

	"google.golang.org/protobuf/proto"
)

// fill returns n bytes that differ by position and by seed.
func fill(seed byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = seed + byte(i)
	}
	return out
}

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func testPublic(seed byte) ed25519.PublicKey {
	return ed25519.PublicKey(testKey(seed)[ed25519.SeedSize:])
}

type sample struct {
	name  string
	msg   proto.Message
	blank func() proto.Message
}

func sampleBatch() *Batch {
	return &Batch{Format: Format, Writer: fill(1, 16), Seq: 300, Root: fill(2, 32), Size: 1000}
}

func samplePrivateState() *PrivateState {
	return &PrivateState{Format: Format, LogRoot: fill(3, 32), LogSize: 7, WritersRoot: fill(4, 32), Params: fill(5, 32)}
}

func sampleConsortiumState() *ConsortiumState {
	return &ConsortiumState{
		Format: Format, StateRoot: fill(6, 32), AnchorLogRoot: fill(7, 32), AnchorLogSize: 1 << 40,
		ConsentLogRoot: fill(8, 32), ConsentLogSize: 2,
	}
}

func samplePutConsent() *PutConsent {
	return &PutConsent{
		ConsentId: fill(10, 32), Version: 3, Status: ConsentStatus_CONSENT_STATUS_INACTIVE,
		PolicyCommitment: fill(11, 32), EnvelopeHash: fill(12, 32), RecordedByMember: true,
	}
}

func sampleAnchor() *Anchor {
	return &Anchor{
		PrivateChainId: "private-a", Header: fill(13, 40), Commit: fill(14, 50), Validators: fill(15, 60),
		State: samplePrivateState(), Consistency: [][]byte{fill(16, 32), fill(17, 32)},
	}
}

func sampleWriter(id byte, seq uint64, closed bool) *WriterEntry {
	return &WriterEntry{Writer: fill(id, 16), PublicKey: fill(id+1, 32), LastSeq: seq, Closed: closed, Conflicts: seq / 2}
}

func sampleLeaf() *Leaf {
	random := bytes.NewReader(fill(100, 64))
	leaf, err := NewLeaf(random, LeafKind_LEAF_KIND_VERSION, LeafFields{
		Subject: "Observation/o1/_history/2", Content: ContentHash([]byte(`{"resourceType":"Observation"}`)),
		Previous: [32]byte(fill(9, 32)), Agent: "client-1", Activity: "update", Recorded: "2026-01-02T03:04:05Z",
		Purpose: "TREAT", Consent: "c1@17", Signature: fill(50, 64),
	})
	if err != nil {
		panic(err)
	}
	return leaf
}

// samples holds one valid value of every message.
func samples() []sample {
	leafBody := new(LeafBody)
	if err := Decode(sampleLeaf().Body(), leafBody); err != nil {
		panic(err)
	}
	return []sample{
		{"signed", &Signed{Body: fill(1, 20), KeyId: fill(2, 16), Signature: fill(3, 64)}, func() proto.Message { return new(Signed) }},
		{"private-batch", &PrivateBody{ChainId: "private-a", Message: &PrivateBody_Batch{sampleBatch()}}, func() proto.Message { return new(PrivateBody) }},
		{"private-admit", &PrivateBody{ChainId: "private-a", Message: &PrivateBody_AdmitWriter{
			&AdmitWriter{Writer: fill(1, 16), PublicKey: fill(2, 32)},
		}}, func() proto.Message { return new(PrivateBody) }},
		{"private-close", &PrivateBody{ChainId: "private-a", Message: &PrivateBody_CloseWriter{
			&CloseWriter{Writer: fill(1, 16), LastSeq: 12},
		}}, func() proto.Message { return new(PrivateBody) }},
		{"private-state", samplePrivateState(), func() proto.Message { return new(PrivateState) }},
		{"batch-entry", &BatchEntry{Writer: fill(1, 16), Seq: 1, Root: fill(2, 32), Size: 1}, func() proto.Message { return new(BatchEntry) }},
		{"writer-entry", sampleWriter(1, 9, true), func() proto.Message { return new(WriterEntry) }},
		{"leaf-body", leafBody, func() proto.Message { return new(LeafBody) }},
		{"consortium-anchor", &ConsortiumBody{
			ChainId: "consortium", Nonce: 5, ExpiryHeight: 90, Message: &ConsortiumBody_Anchor{sampleAnchor()},
		}, func() proto.Message { return new(ConsortiumBody) }},
		{"consortium-consent", &ConsortiumBody{
			ChainId: "consortium", Nonce: 6, Message: &ConsortiumBody_PutConsent{samplePutConsent()},
		}, func() proto.Message { return new(ConsortiumBody) }},
		{"anchor-entry", &AnchorEntry{
			PrivateChainId: "private-a", PrivateHeight: 4, HeaderHash: fill(1, 32), LogRoot: fill(2, 32), LogSize: 7,
			ValidatorsHash: fill(3, 32), Height: 11, TimeUnixNano: 1_700_000_000_000_000_001,
		}, func() proto.Message { return new(AnchorEntry) }},
		{"consent-entry", &ConsentEntry{
			ConsentId: fill(10, 32), Version: 3, Status: ConsentStatus_CONSENT_STATUS_ACTIVE, PolicyCommitment: fill(11, 32),
			EnvelopeHash: fill(12, 32), Member: "member-a", Height: 12, TimeUnixNano: 1_700_000_000_000_000_002,
		}, func() proto.Message { return new(ConsentEntry) }},
		{"consortium-state", sampleConsortiumState(), func() proto.Message { return new(ConsortiumState) }},
	}
}
