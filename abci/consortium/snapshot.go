package consortium

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cosmos/iavl"
	ics23 "github.com/cosmos/ics23/go"
	"google.golang.org/protobuf/proto"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

// ErrAbsent is wrapped when something is not in the state of a snapshot.
var ErrAbsent = errors.New("not on the consortium chain")

// ErrClosed is returned by readers after Close.
var ErrClosed = errors.New("consortium chain is closed")

// ErrCorrupt is wrapped when the stored state contradicts itself. The process must stop.
var ErrCorrupt = errors.New("consortium state is corrupt")

// Snapshot is the state after one committed block. It never changes, and reading it waits for no ABCI call. It stays
// readable for Config.KeepVersions changes of the state. Safe for concurrent use.
type Snapshot struct {
	ChainID string
	Height  int64     // of the block; the header of the next one carries AppHash
	Time    time.Time // of the block
	AppHash []byte
	State   *tx.ConsortiumState // preimage of AppHash

	app      *App
	anchors  *mlog.Log // never appended to: executions clone it
	consents *mlog.Log
	tree     *iavl.ImmutableTree // nil before there is a state
}

// IndexedAnchor is an entry of the anchor log with its place in it.
type IndexedAnchor struct {
	Index uint64
	Entry *tx.AnchorEntry
}

// IndexedConsent is an entry of the log of consent changes with its place in it.
type IndexedConsent struct {
	Index uint64
	Entry *tx.ConsentEntry
}

// gated reads the store for readers outside the consensus connection.
type gated struct{ app *App }

// Get implements mlog.Getter.
func (g gated) Get(key []byte) ([]byte, error) {
	if err := g.app.enter(); err != nil {
		return nil, err
	}
	defer g.app.leave()
	return g.app.store.get(key)
}

func (s *Snapshot) read(key []byte) ([]byte, error) {
	if s.tree == nil {
		return nil, nil
	}
	if err := s.app.enter(); err != nil {
		return nil, err
	}
	defer s.app.leave()
	v, err := s.tree.Get(key)
	if err != nil {
		return nil, fmt.Errorf("read state tree: %w", err)
	}
	return v, nil
}

// Proof returns a state record and its ICS-23 membership proof against State.StateRoot (ics23.IavlSpec).
func (s *Snapshot) Proof(key []byte) ([]byte, *ics23.CommitmentProof, error) {
	v, err := s.read(key)
	if err != nil {
		return nil, nil, err
	}
	if v == nil {
		return nil, nil, fmt.Errorf("state record %q: %w", key, ErrAbsent)
	}
	if err := s.app.enter(); err != nil {
		return nil, nil, err
	}
	defer s.app.leave()
	p, err := s.tree.GetMembershipProof(key)
	if err != nil {
		return nil, nil, fmt.Errorf("prove state record %q: %w", key, err)
	}
	return v, p, nil
}

// Member returns a member by name; ErrAbsent.
func (s *Snapshot) Member(name string) (*Member, error) {
	m := new(Member)
	return m, s.mustLoad(MemberKey(name), m)
}

// Members returns all members in ascending order of their names' lengths, then names.
func (s *Snapshot) Members() ([]*Member, error) {
	if s.tree == nil {
		return nil, nil
	}
	if err := s.app.enter(); err != nil {
		return nil, err
	}
	defer s.app.leave()
	var (
		out  []*Member
		fail error
	)
	prefix := []byte(keyMembers)
	s.tree.IterateRange(prefix, append(prefix[:len(prefix)-1:len(prefix)-1], prefix[len(prefix)-1]+1), true, func(_, v []byte) bool {
		m := new(Member)
		fail = proto.Unmarshal(v, m)
		out = append(out, m)
		return fail != nil
	})
	if fail != nil {
		return nil, fmt.Errorf("members: %w", fail)
	}
	return out, nil
}

// Chain returns the last anchored state of a private chain; ErrAbsent if it is not registered.
func (s *Snapshot) Chain(chainID string) (*Chain, error) {
	c := new(Chain)
	return c, s.mustLoad(ChainKey(chainID), c)
}

// Consent returns the state of a consent; ErrAbsent.
func (s *Snapshot) Consent(id [tx.HashSize]byte) (*tx.ConsentEntry, error) {
	c := new(tx.ConsentEntry)
	return c, s.mustLoad(ConsentKey(id[:]), c)
}

// Nonce returns the last nonce of a key for a kind of message (field number in ConsortiumBody); 0 if there is none.
func (s *Snapshot) Nonce(keyID []byte, kind uint32) (uint64, error) {
	n := new(Nonce)
	_, err := load(s, nonceKey(keyID, kind), n)
	return n.Last, err
}

