package store

import (
	"context"
	"errors"
)

// Errors of every Store, wrapped with the step that met them.
var (
	// ErrAbsent: nothing is stored under that key.
	ErrAbsent = errors.New("store: absent")
	// ErrSeqTaken: a batch of that writer is staged under that sequence number. Nothing of the refused one is stored.
	ErrSeqTaken = errors.New("store: sequence number is taken")
	// ErrKeyTaken: another key record is stored for that handle. Nothing of the refused stage is stored; the caller
	// reads the stored record, and seals again under that key.
	ErrKeyTaken = errors.New("store: handle has another key record")
	// ErrCorrupt: a stored value does not decode. The process must not go on over such a store.
	ErrCorrupt = errors.New("store: corrupt value")
	// ErrInvalid: the caller broke the contract (a posting without a document, a staging without a writer).
	ErrInvalid = errors.New("store: invalid argument")
)

// Token is a blind token of the index, of a resource or of an idempotency key.
type Token = [16]byte

// Handle names the key that sealed a value. The zero Handle is the tenant's own key.
type Handle = [16]byte

// DocID numbers the staged versions of a store, from 1, in the order in which the caller staged them. 0 is none.
type DocID uint64

// Pos is a place in the outbox: a batch of one writer.
type Pos struct {
	Writer uint32 // ordinal of the writer, from WriterOrdinal; 0 is none
	Seq    uint64 // the writer's sequence number, from 1
}

// Head is the newest staged version of a resource, published or not.
type Head struct {
	Version    uint64
	Doc        DocID
	Pos        Pos
	Deleted    bool
	Handle     Handle
	Commitment [32]byte // of the version's leaf
}

// Version is one sealed version of a resource.
type Version struct {
	Resource   Token
	Version    uint64 // from 1
	Doc        DocID
	Pos        Pos
	Index      uint32 // place of the leaf in its batch, from 0
	Handle     Handle
	Deleted    bool
	Commitment [32]byte
	Body       []byte // sealed resource; empty for a deletion
	Leaf       []byte // sealed opening of the leaf
}

// Doc is the entry of one version in the index.
type Doc struct {
	Doc      DocID
	Resource Token
	Version  uint64
	Pos      Pos
	Handle   Handle
	Deleted  bool
	Row      []byte // sealed search and sort values
}

// StagedVersion is a version with what the index keeps of it.
type StagedVersion struct {
	Version
	Row      []byte
	Postings []Token // a token may occur twice; it is stored once
}

// KeyRecord is a wrapped key, or the members of a set of keys, as made by package seal.
type KeyRecord struct {
	Handle Handle
	Record []byte
}

// Outcome is the first answer to a request with an idempotency key.
type Outcome struct {
	Token  Token
	Pos    Pos
	Sealed []byte
}

// SideTx is a consortium transaction staged in the same unit as the version that asks for it, with the restrictions
// that bind meanwhile.
type SideTx struct {
	Pos      Pos
	Index    uint32 // distinguishes the side transactions of one Pos
	Resource Token
	Version  uint64
	Tx       []byte
	Overlay  []byte // sealed
}

// Staging is everything that one batch makes durable, in one step. The Pos of a version, an outcome or a side
// transaction within it must equal that of the Staging.
type Staging struct {
	Pos         Pos
	Root        [32]byte
	Tx          []byte // the signed ledger transaction; never signed again
	Commitments [][32]byte
	Versions    []StagedVersion
	Keys        []KeyRecord
	Outcomes    []Outcome
	Side        []SideTx
}

// Batch is the outbox entry of a staged batch.
type Batch struct {
	Pos         Pos
	Root        [32]byte
	Tx          []byte
	Commitments [][32]byte
}

