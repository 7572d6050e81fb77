package receipt

import (
	"errors"
	"fmt"
	"time"

	"github.com/chartseal/chartseal/abci/tx"
)

// Options of Verify.
type Options struct {
	// Resource is the FHIR JSON to compare with the leaf's content. Nil: not compared.
	Resource []byte
	// Canonical brings Resource into RFC 8785 form, number literals kept. Nil: Resource is canonical already.
	Canonical func([]byte) ([]byte, error)
	// Now is compared with the trust file's checkpoint. Zero: not compared.
	Now time.Time
}

// errSkip is returned by a step that does not apply to this receipt.
var errSkip = errors.New("does not apply")

// run is a verification under way. Each step may rely on those before it.
type run struct {
	opts       Options
	rawReceipt []byte
	readTrust  func() (*Trust, error)
	report     *Report

	trust      *Trust
	receipt    *Receipt
	body       *tx.LeafBody
	openings   []Field
	batch      *tx.BatchEntry
	state      *tx.PrivateState
	private    *signed
	member     *Member
	trusted    validators // of the consortium, after the changes
	since      int64      // height of the last change, 0 without one
	consortium *signed
	top        *tx.ConsortiumState
	anchor     *tx.AnchorEntry
	consent    *tx.ConsentEntry
}

type step struct {
	name string
	do   func(*run) (detail string, err error)
}

// steps in their order. Signatures are checked as late as possible: they are the dear part.
func steps() []step {
	return []step{
		{StepTrust, (*run).checkTrust},
		{StepFormat, (*run).checkFormat},
		{StepParts, (*run).checkParts},
		{StepLeaf, (*run).checkLeaf},
		{StepOpenings, (*run).checkOpenings},
		{StepBatch, (*run).checkBatch},
		{StepPrivateLog, (*run).checkPrivateLog},
		{StepPrivateHeader, (*run).checkPrivateHeader},
		{StepPrivateCommit, (*run).checkPrivateCommit},
		{StepConsortiumChanges, (*run).checkChanges},
		{StepConsortiumHeader, (*run).checkConsortiumHeader},
		{StepConsortiumCommit, (*run).checkConsortiumCommit},
		{StepAnchorLog, (*run).checkAnchorLog},
		{StepAnchor, (*run).checkAnchor},
		{StepPrivateValidators, (*run).checkPrivateValidators},
		{StepConsent, (*run).checkConsent},
		{StepResource, (*run).checkResource},
	}
}

// Verify checks a receipt against a trust file. It reads no clock and opens no socket, and is safe for any input.
func Verify(receipt, trust []byte, opts Options) *Report {
	return verify(receipt, func() (*Trust, error) { return DecodeTrust(trust) }, opts)
}

func verify(receipt []byte, trust func() (*Trust, error), opts Options) *Report {
	r := &run{opts: opts, rawReceipt: receipt, readTrust: trust, report: &Report{Verdict: Invalid, Steps: []Step{}, Warnings: []string{}}}
	for _, s := range steps() {
		detail, err := s.do(r)
		if errors.Is(err, errSkip) {
			continue
		}
		if err != nil {
			r.report.Steps = append(r.report.Steps, Step{Name: s.name, Detail: err.Error()})
			return r.report
		}
		r.report.Steps = append(r.report.Steps, Step{Name: s.name, OK: true, Detail: detail})
	}
	r.report.Verdict = Committed
	if r.anchor != nil {
		r.report.Verdict = Anchored
	}
	r.claim()
	return r.report
}

func (r *run) checkTrust() (string, error) {
	t, err := r.readTrust()
	if err != nil {
		return "", err
	}
	fingerprint, err := t.Fingerprint()
	if err != nil {
		return "", err
	}
	r.trust = t
	r.report.Trust = TrustReport{t.ChainID, fingerprint, t.Checkpoint.Height, t.CheckpointTime()}
	end := t.CheckpointTime().Add(time.Duration(t.TrustingPeriod) * time.Second)
	if !r.opts.Now.IsZero() && r.opts.Now.After(end) {
		r.report.Warnings = append(r.report.Warnings, fmt.Sprintf(
			"the trust file's checkpoint is of %s, and its trusting period ended at %s: validators' keys that were retired since could have signed another history",
			stamp(t.CheckpointTime()), stamp(end)))
	}
	return fmt.Sprintf("signed by the members of %s; fingerprint %s", t.ChainID, fingerprint), nil
}

