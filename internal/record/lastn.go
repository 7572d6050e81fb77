package record

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/index"
	"github.com/chartseal/chartseal/internal/store"
)

// LastN returns the last n Observations of each kind among those that a search finds (R4 OperationDefinition
// Observation-lastn). Observations are of one kind if they share a code, directly or over others (a code with
// translations), or have no code and the same text.
func (s *Service) LastN(ctx context.Context, c *Caller, values url.Values, n int, strict bool) (*SearchPage, error) {
	if err := c.permit("Observation", MaySearch); err != nil {
		return nil, err
	}
	q, err := s.parseQuery("Observation", values, strict)
	if err != nil {
		return nil, err
	}
	if err := checkLastN(q); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.SearchTimeout)
	defer cancel()
	var kinds kindSet
	var found []lastHit
	sc := &scan{s: s, g: s.guard(c), view: s.view(), plan: q.Plan(s.sealer), whole: true}
	err = sc.run(ctx, 1, func(h *hit) (bool, error) {
		if len(found) == maxLastN {
			return false, fail(TooLarge, "$lastn finds more than %d Observations; narrow it", maxLastN)
		}
		found = append(found, lastHit{hit: h.place(), at: effective(h.row), kind: kinds.of(h.row)})
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return s.lastPage(ctx, q, pick(found, &kinds, max(n, 1)))
}

// maxLastN bounds the Observations that one $lastn looks at.
const maxLastN = 100_000

// checkLastN: a subject, and a category or a code.
func checkLastN(q *index.Query) error {
	has := func(codes ...string) bool {
		return slices.ContainsFunc(q.Criteria, func(c index.Criterion) bool {
			return slices.Contains(codes, c.Code) && c.Modifier != "missing"
		})
	}
	switch {
	case !has("patient", "subject"):
		return &Error{Kind: Invalid, Code: "required", Msg: "$lastn needs the parameter patient or subject"}
	case !has("category", "code", "combo-code", "component-code", "code-value-concept", "combo-code-value-concept"):
		return &Error{Kind: Invalid, Code: "required", Msg: "$lastn needs the parameter category or code"}
	}
	return nil
}

func (s *Service) lastPage(ctx context.Context, q *index.Query, hits []lastHit) (*SearchPage, error) {
	page := &SearchPage{Type: "Observation", Total: len(hits), Used: q.Used, Ignored: q.Ignored}
	if len(hits) > MaxCount {
		return nil, fail(TooLarge, "$lastn would return more than %d Observations; narrow it", MaxCount)
	}
	for i := range hits {
		r, err := s.openHit(ctx, &hits[i].hit)
		if err != nil {
			return nil, err
		}
		page.Matches = append(page.Matches, r)
	}
	return page, nil
}

// lastHit is an Observation with what $lastn sorts by.
type lastHit struct {
	hit
	at   time.Time
	kind int
}

// place is a hit without what was read of it: enough to open it later.
func (h *hit) place() hit {
	return hit{
		doc: &store.Doc{Doc: h.doc.Doc, Resource: h.doc.Resource, Version: h.doc.Version},
		row: &index.Row{Type: h.row.Type, ID: h.row.ID},
	}
}

// effective is the latest time that the Observation states; one without is older than all others.
func effective(row *index.Row) (at time.Time) {
	for i := range row.Values {
		v := &row.Values[i]
		if v.Param.Code != "date" || v.Kind != fhir.ValueDate {
			continue
		}
		t := v.High
		if t.IsZero() {
			t = v.Low
		}
		if t.After(at) {
			at = t
		}
	}
	return at
}

// pick keeps the n latest of each kind, kinds in the order of their latest.
func pick(found []lastHit, kinds *kindSet, n int) []lastHit {
	slices.SortStableFunc(found, func(a, b lastHit) int {
		if c := b.at.Compare(a.at); c != 0 {
			return c
		}
		return cmp.Compare(b.doc.Doc, a.doc.Doc)
	})
	groups := map[int][]lastHit{}
	var order []int
	for _, h := range found {
		k := kinds.root(h.kind)
		if groups[k] == nil {
			order = append(order, k)
		}
		if len(groups[k]) < n {
			groups[k] = append(groups[k], h)
		}
	}
	var out []lastHit
	for _, k := range order {
		out = append(out, groups[k]...)
	}
	return out
}

// kindSet unites codes that stand in one Observation (a disjoint-set forest).
type kindSet struct {
	byCode map[string]int
	parent []int
}

func (k *kindSet) root(i int) int {
	for k.parent[i] != i {
		k.parent[i] = k.parent[k.parent[i]]
		i = k.parent[i]
	}
	return i
}

// of gives the kind of an Observation.
func (k *kindSet) of(row *index.Row) int {
	kind, text := -1, ""
	for i := range row.Values {
		v := &row.Values[i]
		if v.Param.Code != "code" || v.Kind != fhir.ValueToken {
			continue
		}
		if v.Code == "" {
			text = v.Text
			continue
		}
		kind = k.join(kind, "c"+v.System+"|"+v.Code)
	}
	if kind < 0 {
		kind = k.join(kind, "t"+text)
	}
	return kind
}

// join puts a code into a kind; -1 is none yet.
func (k *kindSet) join(kind int, code string) int {
	if k.byCode == nil {
		k.byCode = map[string]int{}
	}
	have, ok := k.byCode[code]
	switch {
	case !ok && kind < 0:
		kind = len(k.parent)
		k.parent = append(k.parent, kind)
		fallthrough
	case !ok:
		k.byCode[code] = kind
		return kind
	case kind < 0:
		return k.root(have)
	}
	a, b := k.root(kind), k.root(have)
	k.parent[b] = a
	return a
}
