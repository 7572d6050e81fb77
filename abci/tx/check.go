package tx

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
)

// Lengths in bytes of identifiers and keys.
const (
	WriterSize    = 16
	KeyIDSize     = 16
	publicKeySize = 32
	signatureSize = 64

	// MaxChainID is CometBFT's limit on the length of a chain id.
	MaxChainID = 50
	maxName    = 128
)

// rule is one condition on a message: what must hold, and the name of the field for the error.
type rule struct {
	field string
	ok    bool
}

func isLong(field string, b []byte, n int) rule { return rule{field, len(b) == n} }
func isHash(field string, b []byte) rule        { return isLong(field, b, HashSize) }
func isWriter(b []byte) rule                    { return isLong("writer", b, WriterSize) }
func isPositive(field string, n uint64) rule    { return rule{field, n > 0} }
func isFilled(field string, b []byte) rule      { return rule{field, len(b) > 0} }
func isFormat(n uint32) rule                    { return rule{"format", n == Format} }
func isHeight(field string, h int64) rule       { return rule{field, h > 0} }

func isChainID(field, id string) rule {
	return rule{field, id != "" && len(id) <= MaxChainID && utf8.ValidString(id)}
}

// check holds every message to its lengths and ranges. Whether it fits the state of a chain is the application's
// question, not this package's.
func check(m proto.Message) error {
	if !m.ProtoReflect().IsValid() {
		return fmt.Errorf("%w: missing %s", ErrMalformed, name(m))
	}
	rules, nested := rulesOf(m)
	if rules == nil {
		return fmt.Errorf("%w: %s is no message of this format", ErrMalformed, name(m))
	}
	for _, r := range rules {
		if !r.ok {
			return fmt.Errorf("%w: %s.%s has the wrong length or range", ErrMalformed, name(m), r.field)
		}
	}
	if nested != nil {
		return check(nested)
	}
	return nil
}

// rulesOf returns the rules of a message and the one message inside it that has rules of its own, if any.
func rulesOf(m proto.Message) (rules []rule, nested proto.Message) {
	switch m := m.(type) {
	case *Signed:
		return []rule{isFilled("body", m.Body), isLong("key_id", m.KeyId, KeyIDSize), isLong("signature", m.Signature, signatureSize)}, nil
	case *PrivateBody:
		nested = privateMessage(m)
		return []rule{isChainID("chain_id", m.ChainId), {"message", nested != nil}}, nested
	case *ConsortiumBody:
		nested = consortiumMessage(m)
		return []rule{isChainID("chain_id", m.ChainId), {"message", nested != nil}}, nested
	case *LeafBody:
		return leafRules(m), nil
	}
	if rules, nested = privateRules(m); rules != nil {
		return rules, nested
	}
	return consortiumRules(m)
}

func privateMessage(b *PrivateBody) proto.Message {
	switch m := b.Message.(type) {
	case *PrivateBody_Batch:
		return m.Batch
	case *PrivateBody_AdmitWriter:
		return m.AdmitWriter
	case *PrivateBody_CloseWriter:
		return m.CloseWriter
	}
	return nil
}

func consortiumMessage(b *ConsortiumBody) proto.Message {
	switch m := b.Message.(type) {
	case *ConsortiumBody_Anchor:
		return m.Anchor
	case *ConsortiumBody_PutConsent:
		return m.PutConsent
	}
	return nil
}

func leafRules(m *LeafBody) []rule {
	rules := []rule{isFormat(m.Format), {"kind", knownKind(m.Kind)}, {"fields", len(m.Fields) == FieldCount}}
	for _, f := range m.Fields {
		rules = append(rules, isHash("fields", f))
	}
	return rules
}

func knownKind(k LeafKind) bool {
	return k >= LeafKind_LEAF_KIND_VERSION && k <= LeafKind_LEAF_KIND_ERASURE
}

func privateRules(m proto.Message) ([]rule, proto.Message) {
	switch m := m.(type) {
	case *Batch:
		return []rule{
			isFormat(m.Format), isWriter(m.Writer), isPositive("seq", m.Seq), isHash("root", m.Root), isPositive("size", m.Size),
		}, nil
	case *BatchEntry:
		return []rule{
			isWriter(m.Writer), isPositive("seq", m.Seq), isHash("root", m.Root), isPositive("size", m.Size),
		}, nil
	case *AdmitWriter:
		return []rule{isWriter(m.Writer), isLong("public_key", m.PublicKey, publicKeySize)}, nil
	case *CloseWriter:
		return []rule{isWriter(m.Writer)}, nil
	case *WriterEntry:
		return []rule{isWriter(m.Writer), isLong("public_key", m.PublicKey, publicKeySize)}, nil
	case *PrivateState:
		return []rule{
			isFormat(m.Format), isHash("log_root", m.LogRoot), isHash("writers_root", m.WritersRoot), isHash("params", m.Params),
		}, nil
	}
	return nil, nil
}

func consortiumRules(m proto.Message) ([]rule, proto.Message) {
	switch m := m.(type) {
	case *Anchor:
		return anchorRules(m), m.State
	case *AnchorEntry:
		return []rule{
			isChainID("private_chain_id", m.PrivateChainId), isHeight("private_height", m.PrivateHeight), isHash("header_hash", m.HeaderHash),
			isHash("log_root", m.LogRoot), isHash("validators_hash", m.ValidatorsHash), isHeight("height", m.Height),
		}, nil
	case *PutConsent:
		return consentRules(m.ConsentId, m.Version, m.Status, m.PolicyCommitment, m.EnvelopeHash), nil
	case *ConsentEntry:
		rules := consentRules(m.ConsentId, m.Version, m.Status, m.PolicyCommitment, m.EnvelopeHash)
		return append(rules, rule{"member", m.Member != "" && len(m.Member) <= maxName}, isHeight("height", m.Height)), nil
	case *ConsortiumState:
		return []rule{
			isFormat(m.Format), isHash("state_root", m.StateRoot), isHash("anchor_log_root", m.AnchorLogRoot), isHash("consent_log_root", m.ConsentLogRoot),
		}, nil
	}
	return nil, nil
}

func anchorRules(m *Anchor) []rule {
	rules := []rule{
		isChainID("private_chain_id", m.PrivateChainId), isFilled("header", m.Header), isFilled("commit", m.Commit),
		isFilled("validators", m.Validators),
		{"state", m.State != nil},
	}
	for _, h := range m.Consistency {
		rules = append(rules, isHash("consistency", h))
	}
	return rules
}

func consentRules(id []byte, version uint64, status ConsentStatus, policy, envelope []byte) []rule {
	return []rule{
		isHash("consent_id", id), isPositive("version", version),
		{"status", status == ConsentStatus_CONSENT_STATUS_ACTIVE || status == ConsentStatus_CONSENT_STATUS_INACTIVE},
		isHash("policy_commitment", policy), isHash("envelope_hash", envelope),
	}
}
