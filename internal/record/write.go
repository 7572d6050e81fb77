package record

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// WriteOptions are the conditions and wishes of a write.
type WriteOptions struct {
	IfMatch        string // ETags such as W/"3" or "3", or *
	IfNoneMatch    string // likewise; * makes an update a create
	IfNoneExist    string // query of a conditional create
	IdempotencyKey string // the same key of the same client gets the first outcome
	StatusID       string // random; under it Status tells how a write that was not waited for went
	Durable        bool   // answer when the write is durable, before the ledger has committed it
}

// newID makes a logical id: a random UUID (RFC 9562 version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// stamp is the time of a write, as meta.lastUpdated shows it.
func (s *Service) stamp() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// withTimeout bounds a write by the commit time-out.
func (s *Service) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.CommitTimeout)
}

// begin takes the locks of a unit.
func (s *Service) begin(ctx context.Context, keys ...store.Token) (*unit, error) {
	if e := s.readOnly.Load(); e != nil {
		return nil, e
	}
	u := newUnit()
	var err error
	if u.locks, err = s.locks.acquire(ctx, keys); err != nil {
		return nil, err
	}
	return u, nil
}

// drop ends a unit unless the writer owns it. Whoever begins a unit defers it, so that no way out keeps a lock.
func (s *Service) drop(u *unit) {
	if u.owned {
		return
	}
	s.sealer.Abandon(u.keys)
	u.locks.release()
}

// commit hands the unit over and waits for its outcome. A unit without versions changes nothing. early tells that
// the write is durable and not committed yet, as the caller wished.
func (s *Service) commit(ctx context.Context, u *unit, opt *WriteOptions, location string) (early bool, err error) {
	if len(u.versions) == 0 {
		return false, nil
	}
	if err := s.writer.enqueue(u); err != nil {
		return false, err
	}
	u.owned = true
	return opt.Durable, u.await(ctx, opt.Durable, location)
}

// parse validates a resource and checks that it is of the type that the URL names. Conditional references are for
// transactions (R4 section 3.1.0.11.3), which resolve them before they parse.
func (s *Service) parse(typ string, raw []byte) (*fhir.Resource, error) {
	r, err := fhir.Parse(raw, s.cfg.Limits)
	if err != nil {
		return nil, err
	}
	if r.Type != typ {
		return nil, oneIssue("resourceType must be "+typ+", the type that the URL names", "resourceType")
	}
	err = fhir.EachReference(r.JSON, func(ref string) error {
		if target, _, ok := strings.Cut(ref, "?"); ok && fhir.Storable(target) {
			return oneIssue("conditional references work in transactions only", r.Type)
		}
		return nil
	})
	return r, err
}

// oneIssue is a single finding about the resource in a request.
func oneIssue(text, expression string) error {
	return &fhir.Invalid{Issues: []fhir.Issue{{
		Severity: "error", Code: "invalid", Diagnostics: text, Expression: []string{expression},
	}}}
}

// custody decides whether the caller may record this resource. The custodian's staff may: consent governs disclosure,
// not recording. A token that is bound to a patient records for that patient alone; anybody else, only for patients
// that it sees. Consents are for the patient and the staff.
func (s *Service) custody(ctx context.Context, c *Caller, r *fhir.Resource, id string) error {
	if c.staff() {
		return nil
	}
	subjects := s.subjects(r, id)
	if r.Type == "Consent" && !c.Workforce && (c.Self == "" || !slices.Equal(subjects, []string{c.Self})) {
		return fail(Forbidden, "only the patient and the custodian's staff may record a consent")
	}
	if c.PatientOnly && !slices.Equal(subjects, []string{c.Patient}) {
		return fail(Forbidden, "the access token is bound to one patient's record, and this is not of it")
	}
	patients := make([]store.Handle, len(subjects))
	for i, id := range subjects {
		patients[i] = s.sealer.PatientHandle(id)
	}
	unlabelled := func() (consent.Resource, error) { return consent.Resource{}, nil }
	ok, err := s.guard(c).mayAll(ctx, patients, unlabelled)
	if err != nil {
		return err
	}
	if !ok || len(patients) == 0 || slices.Contains(patients, s.unresolved) {
		return errCustody
	}
	return nil
}

var errCustody = &Error{Kind: Forbidden, Msg: "only the custodian's staff may record this"}

// current is the newest version of a resource for a writer that holds its lock: nil if there is none. A caller
// outside the workforce that may not see it gets Absent, as for one that never existed.
func (s *Service) current(ctx context.Context, c *Caller, res store.Token) (*store.Head, error) {
	h, err := s.visible(ctx, s.view(), res)
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return nil, internalError("read head", err)
	}
	known := err == nil
	if !c.staff() {
		if !known {
			return nil, errAbsent
		}
		ok, err := s.mayVersion(ctx, s.guard(c), h.Doc, h.Handle)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, errAbsent
		}
		if h.Handle == (store.Handle{}) || h.Handle == s.unresolved {
			return nil, errCustody
		}
	}
	if !known {
		return nil, nil //nolint:nilnil // documented: no such resource
	}
	return &h, nil
}

var errGone = &Error{Kind: Gone, Msg: "the resource was deleted"}

// errAbsent is what both a withheld and a never existing resource get.
var errAbsent = &Error{Kind: Absent, Msg: "not found"}

// preconditions implements If-Match and If-None-Match on the current version (R4 section 3.1.0.5.1; RFC 9110 section
// 13.1). A server that asks for If-Match does so for every update of what is there (versioned-update).
func (w *work) preconditions(o *op, h *store.Head) error {
	version := uint64(0)
	if h != nil && !h.Deleted {
		version = h.Version
	}
	if o.ifMatch+o.ifNoneMatch == "" && w.s.cfg.RequireIfMatch && version > 0 && o.cond == nil && o.verb != "DELETE" {
		return fail(Invalid, `this server wants If-Match with the ETag of the version that is changed, such as W/"3"`)
	}
	if o.ifMatch != "" {
		switch found, ok := MatchETag(o.ifMatch, version); {
		case !ok:
			return fail(Invalid, `If-Match must be an ETag such as W/"3"`)
		case !found:
			return fail(Precondition, "If-Match names another version than the current one; read the resource again")
		}
	}
	if o.ifNoneMatch != "" {
		switch found, ok := MatchETag(o.ifNoneMatch, version); {
		case !ok:
			return fail(Invalid, `If-None-Match must be * or an ETag such as W/"3"`)
		case found:
			return fail(Precondition, "If-None-Match: the resource exists already in this version")
		}
	}
	return nil
}

func (s *Service) location(r *Result) string {
	return s.cfg.Base + "/" + r.Type + "/" + r.ID + "/_history/" + strconv.FormatUint(r.Version, 10)
}
