package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chartseal/chartseal/abci/consortium"
	"github.com/chartseal/chartseal/abci/tx"
)

// Consent is the state of a consent on the consortium chain: no clinical and no personal content.
type Consent struct {
	ID               [32]byte // pseudonymous token
	Version          uint64   // strictly rising
	Active           bool
	PolicyCommitment [32]byte // salted
	EnvelopeHash     [32]byte // of the encrypted policy
}

// ConsentTx signs the transaction that records a version of a consent. Nonces rise strictly per gateway: transactions
// must be submitted in the order of their nonces, or the lower one is rejected for good.
func (l *Ledger) ConsentTx(c Consent, nonce uint64) ([]byte, error) {
	status := tx.ConsentStatus_CONSENT_STATUS_INACTIVE
	if c.Active {
		status = tx.ConsentStatus_CONSENT_STATUS_ACTIVE
	}
	raw, err := tx.Sign(l.keys.writer, &tx.ConsortiumBody{
		ChainId: l.id.chainID("consortium"), Nonce: nonce,
		Message: &tx.ConsortiumBody_PutConsent{PutConsent: &tx.PutConsent{
			ConsentId: c.ID[:], Version: c.Version, Status: status, PolicyCommitment: c.PolicyCommitment[:],
			EnvelopeHash: c.EnvelopeHash[:], RecordedByMember: true,
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("sign consent: %w", err)
	}
	return raw, nil
}

// SubmitConsortium hands a consent transaction to the consortium chain. Nil: it is pending, or committed with this
// content. It may be submitted again at any time. Errors: ErrRejected, ErrUnavailable.
func (l *Ledger) SubmitConsortium(ctx context.Context, raw []byte) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("submit to consortium: %w", err)
	}
	done, err := l.recorded(raw)
	if err != nil {
		return fmt.Errorf("submit to consortium: %w", err)
	}
	if done {
		return nil
	}
	code, reason, err := l.consortium.check(raw)
	switch {
	case err != nil:
		return fmt.Errorf("submit to consortium: %w", err)
	case code == uint32(consortium.CodeOK):
		return nil
	case code == uint32(consortium.CodeStopped):
		return fmt.Errorf("submit to consortium: %w: %s", ErrUnavailable, reason)
	}
	// It may have been committed since it was looked up.
	if done, err := l.recorded(raw); err == nil && done {
		return nil
	}
	return fmt.Errorf("submit to consortium: %w: %s", ErrRejected, reason)
}

// recorded tells whether the chain holds what a consent transaction says. Its own nonce is used then, so CheckTx
// could not tell it from a replay.
func (l *Ledger) recorded(raw []byte) (bool, error) {
	signed, err := tx.DecodeSigned(raw)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrRejected, err)
	}
	body := new(tx.ConsortiumBody)
	if err := tx.Decode(signed.GetBody(), body); err != nil {
		return false, fmt.Errorf("%w: %w", ErrRejected, err)
	}
	m := body.GetPutConsent()
	if m == nil {
		return false, nil
	}
	change, err := l.consortiumApp.Current().ConsentChange([tx.HashSize]byte(m.GetConsentId()), m.GetVersion())
	if errors.Is(err, consortium.ErrAbsent) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !sameConsent(change.Entry, m, l.member) {
		return false, fmt.Errorf("%w: this version is recorded with another content", ErrRejected)
	}
	return true, nil
}

// ConsentState is the last committed state of a consent; false if there is none. It reads this node's own state.
func (l *Ledger) ConsentState(id [32]byte) (Consent, bool) {
	e, err := l.consortiumApp.Current().Consent(id)
	if err != nil {
		if !errors.Is(err, consortium.ErrAbsent) && !errors.Is(err, consortium.ErrClosed) {
			l.log.Error("read consent state", "error", err)
		}
		return Consent{}, false
	}
	return consentOf(e), true
}

func consentOf(e *tx.ConsentEntry) Consent {
	return Consent{
		ID: [32]byte(e.GetConsentId()), Version: e.GetVersion(), Active: e.GetStatus() == tx.ConsentStatus_CONSENT_STATUS_ACTIVE,
		PolicyCommitment: [32]byte(e.GetPolicyCommitment()), EnvelopeHash: [32]byte(e.GetEnvelopeHash()),
	}
}

// OnConsent registers a callback for every consent change committed from now on, by any member: in order, from one
// goroutine, after it is durable here. It should not block, and may call the ledger.
func (l *Ledger) OnConsent(fn func(Consent)) { l.consents.subscribe(fn) }

// ConsortiumHead is height and time of the last consortium block that this node committed.
func (l *Ledger) ConsortiumHead() (height int64, at time.Time) {
	s := l.consortiumApp.Current()
	return s.Height, s.Time
}

// consortiumCommitted runs on the consensus goroutine.
func (l *Ledger) consortiumCommitted(c consortium.Committed) {
	events := make([]Consent, len(c.Consents))
	for i, e := range c.Consents {
		events[i] = consentOf(e.Entry)
	}
	l.consents.publish(events...)
	for _, a := range c.Anchors {
		if a.Entry.GetPrivateChainId() == l.id.chainID("private") {
			l.lag.anchored(a.Entry.GetLogSize(), time.Now())
		}
	}
	for _, m := range c.Misbehaviours {
		l.log.Error("misbehaviour recorded by the consortium", "member", m.GetMember(), "kind", m.GetKind().String())
	}
}
