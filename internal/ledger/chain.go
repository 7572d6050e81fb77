package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/blocksync"
	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/statesync"
	"github.com/cometbft/cometbft/types"
)

// chain is one embedded node.
type chain struct {
	name    string // in logs
	node    *node.Node
	blocks  *blockDB
	states  validatorLoader
	log     *logState
	commits signal // after each Commit of the application

	gate   sync.RWMutex // held for reading while blocks are read
	closed bool         // guarded by gate
}

// validatorLoader loads a height's validators without advancing their proposer priorities, which takes a loop over
// all heights since the set last changed.
type validatorLoader interface {
	LoadValidatorsFast(height int64) (*types.ValidatorSet, error)
}

// chainSpec says how to start a node.
type chainSpec struct {
	name    string
	dir     string
	fs      vfs.FS
	app     abci.Application
	log     *slog.Logger
	genesis func() (*types.GenesisDoc, error)
	keys    *nodeKeys
	tune    func(*config.Config)
	// before and after run around each Commit of the application, on the consensus goroutine.
	before, after func()
	halted        func() // consensus has stopped for good
}

// openChain opens the node's stores; the node itself is made by start.
func openChain(s chainSpec) (*chain, error) {
	blocks, err := openBlockDB(s.fs.PathJoin(s.dir, "blocks"), s.fs, s.log)
	if err != nil {
		return nil, fmt.Errorf("%s chain: %w", s.name, err)
	}
	c := &chain{name: s.name, blocks: blocks}
	c.log = &logState{onHalt: func() {
		c.commits.broadcast()
		s.halted()
	}}
	return c, nil
}

// start brings application and blocks in line (CometBFT's handshake) and begins consensus.
func (c *chain) start(ctx context.Context, s chainSpec) (err error) {
	defer func() {
		// CometBFT panics where its stores contradict each other.
		if r := recover(); r != nil {
			err = fmt.Errorf("%s chain: %v", s.name, r)
		}
	}()
	cfg := nodeConfig(s)
	if err := cfg.ValidateBasic(); err != nil {
		return fmt.Errorf("%s chain: %w", s.name, err)
	}
	app := observed{Application: s.app, before: s.before, after: func() { s.after(); c.commits.broadcast() }}
	c.node, err = node.NewNodeWithContext(ctx, cfg, s.keys.validator, s.keys.node, proxy.NewConnSyncLocalClientCreator(app),
		s.genesis, c.blocks.provide, noMetrics, &cometLog{log: s.log, state: c.log})
	if err != nil {
		return fmt.Errorf("%s chain: %w", s.name, err)
	}
	env, err := c.node.ConfigureRPC()
	if err != nil {
		return fmt.Errorf("%s chain: %w", s.name, err)
	}
	states, ok := env.StateStore.(validatorLoader)
	if !ok {
		return fmt.Errorf("%s chain: the state store does not load validators fast", s.name)
	}
	c.states = states
	if err := c.node.Start(); err != nil {
		return fmt.Errorf("%s chain: start: %w", s.name, err)
	}
	return nil
}

// close stops the node and waits for its goroutines; the application's store may be closed after it.
func (c *chain) close() error {
	c.log.quiet.Store(true)
	var errs []error
	if c.node != nil {
		if c.node.IsRunning() {
			errs = append(errs, c.node.Stop())
			c.node.Wait()
		}
		errs = append(errs, c.node.ProxyApp().Stop()) // CometBFT leaves its watcher running
	}
	c.gate.Lock()
	defer c.gate.Unlock()
	c.closed = true
	return errors.Join(append(errs, c.blocks.close())...)
}

// observed lets the ledger know of each Commit. Each of CometBFT's connections to it is serialised by itself, and
// they run beside each other, as the applications are made for.
type observed struct {
	abci.Application
	before, after func()
}

// Commit implements the application.
func (o observed) Commit(ctx context.Context, req *abci.RequestCommit) (*abci.ResponseCommit, error) {
	o.before()
	r, err := o.Application.Commit(ctx, req)
	if err == nil {
		o.after()
	}
	return r, err
}

