package storetest

import "github.com/chartseal/chartseal/internal/store"

// broken is the state that iterators share: after a fault they are at their end, and Err tells why.
type broken struct {
	f   *Faulty
	err error
}

// step makes one move, unless it is the one that fails.
func (b *broken) step(move func() bool) bool {
	if b.err != nil {
		return false
	}
	if _, hit := b.f.next(OpNext); hit {
		b.err = ErrInjected
		return false
	}
	return move()
}

type faultyIter struct {
	store.PostingIter

	broken
}

// Next implements store.PostingIter.
func (i *faultyIter) Next() bool { return i.step(i.PostingIter.Next) }

// SeekGE implements store.PostingIter.
func (i *faultyIter) SeekGE(doc store.DocID) bool {
	return i.step(func() bool { return i.PostingIter.SeekGE(doc) })
}

// Err implements store.PostingIter.
func (i *faultyIter) Err() error {
	if i.err != nil {
		return i.err
	}
	return i.PostingIter.Err()
}

type faultyDescIter struct {
	store.PostingDescIter

	broken
}

// Next implements store.PostingDescIter.
func (i *faultyDescIter) Next() bool { return i.step(i.PostingDescIter.Next) }

// SeekLE implements store.PostingDescIter.
func (i *faultyDescIter) SeekLE(doc store.DocID) bool {
	return i.step(func() bool { return i.PostingDescIter.SeekLE(doc) })
}

// Err implements store.PostingDescIter.
func (i *faultyDescIter) Err() error {
	if i.err != nil {
		return i.err
	}
	return i.PostingDescIter.Err()
}
