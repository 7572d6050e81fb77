package consortium

import (
	"errors"
	"testing"

	"github.com/chartseal/chartseal/abci/tx"
)

// FuzzCheckTx feeds the application bytes from anyone: it answers with a code, and never with an error or a panic.
func FuzzCheckTx(f *testing.F) {
	o := newOrg("north", 1)
	o.write(1)
	f.Add(o.good(f))
	f.Add(o.sign(f, consent(1, 1)))
	f.Add([]byte{})
	n := newNode(f, genesisOf(f, newOrg("north", 1)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n.t = t
		code := n.check(raw)
		if ok, err := n.app.admissible(n.app.Current(), raw); err != nil || (code == CodeOK && !ok) {
			t.Fatalf("code %d, admissible %v, %v", code, ok, err)
		}
	})
}

// FuzzAnchor feeds a signer's anchor with arbitrary header, commit and validators: a refusal, or an anchor that is
// what it was.
func FuzzAnchor(f *testing.F) {
	o := newOrg("north", 3)
	o.write(1)
	good := o.anchor(o.spec())
	f.Add(good.Header, good.Commit, good.Validators)
	other := o.spec()
	other.signers = o.validators[:1]
	few := o.anchor(other)
	f.Add(few.Header, few.Commit, few.Validators)
	f.Add([]byte{}, []byte{}, []byte{})
	trusted, err := validatorSet(registered(o), 10)
	if err != nil {
		f.Fatal(err)
	}
	want, err := verifyAnchor(good, trusted, 10)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, commit, validators []byte) {
		s, err := verifyAnchor(&tx.Anchor{
			PrivateChainId: o.chainID, Header: header, Commit: commit, Validators: validators, State: good.State,
		}, trusted, 10)
		var r *refusal
		switch {
		case err == nil:
			if string(s.hash) != string(want.hash) {
				t.Fatal("another header was accepted")
			}
		case !errors.As(err, &r):
			t.Fatalf("not a refusal: %v", err)
		}
	})
}

// FuzzGenesis: what parses can be registered.
func FuzzGenesis(f *testing.F) {
	f.Add(genesisOf(f, newOrg("north", 2), newOrg("south", 1)))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"members":[{"name":"x"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := ParseGenesis(raw)
		if err != nil {
			return
		}
		n := newNode(t, raw)
		for _, m := range g.Members {
			if got, err := n.app.Current().Member(m.Name); err != nil || got.PrivateChainId != m.PrivateChainID {
				t.Fatalf("member: %v, %v", got, err)
			}
		}
	})
}

func registered(o *org) []*PrivateValidator {
	m := o.genesis()
	return m.validators()
}