// nodeConfig is what both chains have in common: no door to the outside, no index, nothing kept that is not needed.
func nodeConfig(s chainSpec) *config.Config {
	cfg := config.DefaultConfig()
	cfg.SetRoot(s.dir)
	cfg.Moniker = s.name
	cfg.FilterPeers = true // the application refuses all peers
	cfg.RPC.ListenAddress, cfg.RPC.GRPCListenAddress, cfg.RPC.PprofListenAddress = "", "", ""
	cfg.P2P.ListenAddress = "tcp://127.0.0.1:0" // CometBFT must listen on something
	cfg.P2P.PexReactor = false
	cfg.P2P.MaxNumInboundPeers, cfg.P2P.MaxNumOutboundPeers = 0, 0
	cfg.P2P.AddrBookStrict = false
	cfg.StateSync.Enable = false
	cfg.TxIndex.Indexer = "null"
	cfg.Storage.DiscardABCIResponses = true
	cfg.Instrumentation.Prometheus = false
	// The applications know what is committed, the mempool's cache does not: it answers "in cache" for transactions
	// that are neither committed nor pending, and RemoveTxByKey leaves them there. Without it CheckTx decides.
	cfg.Mempool.CacheSize = 0
	cfg.Mempool.Broadcast = false
	cfg.Consensus.SkipTimeoutCommit = true
	cfg.Consensus.CreateEmptyBlocks = false
	cfg.Consensus.PeerGossipSleepDuration = 5 * time.Millisecond
	s.tune(cfg)
	return cfg
}

// noMetrics keeps the two nodes of one process from registering the same collectors.
func noMetrics(string) (
	*consensus.Metrics, *p2p.Metrics, *mempool.Metrics, *sm.Metrics, *proxy.Metrics, *blocksync.Metrics, *statesync.Metrics,
) {
	return consensus.NopMetrics(), p2p.NopMetrics(), mempool.NopMetrics(), sm.NopMetrics(), proxy.NopMetrics(),
		blocksync.NopMetrics(), statesync.NopMetrics()
}

// check hands a transaction to the mempool and returns the application's code. An error is ErrUnavailable: the
// transaction may be handed over again.
func (c *chain) check(raw []byte) (code uint32, log string, err error) {
	defer func() {
		if r := recover(); r != nil { // the application failed inside CheckTx
			err = fmt.Errorf("%w: %s chain: %v", ErrUnavailable, c.name, r)
		}
	}()
	if err := c.running(); err != nil {
		return 0, "", err
	}
	err = c.node.Mempool().CheckTx(raw, func(r *abci.ResponseCheckTx) { code, log = r.Code, r.Log }, mempool.TxInfo{})
	if err != nil {
		return 0, "", fmt.Errorf("%w: %s chain: %w", ErrUnavailable, c.name, err)
	}
	return code, log, nil
}

// running tells whether the node can commit.
func (c *chain) running() error {
	switch {
	case c.log.halted.Load():
		return fmt.Errorf("%w: %s chain: consensus has stopped, the process must be restarted", ErrUnavailable, c.name)
	case !c.node.IsRunning():
		return fmt.Errorf("%w: %s chain: %w", ErrUnavailable, c.name, ErrClosed)
	}
	return nil
}

// await waits until ready is true; it is asked after each commit.
func (c *chain) await(ctx context.Context, ready func() (bool, error)) error {
	for {
		next := c.commits.next()
		ok, err := ready()
		if ok || err != nil {
			return err
		}
		if err := c.running(); err != nil {
			return err
		}
		select {
		case <-next:
		case <-ctx.Done():
			return fmt.Errorf("%s chain: %w", c.name, ctx.Err())
		}
	}
}

// header returns the header at a height with the commit that this node saw and its validators; false if there is
// none.
func (c *chain) header(height int64) (*types.Header, *types.Commit, *types.ValidatorSet, bool, error) {
	c.gate.RLock()
	defer c.gate.RUnlock()
	if c.closed {
		return nil, nil, nil, false, fmt.Errorf("%s chain: %w", c.name, ErrClosed)
	}
	meta, commit := c.node.BlockStore().LoadBlockMeta(height), c.node.BlockStore().LoadSeenCommit(height)
	if commit == nil || commit.Height != height {
		commit = c.node.BlockStore().LoadBlockCommit(height)
	}
	if meta == nil || commit == nil {
		return nil, nil, nil, false, nil
	}
	set, err := c.states.LoadValidatorsFast(height)
	if err != nil {
		return nil, nil, nil, false, fmt.Errorf("%s chain: validators of %d: %w", c.name, height, err)
	}
	return &meta.Header, commit, set, true, nil
}

// validators returns the set that signs a height.
func (c *chain) validators(height int64) (*types.ValidatorSet, error) {
	c.gate.RLock()
	defer c.gate.RUnlock()
	if c.closed {
		return nil, fmt.Errorf("%s chain: %w", c.name, ErrClosed)
	}
	set, err := c.states.LoadValidatorsFast(height)
	if err != nil {
		return nil, fmt.Errorf("%s chain: validators of %d: %w", c.name, height, err)
	}
	return set, nil
}

// signal wakes all who wait for the next event.
type signal struct {
	mu sync.Mutex
	ch chan struct{} // guarded by mu; closed by the next event
}

// next returns a channel that the next event closes.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
