package consortium

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/abci/tx/mlog"
)

// reader reads state records and anchors; nil if absent.
type reader interface {
	read(key []byte) ([]byte, error)
	anchorAt(chainID string, height int64) (*tx.AnchorEntry, error)
}

// layer holds what a block, or one transaction of it, changes. A transaction runs on a child of the block's layer,
// which is merged if it succeeds and dropped if not.
type layer struct {
	below    reader
	writes   map[string][]byte // state records; none is ever deleted
	side     []pair            // writes outside the state tree, each key once
	anchors  *mlog.Log
	consents *mlog.Log

	newAnchors    []IndexedAnchor
	newConsents   []IndexedConsent
	newMisbehaved []*Misbehaviour
}

func newLayer(below reader, anchors, consents *mlog.Log) *layer {
	return &layer{below: below, writes: map[string][]byte{}, anchors: anchors.Clone(), consents: consents.Clone()}
}

func (l *layer) child() *layer { return newLayer(l, l.anchors, l.consents) }

// merge takes over what a child changed.
func (l *layer) merge(c *layer) {
	for k, v := range c.writes { // order does not matter: each key once, into a map
		l.writes[k] = v
	}
	l.side = append(l.side, c.side...)
	l.anchors, l.consents = c.anchors, c.consents
	l.newAnchors = append(l.newAnchors, c.newAnchors...)
	l.newConsents = append(l.newConsents, c.newConsents...)
	l.newMisbehaved = append(l.newMisbehaved, c.newMisbehaved...)
}

// sorted returns the changed records in ascending order of their keys.
func (l *layer) sorted() []pair {
	out := make([]pair, 0, len(l.writes))
	for k, v := range l.writes {
		out = append(out, pair{[]byte(k), v})
	}
	slices.SortFunc(out, func(a, b pair) int { return slices.Compare(a.key, b.key) })
	return out
}

func (l *layer) read(key []byte) ([]byte, error) {
	if v, ok := l.writes[string(key)]; ok {
		return v, nil
	}
	return l.below.read(key)
}

func (l *layer) anchorAt(chainID string, height int64) (*tx.AnchorEntry, error) {
	for _, a := range l.newAnchors {
		if a.Entry.PrivateChainId == chainID && a.Entry.PrivateHeight == height {
			return a.Entry, nil
		}
	}
	return l.below.anchorAt(chainID, height)
}

// Set makes the layer a mlog.Setter.
func (l *layer) Set(key, value []byte) error {
	l.side = append(l.side, pair{key, slices.Clone(value)})
	return nil
}

// load reads a state record into m; false if there is none.
func load(r reader, key []byte, m proto.Message) (bool, error) {
	raw, err := r.read(key)
	if err != nil || raw == nil {
		return false, err
	}
	if err := proto.Unmarshal(raw, m); err != nil {
		return false, fmt.Errorf("state record %q: %w", key, err)
	}
	return true, nil
}

func (l *layer) put(key []byte, m proto.Message) error {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("state record %q: %w", key, err)
	}
	l.writes[string(key)] = raw
	return nil
}

// putSide writes a message beside the tree.
func (l *layer) putSide(key []byte, m proto.Message) error {
	raw, err := tx.Encode(m)
	if err != nil {
		return fmt.Errorf("record %q: %w", key, err)
	}
	return l.Set(key, raw)
}

// appendAnchor adds an entry to the log of anchors, with the indexes under which it is found again.
func (l *layer) appendAnchor(e *tx.AnchorEntry, evidence *tx.Anchor, newSize bool) (uint64, error) {
	leaf, err := tx.EntryLeaf(e)
	if err != nil {
		return 0, fmt.Errorf("anchor entry: %w", err)
	}
	index, err := l.anchors.Append(l, leaf)
	if err != nil {
		return 0, fmt.Errorf("anchor log: %w", err)
	}
	at := appendNumber(nil, index)
	side := []pair{
		{entryKey(prefixAnchor, index), leaf},
		{chainIndexKey(prefixByHeight, e.PrivateChainId, uint64(e.PrivateHeight)), at}, //nolint:gosec // positive
	}
	if newSize {
		side = append(side, pair{chainIndexKey(prefixBySize, e.PrivateChainId, e.LogSize), at})
	}
	l.side = append(l.side, side...)
	l.newAnchors = append(l.newAnchors, IndexedAnchor{Index: index, Entry: e})
	return index, l.putSide(entryKey(prefixEvidence, index), evidence)
}

// appendConsent adds an entry to the log of consent changes.
func (l *layer) appendConsent(e *tx.ConsentEntry) error {
	leaf, err := tx.EntryLeaf(e)
	if err != nil {
		return fmt.Errorf("consent entry: %w", err)
	}
	index, err := l.consents.Append(l, leaf)
	if err != nil {
		return fmt.Errorf("consent log: %w", err)
	}
	l.side = append(l.side,
		pair{entryKey(prefixConsent, index), leaf},
		pair{consentIndexKey(e.ConsentId, e.Version), appendNumber(nil, index)})
	l.newConsents = append(l.newConsents, IndexedConsent{Index: index, Entry: e})
	return nil
}
