package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/types"

	"github.com/chartseal/chartseal/abci/consortium"
	"github.com/chartseal/chartseal/abci/private"
	"github.com/chartseal/chartseal/abci/tx"
)

// Errors of submissions. What wraps none of them is a failure of this node's storage.
var (
	// ErrRejected is wrapped when a transaction can never be committed. Submitting it again is useless.
	ErrRejected = errors.New("transaction rejected for good")
	// ErrConflict is wrapped, with ErrRejected, when the batch's seq is committed, or pending, with another root.
	ErrConflict = errors.New("sequence number used with another root")
	// ErrNotNext is wrapped when a batch's seq does not follow the writer's last committed one. The missing ones
	// must be submitted first.
	ErrNotNext = errors.New("sequence number is not the next one")
	// ErrUnavailable is wrapped when the transaction may be submitted again: the mempool is full, or the node has
	// stopped.
	ErrUnavailable = errors.New("ledger unavailable")
	// ErrClosed is wrapped after Close.
	ErrClosed = errors.New("ledger is closed")
	// ErrAbsent is wrapped when a batch, leaf or consent is not on the chain.
	ErrAbsent = errors.New("not on the chain")
	// ErrBehind is wrapped by Open when the private chain is behind what the consortium has anchored, or is another
	// one: it was restored from an old backup. Its validator must not sign.
	ErrBehind = errors.New("private chain is behind its last anchor")
)

// Secrets keeps the organisation's signing keys. GetOrCreate returns the secret of a name; the first time it stores
// what create returns, durably, before it returns.
type Secrets interface {
	GetOrCreate(name string, create func() ([]byte, error)) ([]byte, error)
}

// Config of a ledger.
type Config struct {
	Dir            string // holds private/ and consortium/; created if absent
	Organisation   string // its name on both chains, fixed at the first start
	Secrets        Secrets
	Logger         *slog.Logger  // nil: discard
	AnchorInterval time.Duration // at most one anchor in this time; 0: 1 s
	// FS holds the databases of both chains; nil: the disk. Keys, what the validators signed last, and the consensus
	// write-ahead logs are on the disk below Dir in any case.
	FS vfs.FS
}

// Ledger runs both chains. Its methods are safe for concurrent use.
type Ledger struct {
	cfg    Config
	log    *slog.Logger
	id     *identity
	keys   *keys
	writer [tx.WriterSize]byte
	member string // the organisation's name on the consortium chain

	privateApp    *private.App
	consortiumApp *consortium.App
	private       *chain
	consortium    *chain
	head          consortiumHead

	batches  *feed[committedBatch]
	consents *feed[Consent]
	lag      lagClock

	halted  chan struct{} // closed when a chain has stopped for good
	halting sync.Once
	stop    context.CancelFunc
	workers sync.WaitGroup
	once    sync.Once
	closed  error
}

// Open starts both nodes. At the first start it makes the chains, and the organisation's admin key admits this
// gateway's writer. Errors: ErrBehind, ErrSignerState, or of the disk.
func Open(ctx context.Context, cfg Config) (*Ledger, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.AnchorInterval <= 0 {
		cfg.AnchorInterval = time.Second
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, "private"), 0o700); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Ledger{
		cfg: cfg, log: cfg.Logger.With("component", "ledger"), stop: stop,
		batches: newFeed[committedBatch](), consents: newFeed[Consent](), halted: make(chan struct{}),
	}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), l.Close())
	}
	l.workers.Go(func() { l.batches.run(run) })
	l.workers.Go(func() { l.consents.run(run) })
	l.workers.Go(func() { l.anchorLoop(run) })
	return l, nil
}

func (l *Ledger) open(ctx context.Context) error {
	var err error
	if l.id, err = loadIdentity(l.dir("private")); err != nil {
		return err
	}
	if l.keys, err = loadKeys(l.cfg.Secrets); err != nil {
		return err
	}
	l.writer = [tx.WriterSize]byte(tx.KeyID(public(l.keys.writer)))
	privateKeys, err := loadNodeKeys(l.dir("private"))
	if err != nil {
		return err
	}
	consortiumKeys, err := loadNodeKeys(l.dir("consortium"))
	if err != nil {
		return err
	}
	if err := l.openConsortium(ctx, consortiumKeys, privateKeys); err != nil {
		return err
	}
	if err := l.openPrivate(ctx, privateKeys); err != nil {
		return err
	}
	return l.admit(ctx)
}

func (l *Ledger) dir(chain string) string { return filepath.Join(l.cfg.Dir, chain) }

