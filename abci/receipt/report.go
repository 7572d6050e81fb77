package receipt

import (
	"encoding/hex"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chartseal/chartseal/abci/tx"
)

// Verdict is what a verification came to.
type Verdict string

// Verdicts. An invalid receipt proves nothing at all.
const (
	Anchored  Verdict = "anchored"  // valid, and recorded no later than a consortium block time
	Committed Verdict = "committed" // valid, signed by the organisation, nothing proved about time
	Invalid   Verdict = "invalid"
)

// Names of the steps, in the order in which they run. The first that fails is the last of the report.
const (
	StepTrust             = "trust-file"            // canonical, and signed by more than two thirds of its members
	StepFormat            = "receipt-format"        // canonical JSON of this format and its algorithms
	StepParts             = "parts"                 // what the receipt says it holds is there, and nothing else
	StepLeaf              = "leaf"                  // leaf body and r are well-formed
	StepOpenings          = "openings"              // every disclosed field opens its commitment in the leaf body
	StepBatch             = "leaf-in-batch"         // the leaf's commitment is in the batch's tree
	StepPrivateLog        = "batch-in-private-log"  // the batch is in the private chain's log
	StepPrivateHeader     = "private-header"        // the log is in the application hash of a header of a member's private chain
	StepPrivateCommit     = "private-commit"        // the private validators signed the header
	StepConsortiumChanges = "consortium-validators" // the trust file's validators lead to those of the consortium header
	StepConsortiumHeader  = "consortium-header"     // the anchor log is in the application hash of a consortium header
	StepConsortiumCommit  = "consortium-commit"     // the consortium's validators signed the header
	StepAnchorLog         = "anchor-in-log"         // the anchor is in the consortium's log
	StepAnchor            = "anchor-of-header"      // the anchor is that of the private header
	StepPrivateValidators = "private-validators"    // the private validators are the member's, by trust file or anchor
	StepConsent           = "consent-status"        // the consent entry is the one that the leaf names, and in the consortium's log
	StepResource          = "resource"              // the resource is the one that the leaf's content field commits to
)

// Step is one check of a verification.
type Step struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // what was found, or why it failed; no value of the record
}

// Report is the outcome of a verification.
type Report struct {
	Verdict  Verdict     `json:"verdict"`
	Steps    []Step      `json:"steps"`
	Trust    TrustReport `json:"trust"`
	Claims   Claims      `json:"claims"`   // empty unless the verdict is anchored or committed
	Warnings []string    `json:"warnings"` // they do not change the verdict
}

// TrustReport tells which trust file was used; the reader compares the fingerprint with one from elsewhere.
type TrustReport struct {
	ChainID          string    `json:"chain_id"`
	Fingerprint      string    `json:"fingerprint"`
	CheckpointHeight int64     `json:"checkpoint_height"`
	CheckpointTime   time.Time `json:"checkpoint_time"`
}

// Claims is what a valid receipt says. Only NoLaterThan is proved by the consortium; the fields and PrivateTime are
// the organisation's word.
type Claims struct {
	Organisation     string        `json:"organisation"` // whose private chain it is
	Kind             string        `json:"kind"`         // version, access, consent-decision, share-opening, erasure
	Fields           []Field       `json:"fields"`
	NoLaterThan      time.Time     `json:"no_later_than,omitzero"` // anchored only
	ConsortiumHeight int64         `json:"consortium_height,omitempty"`
	PrivateChain     string        `json:"private_chain"`
	PrivateHeight    int64         `json:"private_height"` // of the header
	PrivateTime      time.Time     `json:"private_time"`   // of the header
	Consent          *ConsentClaim `json:"consent,omitempty"`
	ResourceMatches  bool          `json:"resource_matches"` // a resource was given, and it is the recorded one
	Statements       []string      `json:"statements"`       // all of this in words
}

// Field is a disclosed field of the leaf.
type Field struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
	Text  string `json:"text"` // Value for people: printable text, or hexadecimal
}

// ConsentClaim is the proved state of a consent in the consortium.
type ConsentClaim struct {
	ID       string    `json:"id"` // pseudonymous, in hexadecimal
	Version  uint64    `json:"version"`
	Active   bool      `json:"active"`
	Member   string    `json:"member"`
	ByMember bool      `json:"recorded_by_member"`
	Height   int64     `json:"height"`
	Time     time.Time `json:"time"`
}

// Failed returns the step that failed, nil if none did.
func (r *Report) Failed() *Step {
	if n := len(r.Steps); n > 0 && !r.Steps[n-1].OK {
		return &r.Steps[n-1]
	}
	return nil
}

func text(field tx.LeafField, value []byte) string {
	switch field {
	case tx.LeafField_LEAF_FIELD_CONTENT, tx.LeafField_LEAF_FIELD_PREVIOUS, tx.LeafField_LEAF_FIELD_SIGNATURE:
		return hex.EncodeToString(value)
	}
	if !utf8.Valid(value) {
		return hex.EncodeToString(value)
	}
	for _, r := range string(value) {
		if !unicode.IsPrint(r) {
			return hex.EncodeToString(value)
		}
	}
	return string(value)
}

// state puts the claims into words.
func (c *Claims) state() {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if c.NoLaterThan.IsZero() {
		say("signed by %s; nothing is proved about the time", c.Organisation)
	} else {
		say("recorded no later than %s (time of consortium block %d)", stamp(c.NoLaterThan), c.ConsortiumHeight)
	}
	for _, f := range c.Fields {
		say("%s: %s, stated by %s", f.Name, f.Text, c.Organisation)
	}
	say("time of private block %d: %s, stated by %s", c.PrivateHeight, stamp(c.PrivateTime), c.Organisation)
	if c.Consent != nil {
		status := "inactive"
		if c.Consent.Active {
			status = "active"
		}
		say("consent %s version %d was recorded as %s by %s at consortium block %d", c.Consent.ID, c.Consent.Version, status, c.Consent.Member, c.Consent.Height)
	}
	if c.ResourceMatches {
		say("the resource is the recorded one, in every element")
	}
	say("whether a later version of the record or of a consent exists is not proved")
	c.Statements = out
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