// Store is a sealed store.
//
// Concurrency: every method may be called at any time from any goroutine, except Close, which is called once, last.
// What a call returned nil for is seen by every later call; what a Stage under way brings may be seen before it returns,
// but then wholly, and never without what was staged before.
//
// Ownership: arguments belong to the store until the call returns; results belong to the caller, who may change them.
//
// Context: an implementation may give up when ctx ends; for a call that changes something the outcome is then unknown.
//
// Errors: a missing value is ErrAbsent, a value that does not decode ErrCorrupt. Every other error is of the medium,
// and a read may be repeated.
type Store interface {
	// WriterOrdinal returns the number by which this store knows a writer, and gives it one (from 1, without gaps) on
	// first use. Durable when it returns; stable for ever.
	WriterOrdinal(ctx context.Context, id [16]byte) (uint32, error)

	// Stage makes a batch durable, wholly or not at all. Nil: it survives a power cut. ErrSeqTaken, ErrKeyTaken and
	// ErrInvalid: nothing of it is stored. Any other error: the outcome is unknown, also after a restart; ask Batch
	// for its Pos, and stage the same bytes again if that is absent.
	//
	// The head of a resource becomes the highest version staged for it, whatever the order of arrival. A version staged
	// again under another Pos takes the place of the first (a batch of a writer that was closed, signed again by
	// another); the documents of both stay. Key records equal to stored ones are accepted, an outcome whose token is
	// stored already is not stored: the first one stays.
	Stage(ctx context.Context, s *Staging) error
	// Batch returns a staged batch, or ErrAbsent.
	Batch(ctx context.Context, pos Pos) (*Batch, error)
	// LastStaged returns the highest sequence number staged by a writer, 0 if none.
	LastStaged(ctx context.Context, writer uint32) (uint64, error)

	// Published returns the hint stored by SetPublished, 0 if none.
	Published(ctx context.Context, writer uint32) (uint64, error)
	// SetPublished stores how far a writer is known to be committed. It is a hint: a crash may bring back an older
	// one, and at start the chain decides. Lower numbers than the stored one are kept as given.
	SetPublished(ctx context.Context, writer uint32, seq uint64) error

	// Head returns the newest staged version of a resource, or ErrAbsent.
	Head(ctx context.Context, resource Token) (Head, error)
	// Version returns one version of a resource, or ErrAbsent.
	Version(ctx context.Context, resource Token, version uint64) (*Version, error)
	// Doc returns the index entry of a document, or ErrAbsent.
	Doc(ctx context.Context, doc DocID) (*Doc, error)
	// Postings returns the documents of a token in ascending order, as of this call. The caller closes the iterator.
	Postings(ctx context.Context, token Token) (PostingIter, error)
	// PostingsDesc returns them in descending order, newest first.
	PostingsDesc(ctx context.Context, token Token) (PostingDescIter, error)
	// MaxDoc returns the highest staged document, 0 if none.
	MaxDoc(ctx context.Context) (DocID, error)

	// Key returns the key record of a handle, or ErrAbsent.
	Key(ctx context.Context, h Handle) ([]byte, error)
	// Outcome returns the first outcome staged under an idempotency token, or ErrAbsent.
	Outcome(ctx context.Context, token Token) (*Outcome, error)

	// Sides returns the queued side transactions, ordered by writer, sequence number and index.
	Sides(ctx context.Context) ([]SideTx, error)
	// RemoveSide takes a side transaction off the queue. Durable when it returns; removing an absent one is no error.
	RemoveSide(ctx context.Context, pos Pos, index uint32) error

	// Close releases the store. No call is under way and every iterator is closed by then.
	Close() error
}

// PostingIter walks the documents of one token upwards. It is used by one goroutine at a time.
type PostingIter interface {
	// Next moves to the next document, at first to the lowest. False: there is none, or Err tells why.
	Next() bool
	// SeekGE moves to the lowest document at or above doc, backwards too. Next continues from there.
	SeekGE(doc DocID) bool
	// Doc returns the current document; valid after a true Next or SeekGE.
	Doc() DocID
	Err() error
	Close() error
}

// PostingDescIter walks the documents of one token downwards. It is used by one goroutine at a time.
type PostingDescIter interface {
	// Next moves to the next lower document, at first to the highest. False: there is none, or Err tells why.
	Next() bool
	// SeekLE moves to the highest document at or below doc, forwards too. Next continues from there.
	SeekLE(doc DocID) bool
	// Doc returns the current document; valid after a true Next or SeekLE.
	Doc() DocID
	Err() error
	Close() error
}
