package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"

	"github.com/chartseal/chartseal/abci/consortium"
	"github.com/chartseal/chartseal/abci/private"
	"github.com/chartseal/chartseal/abci/receipt"
	"github.com/chartseal/chartseal/abci/tx"
)

// ReceiptInput is what the caller knows of a leaf. Giving a receipt is a disclosure: the caller has decided it.
type ReceiptInput struct {
	Leaf        []byte     // opening from NewLeaf
	Commitments [][32]byte // of all leaves of the batch, in order
	Index       uint32     // of the leaf
	Writer      [16]byte
	Seq         uint64
	WithContent bool    // discloses the hash of the content, for who has the resource
	Fields      []Field // disclosed besides; nil: all that have a value, but the content
}

// Field is a field of a leaf, by its number in the wire format.
type Field int32

// Fields of a leaf.
const (
	FieldSubject Field = iota + 1
	FieldContent
	FieldPrevious
	FieldAgent
	FieldActivity
	FieldRecorded
	FieldPurpose
	FieldConsent
	FieldDerivation
	FieldSignature
)

// Receipt proves a leaf: anchored if the consortium has an anchor over its batch under a header, else committed. It
// does not wait for the consortium. Errors: ErrAbsent if batch or leaf is not on the chain as given.
func (l *Ledger) Receipt(ctx context.Context, in ReceiptInput) ([]byte, error) {
	parts, err := l.leafParts(in)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	batch, err := l.privateApp.View().BatchEntry(in.Writer, in.Seq)
	if errors.Is(err, private.ErrAbsent) {
		return nil, fmt.Errorf("receipt: batch %d: %w", in.Seq, ErrAbsent)
	}
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if root := tx.BatchRoot(in.Commitments); string(root[:]) != string(batch.Entry.GetRoot()) {
		return nil, fmt.Errorf("receipt: batch %d holds other leaves: %w", in.Seq, ErrAbsent)
	}
	parts.Batch, parts.LogIndex = batch.Entry, batch.Index
	switch anchored, err := l.anchorParts(parts); {
	case err != nil:
		return nil, fmt.Errorf("receipt: %w", err)
	case !anchored:
		if err := l.committedParts(ctx, parts, batch.Height+1); err != nil {
			return nil, fmt.Errorf("receipt: %w", err)
		}
	}
	if parts.LogPath, err = l.privateApp.View().Inclusion(parts.LogIndex, parts.State.GetLogSize()); err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	raw, err := receipt.Build(*parts)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return raw, nil
}

// leafParts opens the leaf and proves it in its batch.
func (l *Ledger) leafParts(in ReceiptInput) (*receipt.Parts, error) {
	leaf := new(tx.Leaf)
	if err := leaf.UnmarshalBinary(in.Leaf); err != nil {
		return nil, fmt.Errorf("leaf opening: %w", err)
	}
	if int(in.Index) >= len(in.Commitments) || in.Commitments[in.Index] != leaf.Commitment() {
		return nil, fmt.Errorf("leaf %d: %w", in.Index, ErrAbsent)
	}
	p := &receipt.Parts{Leaf: leaf, BatchIndex: uint64(in.Index), BatchPath: tx.BatchProof(in.Commitments, int(in.Index))}
	fields := in.Fields
	if fields == nil {
		for f := FieldSubject; f <= FieldSignature; f++ {
			if f != FieldContent && len(leaf.Values[f-1]) > 0 {
				fields = append(fields, f)
			}
		}
	}
	for _, f := range fields {
		p.Open = append(p.Open, tx.LeafField(f))
	}
	if in.WithContent {
		p.Open = append(p.Open, tx.LeafField_LEAF_FIELD_CONTENT)
	}
	return p, nil
}

// committedParts adds the private header at a height. It may be a few milliseconds away.
func (l *Ledger) committedParts(ctx context.Context, p *receipt.Parts, height int64) error {
	var found bool
	err := l.private.await(ctx, func() (ok bool, err error) {
		p.Private.Header, p.Private.Commit, p.Private.Validators, found, err = l.private.header(height)
		return found, err
	})
	if err != nil {
		return err
	}
	p.State, _, err = l.privateApp.View().StateAt(height - 1)
	return err
}

