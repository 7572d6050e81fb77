package ledger

import "time"

// Status is what an operator wants to see of both chains.
type Status struct {
	PrivateChain     string    `json:"private_chain"`
	PrivateHeight    int64     `json:"private_height"`
	Batches          uint64    `json:"batches"`         // committed on the private chain
	PrivatePending   int       `json:"private_pending"` // transactions in its mempool
	ConsortiumChain  string    `json:"consortium_chain"`
	ConsortiumHeight int64     `json:"consortium_height"`
	ConsortiumTime   time.Time `json:"consortium_time"`
	Pending          int       `json:"consortium_pending"` // transactions in its mempool

	Anchors        uint64        `json:"anchors"`         // accepted by the consortium
	AnchoredHeight int64         `json:"anchored_height"` // of the private chain, by the last anchor
	Anchored       uint64        `json:"anchored_batches"`
	Unanchored     uint64        `json:"unanchored_batches"`
	AnchorLag      time.Duration `json:"anchor_lag"` // age of the oldest unanchored batch that this process has seen; nanoseconds

	Flagged bool   `json:"flagged"`           // the consortium recorded misbehaviour of this organisation
	Failure string `json:"failure,omitempty"` // why a chain cannot go on before a restart
}

// Status reads the state of both nodes. After Close its numbers are those of the end.
func (l *Ledger) Status() Status {
	view, snap := l.privateApp.View(), l.consortiumApp.Current()
	s := Status{
		PrivateChain: l.id.chainID("private"), PrivateHeight: view.Height(), Batches: view.LogSize(),
		PrivatePending: l.private.node.Mempool().Size(), ConsortiumChain: l.id.chainID("consortium"),
		ConsortiumHeight: snap.Height, ConsortiumTime: snap.Time, Pending: l.consortium.node.Mempool().Size(),
		AnchorLag: l.lag.lag(time.Now()),
	}
	if last, err := snap.Chain(s.PrivateChain); err == nil {
		s.Anchors, s.AnchoredHeight, s.Anchored = last.GetAnchors(), last.GetHeight(), last.GetLogSize()
		s.Unanchored = s.Batches - min(s.Anchored, s.Batches)
	}
	if m, err := snap.Member(l.member); err == nil {
		s.Flagged = m.GetMisbehaviours() > 0
	}
	for _, c := range []*chain{l.private, l.consortium} {
		if err := c.running(); err != nil {
			s.Failure = err.Error()
		}
	}
	for _, err := range []error{l.privateApp.Err(), l.consortiumApp.Err()} {
		if err != nil {
			s.Failure = err.Error()
		}
	}
	return s
}
