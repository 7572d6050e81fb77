package consortium

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cosmos/iavl"
	"google.golang.org/protobuf/proto"

	"github.com/chartseal/chartseal/abci/tx/mlog"
)

const (
	// AppVersion is the version of the application's rules.
	AppVersion = 1
	// DefaultKeepVersions is how many changes of the state a Snapshot stays readable.
	DefaultKeepVersions = 256

	treeCache  = 4096    // nodes of the state tree kept in memory
	maxTxBytes = 1 << 18 // of one transaction; an anchor of 64 validators is about 20 kB
	pruneEvery = 16      // versions pruned at once
)

// Committed tells what one block changed, after it is durable.
type Committed struct {
	Snapshot      *Snapshot
	Anchors       []IndexedAnchor
	Consents      []IndexedConsent
	Misbehaviours []*Misbehaviour
}

// Config of an application.
type Config struct {
	Dir          string          // directory of the state, created if absent
	FS           vfs.FS          // nil: the disk
	CacheBytes   int64           // Pebble's block cache; 0: 4 MiB
	Logger       *slog.Logger    // nil: discard
	OnCommit     func(Committed) // called by Commit, in order; must not block and not call the mempool
	KeepVersions int64           // 0: DefaultKeepVersions
}

// App is the ABCI application. CometBFT calls it over connections that are each sequential, but concurrent with one
// another: the consensus connection owns tree and block, all others read the current Snapshot.
type App struct {
	abci.BaseApplication

	cfg      Config
	log      *slog.Logger
	store    *store
	verified *verifiedTxs
	current  atomic.Pointer[Snapshot]
	failed   atomic.Pointer[error] // the store failed: the outcome of a commit is unknown

	gate   sync.RWMutex // held for reading by readers, so that Close waits for them
	closed bool         // guarded by gate

	// Snapshots read through a tree of their own, which nobody changes: IAVL writes to nodes that it has cached when
	// it sets or prunes, and its trees share their cache.
	views *iavl.MutableTree

	tree        *iavl.MutableTree // owned by the consensus connection
	treeVersion int64             // last saved version; owned by the consensus connection
	pruned      int64             // versions up to this one are gone
	block       *block            // finalized, not yet committed; owned by the consensus connection
}

// New opens the application's state. It returns ErrCorrupt, wrapped, if the stored state contradicts itself.
func New(cfg Config) (*App, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.CacheBytes <= 0 {
		cfg.CacheBytes = 4 << 20
	}
	if cfg.KeepVersions <= 0 {
		cfg.KeepVersions = DefaultKeepVersions
	}
	st, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	a := &App{cfg: cfg, log: cfg.Logger, store: st, verified: newVerifiedTxs()}
	for _, tree := range []**iavl.MutableTree{&a.tree, &a.views} {
		*tree = iavl.NewMutableTree(treeDB{a.store}, treeCache, true, iavl.NewNopLogger(), iavl.FlushThresholdOption(math.MaxInt32))
	}
	if err := a.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open consortium state: %w", err), st.db.Close())
	}
	return a, nil
}

// Close waits for readers and closes the store. Call it after the node has stopped.
func (a *App) Close() error {
	a.gate.Lock()
	defer a.gate.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	return a.store.db.Close()
}

// Err is not nil after the store has failed: the chain cannot go on before a restart.
func (a *App) Err() error {
	if err := a.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// enter lets a reader in until it calls leave; ErrClosed.
func (a *App) enter() error {
	a.gate.RLock()
	if a.closed {
		a.gate.RUnlock()
		return ErrClosed
	}
	return nil
}

func (a *App) leave() { a.gate.RUnlock() }

// Current is the state after the last committed block.
func (a *App) Current() *Snapshot { return a.current.Load() }

// load restores the state of the last commit, or the empty one before InitChain.
func (a *App) load() error {
	raw, err := a.store.get(metaKey())
	if err != nil {
		return err
	}
	m := new(Meta)
	if err := proto.Unmarshal(raw, m); err != nil {
		return fmt.Errorf("meta record: %w", err)
	}
	if raw != nil {
		if a.treeVersion, err = a.tree.LoadVersion(m.TreeVersion); err != nil {
			return fmt.Errorf("state tree: %w", err)
		}
	}
	if a.treeVersion != m.TreeVersion {
		return fmt.Errorf("%w: tree is not at the committed block", ErrCorrupt)
	}
	snap, err := a.snapshotOf(m)
	if err != nil {
		return err
	}
	if raw != nil && string(snap.State.Hash()) != string(m.AppHash) {
		return fmt.Errorf("%w: it does not give the stored application hash", ErrCorrupt)
	}
	a.current.Store(snap)
	return nil
}

// snapshotOf builds the snapshot that a meta record describes; the tree must be at its version.
func (a *App) snapshotOf(m *Meta) (*Snapshot, error) {
	s := &Snapshot{
		ChainID: m.ChainId, Height: m.Height, Time: time.Unix(0, m.TimeUnixNano).UTC(), AppHash: m.AppHash,
		app: a,
	}
	var err error
	if s.anchors, err = mlog.Open(a.store, []byte{prefixAnchorLog}, m.AnchorLogSize); err != nil {
		return nil, fmt.Errorf("anchor log: %w", err)
	}
	if s.consents, err = mlog.Open(a.store, []byte{prefixConsentLog}, m.ConsentLogSize); err != nil {
		return nil, fmt.Errorf("consent log: %w", err)
	}
	root := a.tree.WorkingHash()
	if m.TreeVersion > 0 {
		if s.tree, err = a.views.GetImmutable(m.TreeVersion); err != nil {
			return nil, fmt.Errorf("state tree %d: %w", m.TreeVersion, err)
		}
		root = s.tree.Hash()
	}
	s.State = stateOf(root, s.anchors, s.consents)
	return s, nil
}

// Info tells CometBFT where to go on.
func (a *App) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	s := a.Current()
	r := &abci.ResponseInfo{Data: Codespace, AppVersion: AppVersion}
	if s.Height > 0 {
		r.LastBlockHeight, r.LastBlockAppHash = s.Height, s.AppHash
	}
	return r, nil
}

// Query serves nothing: state is read from snapshots. It also makes CometBFT's peer filter refuse every peer when
// the operator's configuration asks the application.
func (a *App) Query(context.Context, *abci.RequestQuery) (*abci.ResponseQuery, error) {
	return &abci.ResponseQuery{Code: uint32(CodeMethod), Codespace: Codespace, Log: "no queries"}, nil
}
