package receipt

import (
	"bytes"
	"strings"
	"testing"
)

// Each change of validators must be signed by the set before it, lead to a new set, and go forward.
func TestForgedValidatorChanges(t *testing.T) {
	w := newWorld(t)
	thieves := newSet(10, 101, 102, 103, 104)
	change := func(height int64, signers, now, next set) ValidatorChange {
		h := header(consortium, height, hash32(1), now, next)
		return ValidatorChange{SignedHeader{h, commit(t, h, signers, ""), now.ValidatorSet}, next.ValidatorSet}
	}
	good := w.changedParts.Anchor.Changes
	elsewhere := ValidatorChange{signedHeader(t, header("elsewhere", 25, hash32(1), w.first, w.second), w.first, ""), w.second.ValidatorSet}
	tests := map[string]struct {
		changes []ValidatorChange
		want    string
	}{
		"none":                {nil, StepConsortiumHeader},
		"first only":          {good[:1], StepConsortiumHeader},
		"second only":         {good[1:], StepConsortiumChanges},
		"out of order":        {[]ValidatorChange{good[1], good[0]}, StepConsortiumChanges},
		"twice":               {[]ValidatorChange{good[0], good[0], good[1]}, StepConsortiumChanges},
		"to the same set":     {[]ValidatorChange{change(24, w.first, w.first, w.first), good[0], good[1]}, StepConsortiumChanges},
		"there and back":      {[]ValidatorChange{good[0], change(26, w.second, w.second, w.first), change(27, w.first, w.first, w.second), good[1]}, StepConsortiumChanges},
		"by thieves":          {[]ValidatorChange{change(25, thieves, w.first, w.second), good[1]}, StepConsortiumChanges},
		"of another chain":    {[]ValidatorChange{elsewhere, good[1]}, StepConsortiumChanges},
		"before the trust":    {[]ValidatorChange{change(5, w.first, w.first, w.second), good[1]}, StepConsortiumChanges},
		"not after the other": {[]ValidatorChange{good[0], change(25, w.second, w.second, w.third)}, StepConsortiumChanges},
		"after the header":    {[]ValidatorChange{good[0], change(31, w.second, w.second, w.third)}, StepConsortiumHeader},
		"to other validators": {[]ValidatorChange{good[0], {good[1].SignedHeader, thieves.ValidatorSet}}, StepConsortiumChanges},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := w.changedParts
			anchor := *p.Anchor
			anchor.Changes = tc.changes
			p.Anchor = &anchor
			expect(t, Verify(mustBuild(t, p), w.trustFile, Options{}), tc.want)
		})
	}
}

// A trust file with another history refuses the receipt.
func TestOtherTrustFiles(t *testing.T) {
	w := newWorld(t)
	tests := map[string]struct {
		change func(*Trust)
		want   string
	}{
		"another consortium":  {func(tr *Trust) { tr.ChainID = "elsewhere" }, StepConsortiumHeader},
		"other validators":    {func(tr *Trust) { tr.Checkpoint.Validators = w.second.list(t) }, StepConsortiumHeader},
		"member left":         {func(tr *Trust) { tr.Members = tr.Members[1:] }, StepPrivateHeader},
		"checkpoint elsewise": {func(tr *Trust) { tr.Checkpoint.Height = 20 }, StepConsortiumHeader},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			trust := *w.trust
			tc.change(&trust)
			expect(t, Verify(w.anchored, mustTrust(t, trust), Options{}), tc.want)
		})
	}
	// The validators of the header at a newer checkpoint are trusted for older headers too, as long as they are the same.
	newer := *w.trust
	newer.Checkpoint.Height = 1000
	if got := Verify(w.anchored, mustTrust(t, newer), Options{}); got.Verdict != Anchored {
		t.Errorf("newer checkpoint: %+v", got.Failed())
	}
	moved := *w.trust
	moved.Members = append(List[Member]{}, w.trust.Members...)
	moved.Members[0].PrivateValidators = w.newPrivateSet.list(t)
	report := Verify(w.anchored, mustTrust(t, moved), Options{})
	if report.Verdict != Anchored {
		t.Errorf("private validators replaced since: %+v", report.Failed())
	}
	expect(t, Verify(w.committed, mustTrust(t, moved), Options{}), StepPrivateValidators)
}

func TestTooLong(t *testing.T) {
	w := newWorld(t)
	long := append(bytes.Clone(w.anchored), strings.Repeat(" ", MaxSize)...)
	expect(t, Verify(long, w.trustFile, Options{}), StepFormat)
}