// anchorParts adds the first anchor over the batch, under the newest consortium header; false if there is none.
func (l *Ledger) anchorParts(p *receipt.Parts) (bool, error) {
	head := l.head.load()
	if head == nil {
		return false, nil
	}
	index, err := head.snap.AnchorFor(l.id.chainID("private"), p.LogIndex)
	if errors.Is(err, consortium.ErrAbsent) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	entry, evidence, err := head.snap.Anchor(index)
	if err != nil {
		return false, err
	}
	if p.Private, err = signedHeader(evidence); err != nil {
		return false, err
	}
	p.State = evidence.GetState()
	a := &receipt.AnchorParts{Entry: entry, LogIndex: index, State: head.snap.State}
	if a.LogPath, err = head.snap.AnchorLog().Inclusion(index, head.snap.State.GetAnchorLogSize()); err != nil {
		return false, err
	}
	var found bool
	a.Consortium.Header, a.Consortium.Commit, a.Consortium.Validators, found, err = l.consortium.header(head.height)
	if err != nil || !found {
		return false, errors.Join(err, fmt.Errorf("consortium header %d: %w", head.height, ErrAbsent))
	}
	p.Anchor = a
	return true, l.consentParts(p, head)
}

// consentParts proves the consent that the leaf names, if that field is disclosed and the consortium knows it.
func (l *Ledger) consentParts(p *receipt.Parts, head *provable) error {
	disclosed := false
	for _, f := range p.Open {
		disclosed = disclosed || f == tx.LeafField_LEAF_FIELD_CONSENT
	}
	ref, err := tx.ParseConsentRef(string(p.Leaf.Values[tx.LeafField_LEAF_FIELD_CONSENT-1]))
	if err != nil || !disclosed {
		return nil //nolint:nilerr // the field holds no reference to a consent
	}
	change, err := head.snap.ConsentChange(ref.ID, ref.Version)
	if errors.Is(err, consortium.ErrAbsent) || err == nil && change.Entry.GetHeight() > ref.Height {
		return nil
	}
	if err != nil {
		return err
	}
	path, err := head.snap.ConsentLog().Inclusion(change.Index, head.snap.State.GetConsentLogSize())
	if err != nil {
		return err
	}
	p.Consent = &receipt.ConsentParts{Entry: change.Entry, LogIndex: change.Index, LogPath: path}
	return nil
}

// signedHeader decodes the header that an anchor carries. The consortium has checked it.
func signedHeader(a *tx.Anchor) (receipt.SignedHeader, error) {
	var (
		ph  cmtproto.Header
		pc  cmtproto.Commit
		pv  cmtproto.ValidatorSet
		out receipt.SignedHeader
	)
	if err := errors.Join(ph.Unmarshal(a.GetHeader()), pc.Unmarshal(a.GetCommit()), pv.Unmarshal(a.GetValidators())); err != nil {
		return out, fmt.Errorf("anchored header: %w", err)
	}
	header, errHeader := types.HeaderFromProto(&ph)
	commit, errCommit := types.CommitFromProto(&pc)
	set, errSet := types.ValidatorSetFromProto(&pv)
	if err := errors.Join(errHeader, errCommit, errSet); err != nil {
		return out, fmt.Errorf("anchored header: %w", err)
	}
	return receipt.SignedHeader{Header: &header, Commit: commit, Validators: set}, nil
}

// VerifyReceipt checks a receipt against a trust file and returns the report as JSON. resource is canonical JSON to
// compare with the receipt's content, or nil. valid is true for the verdicts anchored and committed.
func VerifyReceipt(raw, trust, resource []byte) (report []byte, valid bool, err error) {
	r := receipt.Verify(raw, trust, receipt.Options{Resource: resource, Now: time.Now()})
	report, err = json.Marshal(r)
	if err != nil {
		return nil, false, fmt.Errorf("verify receipt: %w", err)
	}
	return report, r.Verdict != receipt.Invalid, nil
}