func (r *run) checkFormat() (string, error) {
	r.receipt = new(Receipt)
	if err := decodeJSON(r.rawReceipt, r.receipt); err != nil {
		return "", err
	}
	if r.receipt.Format != Format || r.receipt.Algorithms != algorithms {
		return "", fmt.Errorf("%w: receipt of an unknown format", ErrMalformed)
	}
	return Format, nil
}

func (r *run) checkParts() (string, error) {
	if want := r.receipt.parts(); !equal(want, r.receipt.Parts) {
		return "", fmt.Errorf("%w: the receipt does not hold the parts that it names", ErrMalformed)
	}
	if r.receipt.Consent != nil && r.receipt.Anchor == nil {
		return "", fmt.Errorf("%w: consent without anchor", ErrMalformed)
	}
	return fmt.Sprintf("%d parts", len(r.receipt.Parts)), nil
}

func equal(a, b List[string]) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (r *run) checkLeaf() (string, error) {
	r.body = new(tx.LeafBody)
	if err := tx.Decode(r.receipt.Leaf.Body, r.body); err != nil {
		return "", err
	}
	if len(r.receipt.Leaf.R) != tx.HashSize {
		return "", fmt.Errorf("%w: r has not 32 bytes", ErrMalformed)
	}
	return "a leaf of kind " + kindName(r.body.GetKind()), nil
}

func (r *run) checkOpenings() (string, error) {
	names := List[string]{}
	last := tx.LeafField(0)
	for _, o := range r.receipt.Leaf.Openings {
		field := fieldByName(o.Field)
		if field <= last || len(o.Salt) != tx.HashSize {
			return "", fmt.Errorf("%w: an opening of no field, out of order, or with a salt that has not 32 bytes", ErrMalformed)
		}
		last = field
		commitment := tx.FieldCommitment([tx.HashSize]byte(o.Salt), field, o.Value)
		if string(commitment[:]) != string(r.body.GetFields()[field-1]) {
			return "", fmt.Errorf("%w: field %s is not the one that was recorded", tx.ErrProof, o.Field)
		}
		names = append(names, o.Field)
		r.openings = append(r.openings, Field{Name: o.Field, Value: o.Value, Text: text(field, o.Value)})
	}
	if !equal(names, r.receipt.Leaf.Discloses) {
		return "", fmt.Errorf("%w: the openings are not those that the receipt names", ErrMalformed)
	}
	return fmt.Sprintf("%d of %d fields disclosed", len(names), tx.FieldCount), nil
}

// opened returns the disclosed value of a field.
func (r *run) opened(field tx.LeafField) (value []byte, ok bool) {
	for _, f := range r.openings {
		if f.Name == FieldName(field) {
			return f.Value, true
		}
	}
	return nil, false
}

func (r *run) checkBatch() (string, error) {
	p := &r.receipt.Batch
	r.batch = new(tx.BatchEntry)
	if err := tx.Decode(p.Entry, r.batch); err != nil {
		return "", err
	}
	commitment := tx.LeafCommitment([tx.HashSize]byte(r.receipt.Leaf.R), r.receipt.Leaf.Body)
	if err := tx.VerifyInclusion(r.batch.GetRoot(), commitment[:], p.Index, r.batch.GetSize(), plain(p.Path)); err != nil {
		return "", err
	}
	return fmt.Sprintf("leaf %d of %d in batch %d of writer %x", p.Index, r.batch.GetSize(), r.batch.GetSeq(), r.batch.GetWriter()), nil
}

func (r *run) checkPrivateLog() (string, error) {
	p := &r.receipt.Private
	r.state = new(tx.PrivateState)
	if err := tx.Decode(p.State, r.state); err != nil {
		return "", err
	}
	if err := tx.VerifyInclusion(r.state.GetLogRoot(), r.receipt.Batch.Entry, p.LogIndex, r.state.GetLogSize(), plain(p.LogPath)); err != nil {
		return "", err
	}
	return fmt.Sprintf("batch %d of %d", p.LogIndex, r.state.GetLogSize()), nil
}

func (r *run) checkResource() (string, error) {
	if r.opts.Resource == nil {
		return "", errSkip
	}
	want, ok := r.opened(tx.LeafField_LEAF_FIELD_CONTENT)
	if !ok {
		return "", errors.New("the receipt does not disclose the content's commitment")
	}
	canonical := r.opts.Resource
	if r.opts.Canonical != nil {
		var err error
		if canonical, err = r.opts.Canonical(canonical); err != nil {
			return "", errors.New("the resource has no canonical form") // the cause may quote it
		}
	}
	if got := tx.ContentHash(canonical); string(got[:]) != string(want) {
		return "", fmt.Errorf("%w: the resource is not the one that was recorded", tx.ErrProof)
	}
	return "the resource is the recorded one", nil
}
