package record

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	consentpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"

	"github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/seal"
	"github.com/chartseal/chartseal/internal/store"
)

// Purposes of small sealed records.
const (
	purposeRow     = "row"
	purposeLeaf    = "leaf"
	purposeOutcome = "outcome"
	purposeCursor  = "cursor"
)

// versionAAD binds a small record to the version that it belongs to.
func versionAAD(res store.Token, version uint64) []byte {
	return binary.BigEndian.AppendUint64(res[:], version)
}

// resourceToken is the blind name of a resource.
func (s *Service) resourceToken(typ, id string) store.Token {
	return index.ResourceToken(s.sealer, typ, id)
}

// change is one version about to be written. A nil resource is a deletion.
type change struct {
	typ, id  string
	res      *fhir.Resource
	prev     *store.Head // newest head, if there is one
	activity string      // of the leaf: create, update, delete
	method   string      // that history shows: POST, PUT, DELETE
	at       time.Time   // lastUpdated
}

func (c *change) version() uint64 {
	if c.prev == nil {
		return 1
	}
	return c.prev.Version + 1
}

// draft seals one version into the unit: body, index row, tokens, leaf. The caller holds the resource's lock.
func (s *Service) draft(ctx context.Context, u *unit, caller *Caller, c *change) (*Result, error) {
	out := &Result{Type: c.typ, ID: c.id, Version: c.version(), LastUpdated: c.at, Deleted: c.res == nil, Created: c.prev == nil || c.prev.Deleted, Method: c.method}
	if c.res != nil {
		json, err := fhir.Splice(c.res.JSON, c.id, strconv.FormatUint(out.Version, 10), c.at)
		if err != nil {
			return nil, internalError("set id and meta", err)
		}
		out.JSON = json
	}
	key, err := s.keyFor(u, c)
	if err != nil {
		return nil, err
	}
	v := store.StagedVersion{Version: store.Version{
		Resource: s.resourceToken(c.typ, c.id), Version: out.Version, Handle: key.Handle(), Deleted: out.Deleted,
	}}
	if v.Body, err = key.SealVersion(nil, c.typ, c.id, out.Version, encodeBody(out)); err != nil {
		return nil, internalError("seal version", err)
	}
	if err := s.draftLeaf(&v, key, caller, c, out); err != nil {
		return nil, err
	}
	if err := s.draftRow(ctx, &v, key, c); err != nil {
		return nil, err
	}
	if c.typ == "Consent" {
		if err := s.draftConsent(u, &v, c); err != nil {
			return nil, err
		}
	}
	u.versions = append(u.versions, v)
	return out, nil
}

// keyFor picks the key of the version: of its data subjects, or the one it already has when it is deleted.
func (s *Service) keyFor(u *unit, c *change) (*seal.Key, error) {
	if c.res == nil {
		key, err := s.sealer.Key(c.prev.Handle)
		if err != nil {
			return nil, internalError("open key", err)
		}
		return key, nil
	}
	key, recs, err := s.sealer.Ensure(s.subjects(c.res, c.id))
	if err != nil {
		return nil, internalError("make key", err)
	}
	u.keys = append(u.keys, recs...)
	return key, nil
}

// subjects names the patients whose data a resource is, for the keyring. id is the one that the server gives.
func (s *Service) subjects(r *fhir.Resource, id string) []string {
	if r.Type == "Patient" {
		return []string{id}
	}
	sub := fhir.SubjectsOf(r, s.cfg.Base)
	if sub.Unresolved || len(sub.Via) > 0 { // what it refers to may be of patients that it does not name
		return []string{unresolvedSubject}
	}
	return sub.Patients
}

// draftLeaf commits to what was recorded, by whom, when and as what.
func (s *Service) draftLeaf(v *store.StagedVersion, key *seal.Key, caller *Caller, c *change, out *Result) error {
	f := ledger.LeafFields{
		Subject:  fmt.Sprintf("%s/%s/_history/%d", c.typ, c.id, out.Version),
		Agent:    caller.agent(),
		Activity: c.activity,
		Recorded: c.at.Format(time.RFC3339Nano),
		Purpose:  joinPurposes(caller.Purposes),
	}
	if c.prev != nil {
		f.Previous = c.prev.Commitment
	}
	if out.JSON != nil {
		canonical, err := fhir.Canonical(out.JSON)
		if err != nil {
			return internalError("canonical JSON", err)
		}
		f.Content = ledger.ContentHash(canonical)
	}
	opening, commitment, err := ledger.NewLeaf(f)
	if err != nil {
		return internalError("leaf", err)
	}
	v.Commitment = commitment
	if v.Leaf, err = key.Seal(nil, purposeLeaf, versionAAD(v.Resource, v.Version.Version), opening); err != nil {
		return internalError("seal leaf", err)
	}
	return nil
}

