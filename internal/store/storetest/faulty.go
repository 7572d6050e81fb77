package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/chartseal/chartseal/internal/store"
)

// ErrInjected is the error of an injected fault: one of the medium, as far as a caller can tell.
var ErrInjected = errors.New("storetest: injected fault")

// Op names a method of store.Store.
type Op string

// The methods that can be made to fail: all but Close.
const (
	OpWriterOrdinal Op = "WriterOrdinal"
	OpStage         Op = "Stage"
	OpBatch         Op = "Batch"
	OpLastStaged    Op = "LastStaged"
	OpPublished     Op = "Published"
	OpSetPublished  Op = "SetPublished"
	OpHead          Op = "Head"
	OpVersion       Op = "Version"
	OpDoc           Op = "Doc"
	OpPostings      Op = "Postings"
	OpPostingsDesc  Op = "PostingsDesc"
	OpMaxDoc        Op = "MaxDoc"
	OpKey           Op = "Key"
	OpOutcome       Op = "Outcome"
	OpSides         Op = "Sides"
	OpRemoveSide    Op = "RemoveSide"
	OpNext          Op = "Next" // Next, SeekGE or SeekLE of any iterator, which is at its end then
)

// Fault says what an injected fault does.
type Fault int

// The two halves of every fault.
const (
	Failed          Fault = iota // the call does nothing and returns ErrInjected
	FailedButStored              // the call does its work and returns ErrInjected (or its own error if that fails)
)

// Faulty is a store.Store that fails on demand. It is safe for concurrent use.
type Faulty struct {
	inner  store.Store
	mu     sync.Mutex
	calls  map[Op]int           // guarded by mu
	faults map[Op]map[int]Fault // guarded by mu; by the number of the call
}

var _ store.Store = (*Faulty)(nil)

// NewFaulty wraps a store.
func NewFaulty(s store.Store) *Faulty {
	return &Faulty{inner: s, calls: make(map[Op]int), faults: make(map[Op]map[int]Fault)}
}

// Inject makes the n-th call of op from now on fail, once; 1 is the next one.
func (f *Faulty) Inject(op Op, n int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults[op] == nil {
		f.faults[op] = make(map[int]Fault)
	}
	f.faults[op][f.calls[op]+n] = fault
}

// Disarm takes back what was injected and has not happened yet.
func (f *Faulty) Disarm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.faults)
}

// Pending returns how many injected faults have not happened yet.
func (f *Faulty) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, faults := range f.faults {
		n += len(faults)
	}
	return n
}