// openConsortium starts the consortium node: it knows how far the private chain must have come.
func (l *Ledger) openConsortium(ctx context.Context, keys, privateKeys *nodeKeys) (err error) {
	dir := l.dir("consortium")
	l.consortiumApp, err = consortium.New(consortium.Config{
		Dir: l.cfg.FS.PathJoin(dir, "state"), FS: l.cfg.FS, Logger: l.log, OnCommit: l.consortiumCommitted,
	})
	if err != nil {
		return err
	}
	spec := chainSpec{
		name: "consortium", dir: dir, fs: l.cfg.FS, app: l.consortiumApp, log: l.log.With("chain", "consortium"), keys: keys,
		genesis: func() (*types.GenesisDoc, error) {
			doc, err := l.id.consortiumGenesis(l.cfg, l.keys, keys, privateKeys)
			if err != nil {
				return nil, err
			}
			return storedGenesis(dir, doc)
		},
		tune: func(c *config.Config) {
			c.Consensus.TimeoutPropose = time.Second
			c.Consensus.TimeoutPrevote, c.Consensus.TimeoutPrecommit = 200*time.Millisecond, 200*time.Millisecond
			c.Consensus.TimeoutCommit = 200 * time.Millisecond
			c.Consensus.SkipTimeoutCommit = false
			c.Consensus.CreateEmptyBlocksInterval = heartbeat
		},
		before: func() { l.head.keep(l.consortiumApp.Current()) },
		after:  l.head.advance,
		halted: l.halt,
	}
	if l.consortium, err = openChain(spec); err != nil {
		return err
	}
	if err := l.consortium.start(ctx, spec); err != nil {
		return err
	}
	l.head.restore(l.consortium, l.consortiumApp.Current())
	own, err := l.consortiumApp.Current().Chain(l.id.chainID("private"))
	if err != nil {
		return fmt.Errorf("consortium chain: this organisation: %w", err)
	}
	l.member = own.GetMember()
	return nil
}

// heartbeat is the longest time without a consortium block: an idle chain still proves that it is there, and its
// newest header is never old for a light client.
const heartbeat = 20 * time.Second

// century is the private chain's tolerance for block times in the future. Its time is the organisation's word and
// nothing else: a clock that was wrong and is set back must not stop writes until it is right again.
const century = 100 * 365 * 24 * time.Hour

// openPrivate checks the private chain against its last anchor, then lets its validator sign.
func (l *Ledger) openPrivate(ctx context.Context, own *nodeKeys) (err error) {
	dir := l.dir("private")
	spec := chainSpec{
		name: "private", dir: dir, fs: l.cfg.FS, log: l.log.With("chain", "private"), keys: own,
		genesis: func() (*types.GenesisDoc, error) {
			doc, err := l.id.privateGenesis(l.cfg, l.keys, own)
			if err != nil {
				return nil, err
			}
			return storedGenesis(dir, doc)
		},
		tune: func(c *config.Config) {
			// A single validator waits for nobody. These only count after a crash between signing and logging: CometBFT
			// v0.40 then sends the proposal with its old signature and a new time, refuses it, and goes to another round.
			c.Consensus.TimeoutPropose = time.Second
			c.Consensus.TimeoutPrevote, c.Consensus.TimeoutPrecommit = 20*time.Millisecond, 20*time.Millisecond
			c.Consensus.TimeoutCommit = 0
			c.Consensus.BlockTimeTolerance = century
			c.Mempool.Recheck = false
		},
		before: func() {}, after: func() {}, halted: l.halt,
	}
	if l.private, err = openChain(spec); err != nil {
		return err
	}
	if err := l.guard(); err != nil {
		return err
	}
	l.privateApp, err = private.New(private.Config{
		Dir: l.cfg.FS.PathJoin(dir, "state"), FS: l.cfg.FS, Logger: l.log, OnCommit: l.privateCommitted,
	})
	if err != nil {
		return err
	}
	spec.app = l.privateApp
	return l.private.start(ctx, spec)
}

// admit lets the organisation's admin key admit this gateway's writer, once.
func (l *Ledger) admit(ctx context.Context) error {
	admitted := func() (bool, error) {
		w, ok := l.privateApp.View().Writer(l.writer)
		if ok && w.GetClosed() {
			return false, fmt.Errorf("%w: this gateway's writer is closed", ErrRejected)
		}
		return ok, nil
	}
	if ok, err := admitted(); ok || err != nil {
		return err
	}
	raw, err := tx.Sign(l.keys.admin, &tx.PrivateBody{
		ChainId: l.id.chainID("private"),
		Message: &tx.PrivateBody_AdmitWriter{AdmitWriter: &tx.AdmitWriter{Writer: l.writer[:], PublicKey: public(l.keys.writer)}},
	})
	if err != nil {
		return fmt.Errorf("admit writer: %w", err)
	}
	code, reason, err := l.private.check(raw)
	if err != nil {
		return fmt.Errorf("admit writer: %w", err)
	}
	if code != private.CodeOK && code != private.CodeCommitted {
		return fmt.Errorf("admit writer: %w: %s (code %d)", ErrRejected, reason, code)
	}
	return l.private.await(ctx, admitted)
}
