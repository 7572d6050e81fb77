package ledger

import (
	"crypto/rand"
	"fmt"

	"github.com/chartseal/chartseal/abci/tx"
)

// LeafKind is what a leaf records.
type LeafKind uint8

// Kinds of leaves.
const (
	LeafVersion         LeafKind = iota // a version of a resource
	LeafAccess                          // an access
	LeafConsentDecision                 // a decision on consent
	LeafShareOpening                    // the opening of a share
	LeafErasure                         // an erasure
)

// LeafFields are the values that a leaf commits to, each with its own salt. Content and Previous may be zero: absent.
type LeafFields struct {
	Kind       LeafKind
	Subject    string   // Type/id/_history/version
	Content    [32]byte // ContentHash of the resource
	Previous   [32]byte // commitment of the previous leaf of the same resource
	Agent      string   // client, user, credential, member
	Activity   string   // create, update, delete, read, ...
	Recorded   string   // RFC 3339, as stated by the gateway
	Purpose    string   // purpose of use
	Consent    string   // ConsentRef of the consent that permitted it
	Derivation string   // what it was derived from
	Signature  []byte   // the author's signature
}

// NewLeaf draws fresh salts. The opening is secret: it is to be sealed beside the version, and with it gone the
// commitment means nothing.
func NewLeaf(f LeafFields) (opening []byte, commitment [32]byte, err error) {
	leaf, err := tx.NewLeaf(rand.Reader, tx.LeafKind(f.Kind)+tx.LeafKind_LEAF_KIND_VERSION, tx.LeafFields{
		Subject: f.Subject, Content: f.Content, Previous: f.Previous, Agent: f.Agent, Activity: f.Activity, Recorded: f.Recorded,
		Purpose: f.Purpose, Consent: f.Consent, Derivation: f.Derivation, Signature: f.Signature,
	})
	if err != nil {
		return nil, commitment, fmt.Errorf("new leaf: %w", err)
	}
	opening, err = leaf.MarshalBinary()
	if err != nil {
		return nil, commitment, fmt.Errorf("new leaf: %w", err)
	}
	return opening, leaf.Commitment(), nil
}

// ContentCommitment is the salted commitment of an opened leaf to its content field. It tells nothing about the
// content to who has not the salt, and may stand on a chain.
func ContentCommitment(opening []byte) ([32]byte, error) {
	leaf := new(tx.Leaf)
	if err := leaf.UnmarshalBinary(opening); err != nil {
		return [32]byte{}, fmt.Errorf("leaf opening: %w", err)
	}
	const field = tx.LeafField_LEAF_FIELD_CONTENT
	return tx.FieldCommitment(tx.FieldSalt(leaf.Seed, field), field, leaf.Values[field-1]), nil
}

// BatchRoot is the RFC 6962 root over leaf commitments.
func BatchRoot(commitments [][32]byte) [32]byte { return tx.BatchRoot(commitments) }

// ContentHash is what a leaf's Content holds of a resource: the tagged SHA-256 over its canonical JSON.
func ContentHash(canonical []byte) [32]byte { return tx.ContentHash(canonical) }

// ConsentRef is the value of a leaf's Consent field: the consent's pseudonymous id and version, and the consortium
// height at which they held.
func ConsentRef(id [32]byte, version uint64, height int64) string {
	return tx.ConsentRef{ID: id, Version: version, Height: height}.String()
}
