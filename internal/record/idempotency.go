package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"github.com/chartseal/chartseal/internal/seal"
	"github.com/chartseal/chartseal/internal/store"
)

// idempotency remembers the first outcome of a request under a blind token of the client's key. It is staged in
// the same batch as the write, so the two are durable and visible together.
type idempotency struct {
	s      *Service
	token  store.Token  // of the client's key
	keyed  bool         // there is one
	digest []byte       // of the request: a key belongs to one
	status *store.Token // where a client that did not wait for the ledger asks later
}

// outcome is what is remembered: where the writes went, no content.
type outcome struct {
	Digest  []byte         `json:"digest"` // SHA-256 of the request; the outcome is sealed
	Entries []outcomeEntry `json:"entries"`
}

// outcomeEntry is one write, or an entry without effect.
type outcomeEntry struct {
	Status  int    `json:"status"`
	Type    string `json:"type,omitempty"`
	ID      string `json:"id,omitempty"`
	Version uint64 `json:"version,omitempty"`
	Updated int64  `json:"updated,omitempty"` // Unix milliseconds
	Deleted bool   `json:"deleted,omitempty"`

	Also []outcomeEntry `json:"also,omitempty"` // what else a conditional delete of several took away
}

func entryOf(r *Result) outcomeEntry {
	e := outcomeEntry{
		Status: 200, Type: r.Type, ID: r.ID, Version: r.Version, Updated: r.LastUpdated.UnixMilli(), Deleted: r.Deleted,
	}
	if r.Created {
		e.Status = 201
	}
	return e
}

func (e *outcomeEntry) result() *Result {
	return &Result{
		Type: e.Type, ID: e.ID, Version: e.Version, LastUpdated: time.UnixMilli(e.Updated).UTC(),
		Deleted: e.Deleted, Created: e.Status == 201, Replayed: true,
	}
}

// idempotency is of one caller and one request: target is its method and URL, body what it sends.
func (s *Service) idempotency(c *Caller, opt *WriteOptions, target string, body []byte) *idempotency {
	if opt.IdempotencyKey == "" && opt.StatusID == "" {
		return nil
	}
	i := &idempotency{s: s, keyed: opt.IdempotencyKey != ""}
	if i.keyed {
		i.token = s.sealer.Token("", "", "idempotency", c.identity()+"\x00"+opt.IdempotencyKey)
		h := sha256.New()
		h.Write([]byte(target + "\x00"))
		h.Write(body)
		i.digest = h.Sum(nil)
	}
	if opt.StatusID != "" {
		t := s.statusToken(c, opt.StatusID)
		i.status = &t
	}
	return i
}

func (s *Service) statusToken(c *Caller, id string) store.Token {
	return s.sealer.Token("", "", "write-status", c.identity()+"\x00"+id)
}

func (i *idempotency) keys() []store.Token {
	if i == nil || !i.keyed {
		return nil
	}
	return []store.Token{i.token}
}

// Status answers a client that did not wait for the ledger: the entries of its write once they are visible, nil
// while they are on their way, Absent if there is no such write of this client.
func (s *Service) Status(ctx context.Context, c *Caller, id string) ([]EntryResult, error) {
	t := s.statusToken(c, id)
	got, err := s.store.Outcome(ctx, t)
	if err != nil {
		return nil, absentOr(err, "read outcome")
	}
	if !s.view().sees(got.Pos) {
		return nil, nil
	}
	o, err := s.openOutcome(t, got.Sealed)
	if err != nil {
		return nil, err
	}
	out := make([]EntryResult, len(o.Entries))
	for i := range o.Entries {
		out[i] = EntryResult{Status: o.Entries[i].Status}
		if o.Entries[i].Type != "" {
			out[i].Result = o.Entries[i].result()
		}
	}
	return out, nil
}

// replay returns the first outcome; nil if this is the first. The caller holds the token's lock.
func (i *idempotency) replay(ctx context.Context) (*outcome, error) {
	if i == nil || !i.keyed {
		return nil, nil //nolint:nilnil // documented: the first
	}
	got, err := i.s.store.Outcome(ctx, i.token)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil //nolint:nilnil // documented: the first
	}
	if err != nil {
		return nil, internalError("read outcome", err)
	}
	if !i.s.view().sees(got.Pos) {
		return nil, fail(Unavailable, "the first request with this Idempotency-Key is still being committed; try again")
	}
	o, err := i.s.openOutcome(i.token, got.Sealed)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(o.Digest, i.digest) {
		return nil, errReused
	}
	return o, nil
}

var errReused = &Error{Kind: Unprocessable, Msg: "this Idempotency-Key was used for another request; use a new one"}

func (s *Service) openOutcome(t store.Token, sealed []byte) (*outcome, error) {
	key, err := s.sealer.Key(seal.TenantHandle)
	if err != nil {
		return nil, internalError("open key", err)
	}
	plain, err := key.Open(nil, purposeOutcome, t[:], sealed)
	if err != nil {
		return nil, internalError("open outcome", err)
	}
	var o outcome
	if err := json.Unmarshal(plain, &o); err != nil {
		return nil, internalError("decode outcome", err)
	}
	return &o, nil
}

// record adds the outcome to the unit, under each token.
func (i *idempotency) record(u *unit, o outcome) error {
	if i == nil || len(u.versions) == 0 {
		return nil
	}
	o.Digest = i.digest
	plain, err := json.Marshal(o)
	if err != nil {
		return internalError("encode outcome", err)
	}
	key, err := i.s.sealer.Key(seal.TenantHandle)
	if err != nil {
		return internalError("open key", err)
	}
	var tokens []store.Token
	if i.keyed {
		tokens = append(tokens, i.token)
	}
	if i.status != nil {
		tokens = append(tokens, *i.status)
	}
	for _, t := range tokens {
		sealed, err := key.Seal(nil, purposeOutcome, t[:], plain)
		if err != nil {
			return internalError("seal outcome", err)
		}
		u.outcomes = append(u.outcomes, store.Outcome{Token: t, Sealed: sealed})
	}
	return nil
}
