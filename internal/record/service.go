package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/chartseal/chartseal/consent"
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/seal"
	"github.com/chartseal/chartseal/internal/store"
)

// Config is what a Service needs. All fields without a default are required.
type Config struct {
	Store      store.Store
	Sealer     *seal.Sealer
	Chain      Chain
	Consortium Consortium
	Log        *slog.Logger
	Base       string // public FHIR base URL, without a slash at the end

	Custodian string                 // reference of the organisation whose records these are, Organization/…
	Implicit  consent.ImplicitPolicy // what holds for a patient without a consent
	Location  *time.Location         // zone of dates without one; default UTC

	RequireIfMatch   bool // updates of what is there need If-Match
	DeleteMany       bool // a conditional delete may take several resources
	StrictReferences bool // literal references must lead to resources that are there, and those cannot be deleted

	Limits        fhir.Limits
	BundleEntries int           // default 10,000
	CommitTimeout time.Duration // how long a write waits for the ledger; default 15 s
	SearchTimeout time.Duration // how long a search may take; default 30 s
	MaxBatch      int           // leaves after which a batch takes no further unit; default 4,096
	MaxBacklog    int64         // leaves that may wait for the ledger; default 65,536
	Now           func() time.Time
}

func (c *Config) defaults() {
	if c.Location == nil {
		c.Location = time.UTC
	}
	if c.BundleEntries == 0 {
		c.BundleEntries = 10_000
	}
	if c.CommitTimeout == 0 {
		c.CommitTimeout = 15 * time.Second
	}
	if c.SearchTimeout == 0 {
		c.SearchTimeout = 30 * time.Second
	}
	if c.MaxBatch == 0 {
		c.MaxBatch = 4096
	}
	if c.MaxBacklog == 0 {
		c.MaxBacklog = 65_536
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Service runs the use cases. Its methods are safe for concurrent use.
type Service struct {
	cfg      Config
	store    store.Store
	sealer   *seal.Sealer
	log      *slog.Logger
	now      func() time.Time
	locks    *locks
	writer   *writer
	ordinal  uint32
	policies *policyCache
	sides    *sideQueue
	readOnly atomic.Pointer[Error] // set at start when chain and store disagree

	unresolved store.Handle // of resources whose data subject cannot be resolved
	published  atomic.Pointer[view]
}

// Open recovers (staged batches are compared with the chain and committed) and starts the writer. When the chain
// is ahead of the store, as after a restore from backup, the service is read-only and says which batches are missing.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	cfg.defaults()
	s := &Service{
		cfg: cfg, store: cfg.Store, sealer: cfg.Sealer, log: cfg.Log, now: cfg.Now, locks: newLocks(),
	}
	s.unresolved = s.sealer.PatientHandle(unresolvedSubject)
	s.policies = newPolicyCache(s)
	s.sides = newSideQueue(s)
	if err := s.recover(ctx); err != nil {
		return nil, err
	}
	s.writer.start()
	s.sides.start()
	return s, nil
}

// recover implements point 6 of the write protocol.
func (s *Service) recover(ctx context.Context) error {
	id := s.cfg.Chain.Writer()
	var err error
	if s.ordinal, err = s.store.WriterOrdinal(ctx, id); err != nil {
		return fmt.Errorf("register writer: %w", err)
	}
	staged, err := s.store.LastStaged(ctx, s.ordinal)
	if err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	committed, err := s.cfg.Chain.CommittedSeq(id)
	if err != nil {
		return fmt.Errorf("read chain: %w", err)
	}
	doc, err := s.store.MaxDoc(ctx)
	if err != nil {
		return fmt.Errorf("read documents: %w", err)
	}
	v := view(nil).with(s.ordinal, min(committed, staged))
	s.published.Store(&v)
	s.writer = newWriter(writerConfig{
		store: s.store, chain: s.cfg.Chain, consortium: s.cfg.Consortium, ordinal: s.ordinal, log: s.log,
		maxLeaves: s.cfg.MaxBatch, maxBacklog: s.cfg.MaxBacklog, retry: time.Second,
		durable: s.unitDurable, abandon: func(u *unit) { s.sealer.Abandon(u.keys) }, publish: s.publish,
	}, committed, staged, doc)
	if committed > staged {
		s.refuseWrites(staged+1, committed)
		return nil
	}
	for seq := committed + 1; seq <= staged; seq++ {
		if err := s.commitStaged(ctx, store.Pos{Writer: s.ordinal, Seq: seq}); err != nil {
			return err
		}
	}
	return nil
}

// commitStaged submits the stored bytes of a batch that was staged before the last stop.
func (s *Service) commitStaged(ctx context.Context, pos store.Pos) error {
	b, err := s.store.Batch(ctx, pos)
	if err != nil {
		return fmt.Errorf("read staged batch %d: %w", pos.Seq, err)
	}
	stop := context.AfterFunc(ctx, s.writer.giveUp)
	defer stop()
	if !s.writer.awaitCommit(&batch{pos: pos, tx: b.Tx}) {
		if e := s.writer.halted.Load(); e != nil {
			return fmt.Errorf("commit staged batch %d: %w", pos.Seq, e)
		}
		return fmt.Errorf("commit staged batch %d: %w", pos.Seq, ctx.Err())
	}
	s.publish(&batch{pos: pos})
	s.log.Info("recovered a staged batch", "seq", pos.Seq, "leaves", len(b.Commitments))
	return nil
}

// refuseWrites implements point 7 of the write protocol for a store behind its chain.
func (s *Service) refuseWrites(from, to uint64) {
	e := fail(Unavailable, "the store is behind the ledger: batches %d to %d are missing; writes are refused until an operator decides", from, to)
	s.readOnly.Store(e)
	s.log.Error("store is behind the chain: read-only", "missing_from", from, "missing_to", to)
}

// publish makes a committed batch visible, and its consents effective, in one step: nobody sees data of the batch
// under policies from before it.
func (s *Service) publish(b *batch) {
	v := s.published.Load().with(b.pos.Writer, b.pos.Seq)
	s.policies.change(b.subjects(), func() { s.published.Store(&v) })
	if err := s.store.SetPublished(context.Background(), b.pos.Writer, b.pos.Seq); err != nil {
		s.log.Warn("store published hint", "error", err)
	}
	if slices.ContainsFunc(b.units, func(u *unit) bool { return len(u.consents) > 0 }) {
		s.sides.wake()
	}
}

// unitDurable tells the keyring that the keys of a unit are on disk.
func (s *Service) unitDurable(u *unit) { s.sealer.Durable(u.keys) }

func (s *Service) view() view { return *s.published.Load() }

// Ready reports why the service cannot take writes, nil if it can.
func (s *Service) Ready() error {
	if e := s.readOnly.Load(); e != nil {
		return e
	}
	if e := s.writer.halted.Load(); e != nil {
		return e
	}
	return nil
}

// Close drains the writer: what is queued is staged and committed, for as long as ctx allows.
func (s *Service) Close(ctx context.Context) error {
	return errors.Join(s.writer.close(ctx), s.sides.close())
}
