package ledger

import (
	"bytes"
	"fmt"

	"github.com/cometbft/cometbft/store"
)

// guard holds a restored private chain back. Its validator must not sign heights again that the consortium has seen:
// that would be misbehaviour in the eyes of all members, and would lose what was acknowledged in between. Blocks and
// signing record have to be recovered first, from a newer backup or a peer.
func (l *Ledger) guard() error {
	last, err := l.lastAnchor()
	if err != nil {
		return err
	}
	if last.GetAnchors() == 0 {
		return nil
	}
	db, err := l.private.blocks.store("blockstore")
	if err != nil {
		return err
	}
	blocks := store.NewBlockStore(db)
	if blocks.Height() < last.GetHeight() {
		return fmt.Errorf("%w: its height is %d, and height %d with %d batches is anchored; recover its blocks and what its validator signed before it may sign again",
			ErrBehind, blocks.Height(), last.GetHeight(), last.GetLogSize())
	}
	if meta := blocks.LoadBlockMeta(last.GetHeight()); meta == nil || !bytes.Equal(meta.Header.Hash(), last.GetHeaderHash()) {
		return fmt.Errorf("%w: its block %d is not the anchored one", ErrBehind, last.GetHeight())
	}
	return nil
}