func (s *Snapshot) mustLoad(key []byte, m proto.Message) error {
	ok, err := load(s, key, m)
	if err == nil && !ok {
		err = fmt.Errorf("state record %q: %w", key, ErrAbsent)
	}
	return err
}

// AnchorLog reads the log of anchors as of this snapshot.
func (s *Snapshot) AnchorLog() mlog.View {
	return mlog.NewView(gated{s.app}, []byte{prefixAnchorLog}, s.State.GetAnchorLogSize())
}

// ConsentLog reads the log of consent changes as of this snapshot.
func (s *Snapshot) ConsentLog() mlog.View {
	return mlog.NewView(gated{s.app}, []byte{prefixConsentLog}, s.State.GetConsentLogSize())
}

// Anchor returns an entry of the anchor log, and the anchor that it was made from, without consistency proof.
func (s *Snapshot) Anchor(index uint64) (*tx.AnchorEntry, *tx.Anchor, error) {
	if index >= s.State.GetAnchorLogSize() {
		return nil, nil, fmt.Errorf("anchor %d: %w", index, ErrAbsent)
	}
	entry, evidence := new(tx.AnchorEntry), new(tx.Anchor)
	if err := s.decode(entryKey(prefixAnchor, index), entry); err != nil {
		return nil, nil, err
	}
	return entry, evidence, s.decode(entryKey(prefixEvidence, index), evidence)
}

// AnchorFor returns the index of the first anchor of a chain that covers entry logIndex of its log; ErrAbsent.
func (s *Snapshot) AnchorFor(chainID string, logIndex uint64) (uint64, error) {
	if err := s.app.enter(); err != nil {
		return 0, err
	}
	defer s.app.leave()
	it, err := s.app.store.db.NewIter(&pebble.IterOptions{
		LowerBound: chainIndexKey(prefixBySize, chainID, logIndex+1),
		UpperBound: append(chainIndexKey(prefixBySize, chainID, ^uint64(0)), 0),
	})
	if err != nil {
		return 0, fmt.Errorf("search anchor: %w", err)
	}
	defer it.Close() //nolint:errcheck // the iterator's error is read below
	if it.First() {
		index, ok := number(it.Value())
		if !ok {
			return 0, fmt.Errorf("index of anchors: %w", ErrCorrupt)
		}
		if index < s.State.GetAnchorLogSize() {
			return index, nil
		}
	}
	if err := it.Error(); err != nil {
		return 0, fmt.Errorf("search anchor: %w", err)
	}
	return 0, fmt.Errorf("anchor of entry %d: %w", logIndex, ErrAbsent)
}

// ConsentChange returns the log entry that recorded a version of a consent; ErrAbsent.
func (s *Snapshot) ConsentChange(id [tx.HashSize]byte, version uint64) (IndexedConsent, error) {
	raw, err := gated{s.app}.Get(consentIndexKey(id[:], version))
	if err != nil {
		return IndexedConsent{}, err
	}
	index, ok := number(raw)
	if !ok || index >= s.State.GetConsentLogSize() {
		return IndexedConsent{}, fmt.Errorf("version %d of consent: %w", version, ErrAbsent)
	}
	e := new(tx.ConsentEntry)
	return IndexedConsent{Index: index, Entry: e}, s.decode(entryKey(prefixConsent, index), e)
}

func (s *Snapshot) decode(key []byte, m proto.Message) error {
	raw, err := gated{s.app}.Get(key)
	if err != nil {
		return err
	}
	if raw == nil {
		return fmt.Errorf("record %q: %w", key, ErrCorrupt)
	}
	if err := tx.Decode(raw, m); err != nil {
		return fmt.Errorf("record %q: %w", key, err)
	}
	return nil
}

// anchorAt returns the entry of an anchored height of a chain, or nil. It may see anchors of blocks after the
// snapshot's; executions call it on the newest one only.
func (s *Snapshot) anchorAt(chainID string, height int64) (*tx.AnchorEntry, error) {
	raw, err := gated{s.app}.Get(chainIndexKey(prefixByHeight, chainID, uint64(height))) //nolint:gosec // positive
	if err != nil || raw == nil {
		return nil, err
	}
	index, ok := number(raw)
	if !ok {
		return nil, fmt.Errorf("index of anchors: %w", ErrCorrupt)
	}
	e := new(tx.AnchorEntry)
	return e, s.decode(entryKey(prefixAnchor, index), e)
}
