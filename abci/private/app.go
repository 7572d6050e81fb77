package private

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/chartseal/chartseal/abci/tx"
)

// Config is what an App needs.
type Config struct {
	Dir        string          // directory of the state, created if absent
	FS         vfs.FS          // nil: the disk
	CacheBytes int64           // block cache; 0: 4 MiB
	Logger     *slog.Logger    // nil: discard
	OnCommit   func(Committed) // called at the end of Commit, in order, also for replayed blocks; must not block. nil: none
}

// Committed tells which batches a block added to the log.
type Committed struct {
	Height  int64
	Batches []CommittedBatch // in block order; never empty
}

// CommittedBatch is one batch of a block.
type CommittedBatch struct {
	Writer [tx.WriterSize]byte
	Seq    uint64
	Index  uint64 // in the batch log
}

// App is the private chain's ABCI application. CometBFT may call it from several connections at once.
type App struct {
	abci.BaseApplication // snapshots and vote extensions: none

	db       *pebble.DB
	gate     gate
	logger   *slog.Logger
	onCommit func(Committed)
	verifier verifier
	view     atomic.Pointer[View]

	mu          sync.Mutex
	committed   *state                      // guarded by mu; what the store holds (and genesis, before the first block)
	genesis     []byte                      // guarded by mu; genesis record, written with the first block
	candidate   *block                      // guarded by mu; after FinalizeBlock, until Commit
	outstanding map[[tx.WriterSize]byte]tip // guarded by mu; CheckTx only
	failed      error                       // guarded by mu; the store failed, nothing can be committed any more
}

var _ abci.Application = (*App)(nil)

// New opens the state and checks that its records give its application hash: ErrCorrupt, wrapped, if not.
func New(cfg Config) (*App, error) {
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = 4 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	db, err := openDB(cfg.Dir, cfg.FS, cfg.CacheBytes, cfg.Logger)
	if err != nil {
		return nil, err
	}
	a := &App{db: db, logger: cfg.Logger, onCommit: cfg.OnCommit, outstanding: make(map[[tx.WriterSize]byte]tip)}
	if a.committed, err = loadState(reader{db}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	a.view.Store(a.viewOf(a.committed))
	return a, nil
}

// Close waits for readers and closes the store. Call it after the node has stopped.
func (a *App) Close() error {
	if !a.gate.close() {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.dropCandidate()
	return errors.Join(err, a.db.Close())
}

// Err is not nil after the store has failed: the chain cannot go on before a restart.
func (a *App) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// Info tells CometBFT from which height to replay, from the disk.
func (a *App) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	height, _, hash, err := readMeta(reader{a.db})
	if err != nil {
		return nil, err
	}
	return &abci.ResponseInfo{Data: Codespace, AppVersion: tx.Format, LastBlockHeight: height, LastBlockAppHash: hash}, nil
}

// InitChain takes the genesis. Nothing is stored before the first block, so it may be called again until then.
func (a *App) InitChain(_ context.Context, req *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.committed.height > 0 {
		return nil, fmt.Errorf("%w: chain has blocks already", ErrGenesis)
	}
	g, err := ParseGenesis(req.AppStateBytes)
	if err != nil {
		return nil, err
	}
	fresh, err := loadState(reader{a.db})
	if err != nil {
		return nil, err
	}
	fresh.genesis = &genesisRecord{ChainID: req.ChainId, InitialHeight: max(req.InitialHeight, 1), Genesis: *g}
	record, err := json.Marshal(fresh.genesis)
	if err != nil {
		return nil, fmt.Errorf("encode genesis record: %w", err)
	}
	if err := fresh.seal(); err != nil {
		return nil, err
	}
	a.committed, a.genesis = fresh, record
	return &abci.ResponseInitChain{AppHash: fresh.hash}, nil
}

// ready refuses calls that the state cannot take.
func (a *App) ready(height int64) error {
	if a.failed != nil {
		return a.failed
	}
	if a.committed.genesis == nil {
		return fmt.Errorf("%w: InitChain was not called", ErrGenesis)
	}
	want := a.committed.height + 1
	if a.committed.height == 0 {
		want = a.committed.genesis.InitialHeight
	}
	if height != want {
		return fmt.Errorf("block of height %d, expected %d", height, want)
	}
	return nil
}

// FinalizeBlock executes a decided block in memory. A second call for the same height starts anew.
func (a *App) FinalizeBlock(_ context.Context, req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := errors.Join(a.ready(req.Height), a.dropCandidate()); err != nil {
		return nil, err
	}
	b := newBlock(a.db, &a.verifier, a.committed, req.Height)
	results := make([]*abci.ExecTxResult, len(req.Txs))
	for i, raw := range req.Txs {
		v, err := b.deliver(raw)
		if err != nil {
			return nil, errors.Join(err, b.discard())
		}
		if v.code == CodeConflict {
			a.logger.Error("a writer reused a sequence number", "height", req.Height, "reason", v.log)
		}
		results[i] = execResult(v)
	}
	if err := b.finish(a.genesis); err != nil {
		return nil, errors.Join(err, b.discard())
	}
	a.candidate = b
	return &abci.ResponseFinalizeBlock{TxResults: results, AppHash: b.hash}, nil
}

func (a *App) dropCandidate() error {
	if a.candidate == nil {
		return nil
	}
	b := a.candidate
	a.candidate = nil
	return b.discard()
}

// Commit makes the block durable in one synchronous step. After an error the outcome is not known: the application
// takes no more blocks, and a restart tells by Info what was stored.
func (a *App) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	done, err := a.commit()
	if err != nil {
		return nil, err
	}
	if len(done.Batches) > 0 && a.onCommit != nil {
		a.onCommit(done)
	}
	return &abci.ResponseCommit{}, nil
}

func (a *App) commit() (Committed, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil {
		return Committed{}, a.failed
	}
	b := a.candidate
	if b == nil {
		return Committed{}, errors.New("commit without a finalized block")
	}
	a.candidate = nil
	if err := applySync(b.records); err != nil {
		a.failed = fmt.Errorf("commit height %d: %w", b.height, err)
		a.logger.Error("private chain stopped", "error", a.failed)
		return Committed{}, a.failed
	}
	a.committed, a.genesis = b.state, nil
	a.settle(b.state)
	a.view.Store(a.viewOf(b.state))
	return Committed{Height: b.height, Batches: b.committed}, nil
}

// applySync turns Pebble's fatal error into one that CometBFT gets.
func applySync(records *pebble.Batch) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case storageError:
			err = r.error
		default:
			panic(r)
		}
	}()
	if err := records.Commit(pebble.Sync); err != nil {
		return err
	}
	return records.Close()
}

func hexID(id [tx.WriterSize]byte) string { return hex.EncodeToString(id[:]) }
