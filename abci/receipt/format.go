package receipt

import (
	"slices"

	"github.com/chartseal/chartseal/abci/tx"
)

// Format names version 1 of the receipt format.
const Format = "chartseal-receipt/1"

// Algorithms names what a receipt of this format version is made with; there is no choice.
type Algorithms struct {
	Hash       string `json:"hash"`
	Commitment string `json:"commitment"`
	Tree       string `json:"tree"`
	Signature  string `json:"signature"`
}

var algorithms = Algorithms{Hash: "SHA-256", Commitment: "HMAC-SHA-256", Tree: "RFC-6962-SHA-256", Signature: "Ed25519"}

// Receipt is the document. Everything that is hashed or signed stands in it as the bytes that were hashed or signed.
type Receipt struct {
	Format     string       `json:"format"`
	Algorithms Algorithms   `json:"algorithms"`
	Parts      List[string] `json:"parts"` // names of the members that follow, in order: a dropped one shows
	Leaf       LeafPart     `json:"leaf"`
	Batch      BatchPart    `json:"batch"`
	Private    PrivatePart  `json:"private"`
	Anchor     *AnchorPart  `json:"anchor,omitempty"`
	Consent    *ConsentPart `json:"consent,omitempty"`
}

// Names in Parts.
const (
	partLeaf    = "leaf"
	partBatch   = "batch"
	partPrivate = "private"
	partAnchor  = "anchor"
	partConsent = "consent"
)

// parts lists what is present.
func (r *Receipt) parts() List[string] {
	out := List[string]{partLeaf, partBatch, partPrivate}
	if r.Anchor != nil {
		out = append(out, partAnchor)
	}
	if r.Consent != nil {
		out = append(out, partConsent)
	}
	return out
}

// LeafPart opens the leaf.
type LeafPart struct {
	Discloses List[string]      `json:"discloses"` // names of the opened fields: a dropped opening shows
	Body      Bytes             `json:"body"`      // tx.LeafBody
	R         Bytes             `json:"r"`         // exactly 32 bytes
	Openings  List[OpeningPart] `json:"openings"`  // in the order of the field numbers
}

// OpeningPart opens one field of the leaf body.
type OpeningPart struct {
	Field string `json:"field"`
	Salt  Bytes  `json:"salt"` // exactly 32 bytes
	Value Bytes  `json:"value"`
}

// BatchPart leads from the leaf's commitment to the root in the batch entry.
type BatchPart struct {
	Entry Bytes       `json:"entry"` // tx.BatchEntry
	Index uint64      `json:"index"` // of the leaf
	Path  List[Bytes] `json:"path"`
}

// ChainPart leads from an application state to signatures.
type ChainPart struct {
	State      Bytes `json:"state"`      // preimage of the header's app_hash
	Header     Bytes `json:"header"`     // CometBFT Header, protobuf
	Commit     Bytes `json:"commit"`     // CometBFT Commit, protobuf, cut to the signatures that suffice
	Validators Bytes `json:"validators"` // CometBFT ValidatorSet, protobuf, without proposer, priorities and total
}

// PrivatePart leads from the batch entry to a header of the private chain; the state is tx.PrivateState.
type PrivatePart struct {
	LogIndex uint64      `json:"log_index"` // of the batch entry
	LogPath  List[Bytes] `json:"log_path"`
	ChainPart
}

// AnchorPart leads from the private header to a header of the consortium chain; the state is tx.ConsortiumState.
type AnchorPart struct {
	Entry    Bytes       `json:"entry"`     // tx.AnchorEntry
	LogIndex uint64      `json:"log_index"` // of the anchor entry
	LogPath  List[Bytes] `json:"log_path"`
	ChainPart
	Changes List[ChangePart] `json:"validator_changes"` // from the trust file's validators to those of the header
}

// ChangePart is a change of the consortium's validators: a header whose next validators are others than those who
// signed it.
type ChangePart struct {
	Header Bytes `json:"header"`
	Commit Bytes `json:"commit"`
	Next   Bytes `json:"next_validators"` // CometBFT ValidatorSet, as in ChainPart
}

// ConsentPart proves the consent entry that the leaf's consent field names, under the anchor's consortium header.
type ConsentPart struct {
	Entry    Bytes       `json:"entry"` // tx.ConsentEntry
	LogIndex uint64      `json:"log_index"`
	LogPath  List[Bytes] `json:"log_path"`
}

// fieldNames are the names of the leaf fields, by number - 1.
var fieldNames = [tx.FieldCount]string{
	"subject", "content", "previous", "agent", "activity", "recorded", "purpose", "consent", "derivation", "signature",
}

// FieldName is a leaf field's name in receipts, "" if there is no such field.
func FieldName(f tx.LeafField) string {
	if f < 1 || f > tx.FieldCount {
		return ""
	}
	return fieldNames[f-1]
}

// fieldByName returns 0 for an unknown name.
func fieldByName(name string) tx.LeafField {
	return tx.LeafField(slices.Index(fieldNames[:], name) + 1)
}

// kindNames are the names of leaf kinds, by number.
var kindNames = [...]string{"", "version", "access", "consent-decision", "share-opening", "erasure"}

func kindName(k tx.LeafKind) string {
	if k < 0 || int(k) >= len(kindNames) {
		return ""
	}
	return kindNames[k]
}

func plain(path List[Bytes]) [][]byte {
	out := make([][]byte, len(path))
	for i, p := range path {
		out[i] = p
	}
	return out
}

func listOf(path [][]byte) List[Bytes] {
	out := make(List[Bytes], len(path))
	for i, p := range path {
		out[i] = p
	}
	return out
}
