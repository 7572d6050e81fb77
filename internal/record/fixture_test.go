package record

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/ledger"
	"github.com/chartseal/chartseal/internal/seal"
	"github.com/chartseal/chartseal/internal/store"
	"github.com/chartseal/chartseal/internal/store/pebble"
	"github.com/chartseal/chartseal/internal/store/storetest"
)

// rig is a service on real parts: Pebble, keyring and both chains, with faults to inject between them.
type rig struct {
	t       *testing.T
	dir     string
	root    *seal.Root
	pebble  store.Store
	faulty  *storetest.Faulty
	ledger  *ledger.Ledger
	chain   *faultyChain
	service *Service
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	root, err := seal.CreateRoot(filepath.Join(t.TempDir(), "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	r.root = root
	r.open()
	t.Cleanup(r.close)
	return r
}

func (r *rig) open() {
	r.t.Helper()
	fatal := func(err error) {
		if err != nil {
			r.t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	vault, err := seal.OpenVault(r.root, filepath.Join(r.dir, "keys"))
	fatal(err)
	r.pebble, err = pebble.Open(pebble.Config{Dir: filepath.Join(r.dir, "store")})
	fatal(err)
	r.faulty = storetest.NewFaulty(r.pebble)
	sealer, err := seal.New(seal.Config{Root: r.root, Tenant: "test", Lookup: func(h seal.Handle) ([]byte, bool, error) {
		rec, err := r.faulty.Key(context.Background(), h)
		if errors.Is(err, store.ErrAbsent) {
			return nil, false, nil
		}
		return rec, err == nil, err
	}})
	fatal(err)
	r.ledger, err = ledger.Open(context.Background(), ledger.Config{Dir: r.dir, Organisation: "Organization/home", Secrets: vault, Logger: log})
	fatal(err)
	r.chain = &faultyChain{Ledger: r.ledger}
	r.service, err = Open(context.Background(), Config{
		Store: r.faulty, Sealer: sealer, Chain: r.chain, Consortium: r.chain, Log: log, Base: "http://test/fhir",
		Custodian: "Organization/home", Limits: fhir.DefaultLimits, CommitTimeout: 3 * time.Second,
	})
	fatal(err)
}

func (r *rig) close() {
	if err := r.shut(); err != nil {
		r.t.Error(err)
	}
}

func (r *rig) shut() error {
	if r.service == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := errors.Join(r.service.Close(ctx), r.ledger.Close(), r.pebble.Close())
	r.service = nil
	return err
}

// staff is a caller of the custodian's workforce with every right.
func staff() *Caller {
	return &Caller{
		Client: "test", Org: "Organization/home", Refs: []string{"Organization/home"}, Workforce: true, Purposes: []string{"TREAT"},
		Allows: func(string, Interaction) bool { return true },
	}
}

// step names a call of the write path that can be made to fail.
type step string

const (
	stepBatchTx   step = "sign batch"
	stepSubmit    step = "submit batch"
	stepConsentTx step = "sign consent"
	stepForward   step = "submit consent"
)

var errInjected = errors.New("injected fault")

// faultyChain is the real ledger, of which a call fails once: before it had its effect, or after.
type faultyChain struct {
	*ledger.Ledger

	mu     sync.Mutex
	fail   step
	stored bool
	hits   int
}

func (f *faultyChain) inject(s step, stored bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail, f.stored, f.hits = s, stored, 0
}

// strike tells whether this call fails, and whether after its effect.
func (f *faultyChain) strike(s step) (hit, stored bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != s {
		return false, false
	}
	f.fail = ""
	f.hits++
	return true, f.stored
}

func (f *faultyChain) BatchTx(seq uint64, root [32]byte, size uint64) ([]byte, error) {
	if hit, _ := f.strike(stepBatchTx); hit {
		return nil, errInjected
	}
	return f.Ledger.BatchTx(seq, root, size)
}

func (f *faultyChain) Submit(ctx context.Context, tx []byte) error {
	hit, stored := f.strike(stepSubmit)
	if hit && !stored {
		return errInjected
	}
	err := f.Ledger.Submit(ctx, tx)
	if hit {
		return errInjected
	}
	return err
}

func (f *faultyChain) ConsentTx(c ledger.Consent, nonce uint64) ([]byte, error) {
	if hit, _ := f.strike(stepConsentTx); hit {
		return nil, errInjected
	}
	return f.Ledger.ConsentTx(c, nonce)
}

func (f *faultyChain) SubmitConsortium(ctx context.Context, tx []byte) error {
	hit, stored := f.strike(stepForward)
	if hit && !stored {
		return errInjected
	}
	err := f.Ledger.SubmitConsortium(ctx, tx)
	if hit {
		return errInjected
	}
	return err
}
