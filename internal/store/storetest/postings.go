package storetest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/internal/store"
)

const lastDoc = store.DocID(1<<64 - 1)

// stagePostings stages one version per document, with these tokens.
func stagePostings(b *bench, seq uint64, docs []store.DocID, tokens ...store.Token) {
	b.t.Helper()
	st := &store.Staging{Pos: store.Pos{Writer: 1, Seq: seq}}
	for _, doc := range docs {
		one := oneVersion(st.Pos, token("posted", uint64(doc)), 1, doc)
		one.Versions[0].Postings = tokens
		st.Versions = append(st.Versions, one.Versions...)
	}
	b.mustStage(st)
}

func checkList(t *testing.T, b *bench, tok store.Token, want []store.DocID) {
	t.Helper()
	up, err := ascending(b.ctx(), b, tok)
	if diff := cmp.Diff(want, up, equateEmpty); err != nil || diff != "" {
		t.Errorf("ascending: %v (-want +got):\n%s", err, diff)
	}
	down, err := descending(b.ctx(), b, tok)
	slices.Reverse(down)
	if diff := cmp.Diff(want, down, equateEmpty); err != nil || diff != "" {
		t.Errorf("descending, turned round: %v (-want +got):\n%s", err, diff)
	}
}

func postingOrder(t *testing.T, b *bench) {
	tok, other := token("t", 1), token("t", 2)
	stagePostings(b, 1, []store.DocID{1, 255, 256, lastDoc}, tok, other, tok) // a token twice counts once
	stagePostings(b, 2, []store.DocID{1 << 40, 7}, tok)
	b.reopened(func() {
		checkList(t, b, tok, []store.DocID{1, 7, 255, 256, 1 << 40, lastDoc})
		checkList(t, b, other, []store.DocID{1, 255, 256, lastDoc})
		checkList(t, b, token("t", 3), nil)
	})
}

// postingNeighbours: the lists of adjacent tokens, and those at both ends of the token space, do not run into another.
func postingNeighbours(t *testing.T, b *bench) {
	var zero, one, top, below store.Token
	one[15] = 1
	for i := range top {
		top[i], below[i] = 0xff, 0xff
	}
	below[15] = 0xfe
	for i, tok := range []store.Token{zero, one, top, below} {
		stagePostings(b, uint64(i+1), []store.DocID{store.DocID(i + 1), store.DocID(i + 100)}, tok) //nolint:gosec // small
	}
	stagePostings(b, 9, []store.DocID{lastDoc}, zero, below)
	checkList(t, b, zero, []store.DocID{1, 100, lastDoc})
	checkList(t, b, one, []store.DocID{2, 101})
	checkList(t, b, top, []store.DocID{3, 102})
	checkList(t, b, below, []store.DocID{4, 103, lastDoc})
	up, err := b.Postings(b.ctx(), zero)
	if up = must(t, up, err); up.SeekGE(lastDoc) && up.Next() {
		t.Errorf("a step beyond the last document leads to %d", up.Doc())
	}
	down, err := b.PostingsDesc(b.ctx(), one)
	if down = must(t, down, err); down.SeekLE(1) {
		t.Errorf("a seek below the first document leads to %d", down.Doc())
	}
	for _, err := range []error{up.Err(), up.Close(), down.Err(), down.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
}

// postingSeeks compares long random walks with a sorted slice.
func postingSeeks(t *testing.T, b *bench) {
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same walk every time
	tok := token("t", 1)
	var docs []store.DocID
	for seq := range uint64(5) {
		var some []store.DocID
		for range 40 {
			some = append(some, store.DocID(1+rng.Uint64N(500)))
		}
		slices.Sort(some)
		some = slices.Compact(some)
		stagePostings(b, seq+1, some, tok)
		docs = append(docs, some...)
	}
	slices.Sort(docs)
	docs = slices.Compact(docs)
	up, err := b.Postings(b.ctx(), tok)
	walk(t, must(t, up, err), up.SeekGE, docs, func(want store.DocID) int {
		i, _ := slices.BinarySearch(docs, want)
		return i
	}, rng)
	down, err := b.PostingsDesc(b.ctx(), tok)
	fallen := slices.Clone(docs)
	slices.Reverse(fallen)
	walk(t, must(t, down, err), down.SeekLE, fallen, func(want store.DocID) int {
		return slices.IndexFunc(append(slices.Clone(fallen), 0), func(d store.DocID) bool { return d <= want })
	}, rng)
}

// walk goes along list by Next and seek. find tells where in list a seek must lead.
func walk(t *testing.T, it interface {
	Next() bool
	Doc() store.DocID
	Err() error
	Close() error
}, seek func(store.DocID) bool, list []store.DocID, find func(store.DocID) int, rng *rand.Rand,
) {
	t.Helper()
	at := -1
	for step := range 2000 {
		var ok bool
		if rng.IntN(3) == 0 {
			to := store.DocID(rng.Uint64N(520))
			ok, at = seek(to), find(to)
		} else {
			ok, at = it.Next(), min(at+1, len(list))
		}
		if ok != (at < len(list)) || ok && it.Doc() != list[at] {
			t.Fatalf("step %d: at %d (%v), want place %d of %d", step, it.Doc(), ok, at, len(list))
		}
	}
	if err := it.Err(); err != nil {
		t.Error(err)
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
}

func postingSnapshot(t *testing.T, b *bench) {
	tok := token("t", 1)
	stagePostings(b, 1, []store.DocID{10, 30}, tok)
	up, err := b.Postings(b.ctx(), tok)
	up = must(t, up, err)
	down, err := b.PostingsDesc(b.ctx(), tok)
	down = must(t, down, err)
	stagePostings(b, 2, []store.DocID{20, 40}, tok)
	var got []store.DocID
	for up.Next() {
		got = append(got, up.Doc())
	}
	for down.Next() {
		got = append(got, down.Doc())
	}
	if diff := cmp.Diff([]store.DocID{10, 30, 30, 10}, got); diff != "" {
		t.Errorf("iterators opened before the second stage (-want +got):\n%s", diff)
	}
	for _, err := range []error{up.Err(), up.Close(), down.Err(), down.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
	checkList(t, b, tok, []store.DocID{10, 20, 30, 40})
}
