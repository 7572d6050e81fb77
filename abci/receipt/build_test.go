package receipt

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/secp256k1"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/abci/tx"
)

func TestBuildRefuses(t *testing.T) {
	w := newWorld(t)
	foreign := cmttypes.NewValidatorSet([]*cmttypes.Validator{cmttypes.NewValidator(secp256k1.GenPrivKey().PubKey(), 1)})
	tests := map[string]struct {
		change func(*Parts)
		want   error
	}{
		"no leaf":                {func(p *Parts) { p.Leaf = nil }, ErrMalformed},
		"no batch":               {func(p *Parts) { p.Batch = nil }, tx.ErrMalformed},
		"no state":               {func(p *Parts) { p.State = nil }, tx.ErrMalformed},
		"no header":              {func(p *Parts) { p.Private.Header = nil }, ErrMalformed},
		"no commit":              {func(p *Parts) { p.Private.Commit = nil }, ErrMalformed},
		"no validators":          {func(p *Parts) { p.Private.Validators = nil }, ErrMalformed},
		"foreign key":            {func(p *Parts) { p.Private.Validators = foreign }, ErrMalformed},
		"consent without anchor": {func(p *Parts) { p.Anchor = nil }, ErrMalformed},
		"no anchor entry":        {func(p *Parts) { p.Anchor = &AnchorParts{} }, tx.ErrMalformed},
		"no consent entry":       {func(p *Parts) { p.Consent = &ConsentParts{} }, tx.ErrMalformed},
		"too few signatures":     {func(p *Parts) { p.Private.Commit = commit(t, p.Private.Header, w.privateSet, "-") }, ErrQuorum},
		"change without set": {func(p *Parts) {
			a := *p.Anchor
			a.Changes = []ValidatorChange{{SignedHeader: a.Consortium}}
			p.Anchor = &a
		}, ErrMalformed},
		"change without header": {func(p *Parts) {
			a := *p.Anchor
			a.Changes = []ValidatorChange{{}}
			p.Anchor = &a
		}, ErrMalformed},
	}
	for name, tc := range tests {
		p := w.parts
		tc.change(&p)
		if _, err := Build(p); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

// The fields may be asked for in any order, several times, and with numbers that no field has.
func TestBuildSortsOpenings(t *testing.T) {
	w := newWorld(t)
	p := w.parts
	p.Open = []tx.LeafField{8, 6, 1, 0, 2, 6, 99}
	if diff := cmp.Diff(string(w.anchored), string(mustBuild(t, p))); diff != "" {
		t.Error(diff)
	}
}

// More than two thirds, exactly: with four equal validators three are needed, and with three all.
func TestQuorum(t *testing.T) {
	equal := func(n int) set {
		s := set{keys: map[string]ed25519.PrivateKey{}}
		var vals []*cmttypes.Validator
		for i := range n {
			v := newSet(5, byte(140+i)).Validators[0]
			s.keys[string(v.Address)] = key(byte(140 + i))
			vals = append(vals, v)
		}
		s.ValidatorSet = cmttypes.NewValidatorSet(vals)
		return s
	}
	for _, tc := range []struct {
		validators, sign int
		ok               bool
	}{{1, 0, false}, {1, 1, true}, {3, 2, false}, {3, 3, true}, {4, 2, false}, {4, 3, true}, {6, 4, false}, {6, 5, true}, {7, 4, false}, {7, 5, true}} {
		s := equal(tc.validators)
		h := header("c", 3, hash32(1), s, s)
		c := commit(t, h, s, "")
		c.Signatures = c.Signatures[:tc.sign]
		cut, err := trim(c, validators(s.list(t)))
		if (err == nil) != tc.ok {
			t.Errorf("%d of %d: %v", tc.sign, tc.validators, err)
		}
		if err == nil && (len(cut.Signatures) != tc.sign || verifyCommit(h, cut, validators(s.list(t))) != nil) {
			t.Errorf("%d of %d: cut to %d, or not verified", tc.sign, tc.validators, len(cut.Signatures))
		}
		if err := verifyCommit(h, c, validators(s.list(t))); (err == nil) != tc.ok {
			t.Errorf("verify %d of %d: %v", tc.sign, tc.validators, err)
		}
	}
}

func TestTrustFile(t *testing.T) {
	w := newWorld(t)
	trust, err := DecodeTrust(w.trustFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.trust, trust); diff != "" {
		t.Error(diff)
	}
	// Another choice of signers changes the file, not the fingerprint.
	other := mustTrust(t, *w.trust)
	again, err := DecodeTrust(other)
	if err != nil {
		t.Fatal(err)
	}
	a, errA := trust.Fingerprint()
	b, errB := again.Fingerprint()
	if errA != nil || errB != nil || a != b || len(a) != 64 || bytes.Equal(other, w.trustFile) {
		t.Errorf("fingerprints %q and %q", a, b)
	}
	if !trust.CheckpointTime().Equal(epoch) {
		t.Errorf("checkpoint time %v", trust.CheckpointTime())
	}
}

func TestTrustNeedsMoreThanTwoThirds(t *testing.T) {
	w := newWorld(t)
	keys := []ed25519.PrivateKey{key(30), key(31), key(32), key(33)}
	for n := range keys {
		_, err := SignTrust(w.trust, keys[:n+1]...)
		if ok := n+1 >= 3; (err == nil) != ok || !ok && !errors.Is(err, ErrUntrusted) {
			t.Errorf("%d of 4: %v", n+1, err)
		}
	}
	if _, err := SignTrust(w.trust, key(30), key(30), key(30), key(99), nil); !errors.Is(err, ErrUntrusted) {
		t.Errorf("one member thrice: %v", err)
	}
	three := *w.trust
	three.Members = three.Members[:3]
	if _, err := SignTrust(&three, key(30), key(31)); !errors.Is(err, ErrUntrusted) {
		t.Errorf("exactly two thirds: %v", err)
	}
	one := *w.trust
	one.Members = one.Members[:1]
	if _, err := SignTrust(&one, key(30)); err != nil {
		t.Errorf("a single member: %v", err)
	}
}

func TestTrustSignaturesRefused(t *testing.T) {
	w := newWorld(t)
	sign := func(trust Trust, signer byte) Bytes {
		body, err := encodeJSON(trust)
		if err != nil {
			t.Fatal(err)
		}
		return ed25519.Sign(key(signer), tx.TrustSigningBytes(body))
	}
	good := List[trustSignature]{{"hospital-a", sign(*w.trust, 30)}, {"payer & co", sign(*w.trust, 31)}, {"Ärztehaus", sign(*w.trust, 32)}}
	tests := map[string]struct {
		signatures List[trustSignature]
		want       error
	}{
		"none":         {nil, ErrUntrusted},
		"twice":        {List[trustSignature]{good[0], good[0], good[1]}, ErrMalformed},
		"out of order": {List[trustSignature]{good[1], good[0], good[2]}, ErrMalformed},
		"unknown":      {append(good[:2:2], trustSignature{"nobody", good[2].Signature}), ErrMalformed},
		"wrong key":    {append(good[:2:2], trustSignature{"Ärztehaus", sign(*w.trust, 99)}), ErrUntrusted},
		"short":        {append(good[:2:2], trustSignature{"Ärztehaus", good[2].Signature[:63]}), ErrUntrusted},
	}
	for name, tc := range tests {
		raw, err := encodeJSON(trustFile{*w.trust, tc.signatures})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeTrust(raw); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

func TestTrustRefuses(t *testing.T) {
	w := newWorld(t)
	member := func(change func(*Member)) func(*Trust) {
		return func(tr *Trust) {
			tr.Members = append(List[Member]{}, tr.Members...)
			change(&tr.Members[1])
		}
	}
	for name, change := range map[string]func(*Trust){
		"format":            func(tr *Trust) { tr.Format = "" },
		"chain id":          func(tr *Trust) { tr.ChainID = "" },
		"chain id escape":   func(tr *Trust) { tr.ChainID = "a\nb" },
		"time":              func(tr *Trust) { tr.Checkpoint.Time = "yesterday" },
		"time zone":         func(tr *Trust) { tr.Checkpoint.Time = epoch.In(time.FixedZone("", 3600)).Format(time.RFC3339Nano) },
		"height":            func(tr *Trust) { tr.Checkpoint.Height = -1 },
		"genesis with hash": func(tr *Trust) { tr.Checkpoint.Height = 0 },
		"no hash":           func(tr *Trust) { tr.Checkpoint.HeaderHash = nil },
		"no validators":     func(tr *Trust) { tr.Checkpoint.Validators = nil },
		"validator twice": func(tr *Trust) {
			tr.Checkpoint.Validators = append(tr.Checkpoint.Validators, tr.Checkpoint.Validators[0])
		},
		"no power": func(tr *Trust) { tr.Checkpoint.Validators = List[Validator]{{Bytes(pub(1)), 0}} },
		"too much power": func(tr *Trust) {
			tr.Checkpoint.Validators = List[Validator]{{Bytes(pub(1)), 1 << 60}, {Bytes(pub(2)), 1 << 60}}
		},
		"period":             func(tr *Trust) { tr.TrustingPeriod = 0 },
		"endless period":     func(tr *Trust) { tr.TrustingPeriod = 1 << 60 },
		"no members":         func(tr *Trust) { tr.Members = nil },
		"no name":            member(func(m *Member) { m.Name = "" }),
		"quoted name":        member(func(m *Member) { m.Name = `a"b` }),
		"name not UTF-8":     member(func(m *Member) { m.Name = "a\xff" }),
		"line separator":     member(func(m *Member) { m.Role = "a\u2028b" }),
		"short key":          member(func(m *Member) { m.GovernanceKey = m.GovernanceKey[1:] }),
		"same name":          member(func(m *Member) { m.Name = "hospital-a" }),
		"same key":           member(func(m *Member) { m.GovernanceKey = Bytes(pub(30)) }),
		"same chain":         member(func(m *Member) { m.PrivateChainID = privateChain }),
		"private validators": member(func(m *Member) { m.PrivateValidators = nil }),
	} {
		trust := *w.trust
		change(&trust)
		if _, err := SignTrust(&trust, key(30), key(31), key(32), key(33)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
	genesis := *w.trust
	genesis.Checkpoint.Height, genesis.Checkpoint.HeaderHash = 0, Bytes{}
	if got := Verify(w.anchored, mustTrust(t, genesis), Options{}); got.Verdict != Anchored {
		t.Errorf("trust from genesis: %+v", got.Failed())
	}
}

func FuzzDecodeTrust(f *testing.F) {
	w := newWorld(f)
	f.Add(w.trustFile)
	want, err := w.trust.Fingerprint()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		trust, err := DecodeTrust(raw)
		if err != nil {
			return
		}
		// Without the members' keys nothing else can be signed, but a file with members of one's own can.
		if got, err := trust.Fingerprint(); err != nil || trust.ChainID == consortium && len(trust.Members) == 4 && got != want {
			t.Errorf("accepted another trust file: %v", err)
		}
	})
}