func joinPurposes(p []string) string {
	out := ""
	for i, s := range p {
		if i > 0 {
			out += " "
		}
		out += s
	}
	return out
}

// draftRow indexes the version. A deletion keeps what consents ask of the resource, and is found by no search.
func (s *Service) draftRow(ctx context.Context, v *store.StagedVersion, key *seal.Key, c *change) error {
	row := &index.Row{Type: c.typ, ID: c.id, Created: c.at}
	if c.prev != nil {
		before, err := s.store.Doc(ctx, c.prev.Doc)
		if err != nil {
			return internalError("read row", err)
		}
		if row, err = s.openRow(before); err != nil {
			return internalError("open row", err)
		}
	}
	created := row.Created
	if c.res == nil {
		v.Postings = append(v.Postings, index.DeletedToken(s.sealer, c.typ))
	} else {
		if row, v.Postings = index.Build(s.sealer, c.res, s.cfg.Base, c.id, c.at); len(row.Values) > fhir.MaxValues {
			return &Error{Kind: Unprocessable, Code: "too-costly", Msg: "the resource has more searchable values than this server indexes; send it in parts"}
		}
	}
	row.Created, row.LastUpdated = created, c.at
	plain, err := row.MarshalBinary()
	if err != nil {
		return internalError("encode row", err)
	}
	if v.Row, err = key.Seal(nil, purposeRow, versionAAD(v.Resource, v.Version.Version), plain); err != nil {
		return internalError("seal row", err)
	}
	return nil
}

// draftConsent stages the consortium transaction of a Consent, and makes it findable by its patient.
func (s *Service) draftConsent(u *unit, v *store.StagedVersion, c *change) error {
	var subjects []store.Handle
	active := false
	if c.res != nil {
		pb, ok := c.res.Proto.(*consentpb.Consent)
		if !ok {
			return internalError("consent", fmt.Errorf("unexpected proto %T", c.res.Proto))
		}
		active = pb.GetStatus().GetValue() == codes_go_proto.ConsentStateCode_ACTIVE
		id := s.consentPatient(pb)
		if id == "" && active {
			return fail(Unprocessable, "an active Consent must name its patient by a reference to a Patient of this server, or it could not be enforced")
		}
		if id != "" {
			h := s.sealer.PatientHandle(id)
			subjects = append(subjects, h)
			v.Postings = append(v.Postings, s.consentToken(h))
		}
	}
	if c.prev != nil {
		key, err := s.sealer.Key(c.prev.Handle)
		if err != nil {
			return internalError("open key", err)
		}
		subjects = append(subjects, key.Members()...)
	}
	state, err := s.consentState(c.id, &v.Version, active)
	if err != nil {
		return internalError("consent state", err)
	}
	u.consents = append(u.consents, consentChange{version: len(u.versions), change: state, subjects: subjects})
	return nil
}

// openRow opens the index row of a document, without its search values.
func (s *Service) openRow(d *store.Doc) (*index.Row, error) {
	row := &index.Row{}
	plain, err := s.openRowBytes(d)
	if err != nil {
		return nil, err
	}
	return row, row.UnmarshalHeader(plain)
}

// openWholeRow opens it with them.
func (s *Service) openWholeRow(d *store.Doc) (*index.Row, error) {
	row := &index.Row{}
	plain, err := s.openRowBytes(d)
	if err != nil {
		return nil, err
	}
	return row, row.UnmarshalBinary(plain)
}

func (s *Service) openRowBytes(d *store.Doc) ([]byte, error) {
	key, err := s.sealer.Key(d.Handle)
	if err != nil {
		return nil, err
	}
	return key.Open(nil, purposeRow, versionAAD(d.Resource, d.Version), d.Row)
}

// openVersion opens the resource of a version.
func (s *Service) openVersion(typ, id string, v *store.Version) (*Result, error) {
	key, err := s.sealer.Key(v.Handle)
	if err != nil {
		return nil, err
	}
	plain, err := key.OpenVersion(nil, typ, id, v.Version, v.Body)
	if err != nil {
		return nil, err
	}
	r := &Result{Type: typ, ID: id, Version: v.Version, Deleted: v.Deleted}
	if err := decodeBody(plain, r); err != nil {
		return nil, err
	}
	r.guessMethod()
	if v.Deleted {
		r.JSON = nil
	}
	return r, nil
}

// mayVersion decides whether the guard's caller may see a version.
func (s *Service) mayVersion(ctx context.Context, g *guard, d store.DocID, h store.Handle) (bool, error) {
	return g.may(ctx, h, s.attributes(ctx, d))
}
