package storetest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chartseal/chartseal/internal/store"
)

// memory is what a store is expected to hold, in the plainest form.
type memory struct {
	last     map[uint32]uint64
	heads    map[store.Token]store.Head
	versions map[store.Token]map[uint64]store.Version
	docs     map[store.DocID]store.Doc
	lists    map[store.Token][]store.DocID
	maxDoc   store.DocID
}

// model stages random versions of few resources under few tokens, by several writers, reopens now and then, and
// compares all that the store says with the plain form.
func model(t *testing.T, b *bench) {
	rng := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same history every time
	m := &memory{
		last: make(map[uint32]uint64), heads: make(map[store.Token]store.Head),
		versions: make(map[store.Token]map[uint64]store.Version), docs: make(map[store.DocID]store.Doc),
		lists: make(map[store.Token][]store.DocID),
	}
	for step := range 60 {
		st := m.next(rng)
		b.mustStage(st)
		m.add(st)
		if again := (&store.Staging{Pos: st.Pos}); step%7 == 0 {
			wantErr(t, "a sequence number again", b.Stage(b.ctx(), again), store.ErrSeqTaken)
		}
		if step%20 == 19 {
			b.reopened(func() { m.compare(t, b) })
		}
	}
}

const (
	modelWriters   = 3
	modelResources = 12
	modelTokens    = 20
)

// next makes a batch of versions that follow on those in m.
func (m *memory) next(rng *rand.Rand) *store.Staging {
	writer := 1 + rng.Uint32N(modelWriters)
	st := &store.Staging{Pos: store.Pos{Writer: writer, Seq: m.last[writer] + 1}}
	version := make(map[store.Token]uint64)
	for range rng.IntN(8) {
		r := token("resource", rng.Uint64N(modelResources))
		version[r] = max(version[r], m.heads[r].Version) + 1
		doc := m.maxDoc + store.DocID(len(st.Versions)) + 1 //nolint:gosec // small
		one := oneVersion(st.Pos, r, version[r], doc).Versions[0]
		one.Deleted = rng.IntN(4) == 0
		for range rng.IntN(10) {
			one.Postings = append(one.Postings, token("t", rng.Uint64N(modelTokens)))
		}
		st.Versions = append(st.Versions, one)
	}
	return st
}

func (m *memory) add(st *store.Staging) {
	m.last[st.Pos.Writer] = st.Pos.Seq
	for i := range st.Versions {
		v := &st.Versions[i]
		if m.versions[v.Resource] == nil {
			m.versions[v.Resource] = make(map[uint64]store.Version)
		}
		m.versions[v.Resource][v.Version.Version] = v.Version
		m.heads[v.Resource] = headOf(v)
		m.docs[v.Doc] = *docOf(v)
		m.maxDoc = max(m.maxDoc, v.Doc)
		for _, tok := range v.Postings {
			if !slices.Contains(m.lists[tok], v.Doc) {
				m.lists[tok] = append(m.lists[tok], v.Doc)
			}
		}
	}
}

func (m *memory) compare(t *testing.T, b *bench) {
	t.Helper()
	got := &memory{
		last: make(map[uint32]uint64), heads: make(map[store.Token]store.Head),
		versions: make(map[store.Token]map[uint64]store.Version), docs: make(map[store.DocID]store.Doc),
		lists: make(map[store.Token][]store.DocID),
	}
	var err error
	if got.maxDoc, err = b.MaxDoc(b.ctx()); err != nil {
		t.Fatal(err)
	}
	for w := range m.last {
		n, err := b.LastStaged(b.ctx(), w)
		got.last[w] = must(t, n, err)
	}
	for n := range uint64(modelResources) {
		got.readResource(t, b, token("resource", n))
	}
	for doc := range m.maxDoc {
		d, err := b.Doc(b.ctx(), doc+1)
		got.docs[doc+1] = *must(t, d, err)
	}
	for n := range uint64(modelTokens) {
		tok := token("t", n)
		if got.lists[tok], err = ascending(b.ctx(), b, tok); err != nil {
			t.Fatal(err)
		}
		checkList(t, b, tok, m.lists[tok])
	}
	if diff := cmp.Diff(m, got, cmp.AllowUnexported(memory{}), equateEmpty, dropEmpty); diff != "" {
		t.Fatalf("store (-want +got):\n%s", diff)
	}
}

// dropEmpty leaves out tokens that have no documents.
var dropEmpty = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".lists" }, cmp.Transformer("nonEmpty",
	func(in map[store.Token][]store.DocID) [][]store.DocID {
		out := make([][]store.DocID, 0, modelTokens)
		for n := range uint64(modelTokens) {
			out = append(out, in[token("t", n)])
		}
		return out
	}))

func (m *memory) readResource(t *testing.T, b *bench, r store.Token) {
	t.Helper()
	h, err := b.Head(b.ctx(), r)
	if errors.Is(err, store.ErrAbsent) {
		return
	}
	m.heads[r] = must(t, h, err)
	m.versions[r] = make(map[uint64]store.Version)
	for n := range h.Version {
		v, err := b.Version(b.ctx(), r, n+1)
		m.versions[r][n+1] = *must(t, v, err)
	}
}
