package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/abci/tx"
)

func TestFeedKeepsOrder(t *testing.T) {
	f := newFeed[int]()
	ctx, cancel := context.WithCancel(context.Background())
	var first, second []int
	done := make(chan struct{})
	f.subscribe(func(n int) {
		first = append(first, n)
		if n < 50 {
			f.publish(n + 50) // a subscriber may call back
		}
	})
	f.subscribe(func(n int) {
		if second = append(second, n); len(second) == 100 {
			close(done)
		}
	})
	ended := make(chan struct{})
	go func() { f.run(ctx); close(ended) }()
	for n := range 50 {
		f.publish(n)
	}
	<-done
	cancel()
	<-ended
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error("subscribers saw different orders:", diff)
	}
	low := slices.DeleteFunc(slices.Clone(second), func(n int) bool { return n >= 50 })
	high := slices.DeleteFunc(slices.Clone(second), func(n int) bool { return n < 50 })
	if !slices.IsSorted(low) || !slices.IsSorted(high) || len(low) != 50 {
		t.Errorf("order: %v", second)
	}
}

func TestLagIsTheAgeOfTheOldestUnanchoredBatch(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var c lagClock
	for _, s := range []struct {
		name      string
		committed uint64 // 0: none
		anchored  uint64
		ms        int
		want      time.Duration
	}{
		{"nothing", 0, 0, 0, 0},
		{"first batch", 1, 0, 0, 0},
		{"it waits", 2, 0, 300, 300 * time.Millisecond},
		{"a second later", 3, 0, 1200, 1200 * time.Millisecond},
		{"older ones anchored", 0, 2, 1300, 100 * time.Millisecond},
		{"all anchored", 0, 3, 1400, 0},
		{"quiet", 0, 0, 9000, 0},
		{"again", 4, 0, 9000, 0},
		{"soon after", 5, 0, 9100, 100 * time.Millisecond},
		{"only the first anchored", 0, 4, 9200, 0},
		{"the other waits", 0, 0, 9900, 700 * time.Millisecond},
	} {
		if s.committed > 0 {
			c.committed(s.committed, at(s.ms))
		}
		if s.anchored > 0 {
			c.anchored(s.anchored, at(s.ms))
		}
		if got := c.lag(at(s.ms)); got != s.want {
			t.Errorf("%s: lag %v, want %v", s.name, got, s.want)
		}
	}
}

func TestIdentityIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "identity.json.new"), []byte("torn"), 0o600); err != nil { // of a first start that was cut short
		t.Fatal(err)
	}
	first, err := loadIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadIdentity(dir)
	if err != nil || *again != *first {
		t.Errorf("%+v and %+v, %v", first, again, err)
	}
	other, err := loadIdentity(t.TempDir())
	if err != nil || other.ID == first.ID {
		t.Errorf("two installations with one identity: %v", err)
	}
	if a, b := first.chainID("private"), first.chainID("consortium"); a == b || len(a) > tx.MaxChainID || len(b) > tx.MaxChainID {
		t.Errorf("chain ids %s and %s", a, b)
	}
	for _, raw := range []string{"", "{", `{"format":2,"id":"00"}`, `{"format":1,"id":"zz"}`} {
		if err := os.WriteFile(filepath.Join(dir, "identity.json"), []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		if id, err := loadIdentity(dir); err == nil {
			t.Errorf("%q was read as %+v", raw, id)
		}
	}
}

// failingSecrets fails for one name, or gives a secret of the wrong length.
type failingSecrets struct {
	memSecrets
	name string
	err  error
}

func (s *failingSecrets) GetOrCreate(name string, create func() ([]byte, error)) ([]byte, error) {
	if name == s.name {
		return []byte("short"), s.err
	}
	return s.memSecrets.GetOrCreate(name, create)
}

func TestNoStartWithoutKeys(t *testing.T) {
	lost := errors.New("lost")
	for _, name := range []string{secretWriter, secretAdmin, secretGovernance} {
		for _, err := range []error{lost, nil} {
			s := &failingSecrets{memSecrets: memSecrets{m: map[string][]byte{}}, name: name, err: err}
			l, got := Open(within(t), Config{Dir: t.TempDir(), Organisation: "Test Hospital", Secrets: s})
			if got == nil || l != nil || err != nil && !errors.Is(got, lost) {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}

// Another writer key means another writer: the admin key admits it, and the old one's batches stay.
func TestNewWriterKeyIsAdmitted(t *testing.T) {
	b := newBed(t)
	b.commit(1)
	old := b.Writer()
	b.close()
	s := b.cfg.Secrets.(*memSecrets) //nolint:forcetypeassert // newBed made it
	delete(s.m, secretWriter)
	b.allow.Store(true) // the consortium does not know the new key: its anchors are refused, and that is logged
	b.open()
	if b.Writer() == old {
		t.Fatal("same writer")
	}
	b.commit(1)
	if got, err := b.CommittedSeq(old); err != nil || got != 1 {
		t.Errorf("old writer: %d, %v", got, err)
	}
}

func TestOrganisationNeedsAName(t *testing.T) {
	for _, name := range []string{"", "a\nb"} {
		if l, err := Open(within(t), Config{Dir: t.TempDir(), Organisation: name, Secrets: newSecrets()}); err == nil {
			_ = l.Close()
			t.Errorf("%q: opened", name)
		}
	}
}

func TestContentCommitment(t *testing.T) {
	f := LeafFields{Subject: "Patient/p/_history/1", Content: ContentHash([]byte("{}"))}
	opening, commitment, err := NewLeaf(f)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := NewLeaf(f)
	if err != nil {
		t.Fatal(err)
	}
	a, errA := ContentCommitment(opening)
	b, errB := ContentCommitment(again)
	if errA != nil || errB != nil || a == b || a == commitment {
		t.Errorf("commitments %x and %x, %v, %v", a, b, errA, errB)
	}
	leaf := new(tx.Leaf)
	if err := leaf.UnmarshalBinary(opening); err != nil || leaf.Kind != tx.LeafKind_LEAF_KIND_VERSION {
		t.Errorf("kind %v, %v", leaf.Kind, err)
	}
	body := new(tx.LeafBody)
	if err := tx.Decode(leaf.Body(), body); err != nil || string(body.Fields[FieldContent-1]) != string(a[:]) {
		t.Errorf("it is not the one in the leaf body: %v", err)
	}
	if _, err := ContentCommitment(opening[1:]); err == nil {
		t.Error("malformed opening accepted")
	}
}