// Calls returns how often op was called.
func (f *Faulty) Calls(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

func (f *Faulty) next(op Op) (fault Fault, hit bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[op]++
	fault, hit = f.faults[op][f.calls[op]]
	delete(f.faults[op], f.calls[op])
	return fault, hit
}

// run makes one call, or what the fault injected for it leaves of it.
func run[T any](f *Faulty, op Op, call func() (T, error)) (T, error) {
	var none T
	fault, hit := f.next(op)
	if hit && fault == Failed {
		return none, ErrInjected
	}
	out, err := call()
	if hit && err == nil {
		return none, ErrInjected
	}
	return out, err
}

// change is run for a method without a result.
func change(f *Faulty, op Op, call func() error) error {
	_, err := run(f, op, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// WriterOrdinal implements store.Store.
func (f *Faulty) WriterOrdinal(ctx context.Context, id [16]byte) (uint32, error) {
	return run(f, OpWriterOrdinal, func() (uint32, error) { return f.inner.WriterOrdinal(ctx, id) })
}

// Stage implements store.Store.
func (f *Faulty) Stage(ctx context.Context, s *store.Staging) error {
	return change(f, OpStage, func() error { return f.inner.Stage(ctx, s) })
}

// Batch implements store.Store.
func (f *Faulty) Batch(ctx context.Context, pos store.Pos) (*store.Batch, error) {
	return run(f, OpBatch, func() (*store.Batch, error) { return f.inner.Batch(ctx, pos) })
}

// LastStaged implements store.Store.
func (f *Faulty) LastStaged(ctx context.Context, writer uint32) (uint64, error) {
	return run(f, OpLastStaged, func() (uint64, error) { return f.inner.LastStaged(ctx, writer) })
}

// Published implements store.Store.
func (f *Faulty) Published(ctx context.Context, writer uint32) (uint64, error) {
	return run(f, OpPublished, func() (uint64, error) { return f.inner.Published(ctx, writer) })
}

// SetPublished implements store.Store.
func (f *Faulty) SetPublished(ctx context.Context, writer uint32, seq uint64) error {
	return change(f, OpSetPublished, func() error { return f.inner.SetPublished(ctx, writer, seq) })
}

// Head implements store.Store.
func (f *Faulty) Head(ctx context.Context, resource store.Token) (store.Head, error) {
	return run(f, OpHead, func() (store.Head, error) { return f.inner.Head(ctx, resource) })
}

// Version implements store.Store.
func (f *Faulty) Version(ctx context.Context, resource store.Token, version uint64) (*store.Version, error) {
	return run(f, OpVersion, func() (*store.Version, error) { return f.inner.Version(ctx, resource, version) })
}

// Doc implements store.Store.
func (f *Faulty) Doc(ctx context.Context, doc store.DocID) (*store.Doc, error) {
	return run(f, OpDoc, func() (*store.Doc, error) { return f.inner.Doc(ctx, doc) })
}

// Postings implements store.Store.
func (f *Faulty) Postings(ctx context.Context, token store.Token) (store.PostingIter, error) {
	it, err := iterate(f, OpPostings, func() (store.PostingIter, error) { return f.inner.Postings(ctx, token) })
	if err != nil {
		return nil, err
	}
	return &faultyIter{it, broken{f: f}}, nil
}

// PostingsDesc implements store.Store.
func (f *Faulty) PostingsDesc(ctx context.Context, token store.Token) (store.PostingDescIter, error) {
	it, err := iterate(f, OpPostingsDesc, func() (store.PostingDescIter, error) { return f.inner.PostingsDesc(ctx, token) })
	if err != nil {
		return nil, err
	}
	return &faultyDescIter{it, broken{f: f}}, nil
}

// iterate is run for a method whose result must not be lost without being closed: opening an iterator stores nothing,
// so that both halves of its fault are the same.
func iterate[T any](f *Faulty, op Op, call func() (T, error)) (T, error) {
	if _, hit := f.next(op); hit {
		var none T
		return none, ErrInjected
	}
	return call()
}

// MaxDoc implements store.Store.
func (f *Faulty) MaxDoc(ctx context.Context) (store.DocID, error) {
	return run(f, OpMaxDoc, func() (store.DocID, error) { return f.inner.MaxDoc(ctx) })
}

// Key implements store.Store.
func (f *Faulty) Key(ctx context.Context, h store.Handle) ([]byte, error) {
	return run(f, OpKey, func() ([]byte, error) { return f.inner.Key(ctx, h) })
}

// Outcome implements store.Store.
func (f *Faulty) Outcome(ctx context.Context, token store.Token) (*store.Outcome, error) {
	return run(f, OpOutcome, func() (*store.Outcome, error) { return f.inner.Outcome(ctx, token) })
}

// Sides implements store.Store.
func (f *Faulty) Sides(ctx context.Context) ([]store.SideTx, error) {
	return run(f, OpSides, func() ([]store.SideTx, error) { return f.inner.Sides(ctx) })
}

// RemoveSide implements store.Store.
func (f *Faulty) RemoveSide(ctx context.Context, pos store.Pos, index uint32) error {
	return change(f, OpRemoveSide, func() error { return f.inner.RemoveSide(ctx, pos, index) })
}

// Close closes the wrapped store.
func (f *Faulty) Close() error { return f.inner.Close() }
