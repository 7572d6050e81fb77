package receipt

import (
	"fmt"
	"slices"

	cmttypes "github.com/cometbft/cometbft/types"
	"google.golang.org/protobuf/proto"

	"github.com/chartseal/chartseal/abci/tx"
)

// Parts are what a receipt is built from. Build copies what it needs and verifies nothing but what it must cut.
type Parts struct {
	Leaf *tx.Leaf       // the sealed opening, opened
	Open []tx.LeafField // the fields that this holder may see

	Batch      *tx.BatchEntry
	BatchIndex uint64 // of the leaf in its batch
	BatchPath  [][]byte

	LogIndex uint64 // of the batch in the private log
	LogPath  [][]byte
	State    *tx.PrivateState // after the height before that of the private header
	Private  SignedHeader     // the anchored header; without an anchor, any header above the batch's height

	Anchor  *AnchorParts  // nil: committed only
	Consent *ConsentParts // nil: none; needs an anchor, and the consent field opened
}

// SignedHeader is a block's header with a commit for it and the validators that signed.
type SignedHeader struct {
	Header     *cmttypes.Header
	Commit     *cmttypes.Commit // may hold all signatures; Build cuts it
	Validators *cmttypes.ValidatorSet
}

// AnchorParts lead from the private header to the consortium.
type AnchorParts struct {
	Entry      *tx.AnchorEntry
	LogIndex   uint64
	LogPath    [][]byte
	State      *tx.ConsortiumState // after the height before that of the consortium header
	Consortium SignedHeader        // any header above the anchor's height
	Changes    []ValidatorChange   // from the trust file's validators, oldest first; empty if they are the header's
}

// ValidatorChange is a consortium header whose next validators differ from those that signed it.
type ValidatorChange struct {
	SignedHeader
	Next *cmttypes.ValidatorSet
}

// ConsentParts prove a consent entry under the anchor's consortium header.
type ConsentParts struct {
	Entry    *tx.ConsentEntry
	LogIndex uint64
	LogPath  [][]byte
}

// Build makes the receipt's canonical JSON. Errors: ErrMalformed or tx.ErrMalformed (a part is missing or not valid),
// ErrQuorum (a commit has too few signatures).
func Build(p Parts) ([]byte, error) {
	if p.Leaf == nil || p.Consent != nil && p.Anchor == nil {
		return nil, fmt.Errorf("%w: no leaf, or consent without anchor", ErrMalformed)
	}
	r := &Receipt{Format: Format, Algorithms: algorithms, Leaf: leafPart(p.Leaf, p.Open)}
	var err error
	r.Batch = BatchPart{Index: p.BatchIndex, Path: listOf(p.BatchPath)}
	if r.Batch.Entry, err = tx.EntryLeaf(p.Batch); err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	r.Private = PrivatePart{LogIndex: p.LogIndex, LogPath: listOf(p.LogPath)}
	if r.Private.ChainPart, err = chainPart(p.State, p.Private); err != nil {
		return nil, fmt.Errorf("private chain: %w", err)
	}
	if p.Anchor != nil {
		if r.Anchor, err = anchorPart(p.Anchor); err != nil {
			return nil, fmt.Errorf("anchor: %w", err)
		}
	}
	if p.Consent != nil {
		r.Consent = &ConsentPart{LogIndex: p.Consent.LogIndex, LogPath: listOf(p.Consent.LogPath)}
		if r.Consent.Entry, err = tx.EntryLeaf(p.Consent.Entry); err != nil {
			return nil, fmt.Errorf("consent: %w", err)
		}
	}
	r.Parts = r.parts()
	return encodeJSON(r)
}

func leafPart(l *tx.Leaf, open []tx.LeafField) LeafPart {
	open = slices.Clone(open)
	slices.Sort(open)
	out := LeafPart{Body: l.Body(), R: l.R[:]}
	for _, o := range l.Open(slices.Compact(open)...) {
		out.Discloses = append(out.Discloses, FieldName(o.Field))
		out.Openings = append(out.Openings, OpeningPart{Field: FieldName(o.Field), Salt: o.Salt[:], Value: o.Value})
	}
	return out
}

func chainPart(state proto.Message, s SignedHeader) (ChainPart, error) {
	raw, err := tx.Encode(state)
	if err != nil {
		return ChainPart{}, err
	}
	header, commit, set, err := s.encode()
	if err != nil {
		return ChainPart{}, err
	}
	return ChainPart{State: raw, Header: header, Commit: commit, Validators: set}, nil
}

func (s SignedHeader) encode() (header, commit, set []byte, err error) {
	if s.Header == nil || s.Commit == nil {
		return nil, nil, nil, fmt.Errorf("%w: no header or no commit", ErrMalformed)
	}
	vs, err := ValidatorsOf(s.Validators)
	if err != nil {
		return nil, nil, nil, err
	}
	cut, err := trim(s.Commit, vs)
	if err != nil {
		return nil, nil, nil, err
	}
	if header, err = s.Header.ToProto().Marshal(); err != nil {
		return nil, nil, nil, fmt.Errorf("encode header: %w", err)
	}
	if commit, err = cut.ToProto().Marshal(); err != nil {
		return nil, nil, nil, fmt.Errorf("encode commit: %w", err)
	}
	set, err = validators(vs).encode()
	return header, commit, set, err
}

func anchorPart(a *AnchorParts) (*AnchorPart, error) {
	out := &AnchorPart{LogIndex: a.LogIndex, LogPath: listOf(a.LogPath)}
	var err error
	if out.Entry, err = tx.EntryLeaf(a.Entry); err != nil {
		return nil, err
	}
	if out.ChainPart, err = chainPart(a.State, a.Consortium); err != nil {
		return nil, err
	}
	for i, c := range a.Changes {
		header, commit, _, err := c.encode()
		if err != nil {
			return nil, fmt.Errorf("validator change %d: %w", i, err)
		}
		next, err := ValidatorsOf(c.Next)
		if err != nil {
			return nil, fmt.Errorf("validator change %d: %w", i, err)
		}
		raw, err := validators(next).encode()
		if err != nil {
			return nil, fmt.Errorf("validator change %d: %w", i, err)
		}
		out.Changes = append(out.Changes, ChangePart{Header: header, Commit: commit, Next: raw})
	}
	return out, nil
}
