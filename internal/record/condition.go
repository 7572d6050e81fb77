package record

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/chartseal/chartseal/internal/index"
)

// condition is the criterion of a conditional interaction: who asks, what for, and the lock that keeps two equal
// ones apart.
type condition struct {
	s     *Service
	c     *Caller
	query *index.Query
	lock  token
}

// conditional reads the criterion of a conditional interaction, with or without the type and the question mark before
// it; nil for an empty one. It needs the search scope.
func (s *Service) conditional(c *Caller, typ, criterion string) (*condition, error) {
	criterion = strings.TrimPrefix(strings.TrimPrefix(criterion, typ+"?"), "?")
	if criterion == "" {
		return nil, nil //nolint:nilnil // documented: unconditional
	}
	if err := c.permit(typ, MaySearch); err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(criterion)
	if err != nil {
		return nil, fail(Invalid, "the condition is not a query string")
	}
	q, err := s.parseQuery(typ, values, true)
	if err != nil {
		return nil, err
	}
	if len(q.Criteria) == 0 {
		return nil, fail(Invalid, "the condition has no criterion")
	}
	return &condition{s: s, c: c, query: q, lock: s.sealer.Token(typ, "", "condition", q.Conditions().Encode())}, nil
}

// where is conditional for an interaction that cannot do without a criterion.
func (s *Service) where(c *Caller, typ, criterion string) (*condition, error) {
	k, err := s.conditional(c, typ, criterion)
	if err == nil && k == nil {
		return nil, fail(Invalid, "a conditional interaction needs search parameters in its URL")
	}
	return k, err
}

func (k *condition) keys() []token {
	if k == nil {
		return nil
	}
	return []token{k.lock}
}

// ids of at most limit matches, sorted, without those to skip. seen asks for a decision on each.
func (k *condition) ids(ctx context.Context, limit int, seen bool, skip func(id string) bool) ([]string, error) {
	var ids []string
	sc := &scan{s: k.s, view: k.s.view(), plan: k.query.Plan(k.s.sealer)}
	if seen || !k.blind() {
		sc.g = k.s.guard(k.c)
	}
	err := sc.run(ctx, 1, func(h *hit) (bool, error) {
		if !skip(h.row.ID) {
			ids = append(ids, h.row.ID)
		}
		return len(ids) < limit, nil
	})
	slices.Sort(ids)
	return ids, err
}

// blind tells whether all data counts, and not only what the caller may see: for the custodian's own clients, where
// the condition names a resource by its identifiers, so that blindness does not make duplicate patients. Whether a
// withheld resource has some other property is not for them either.
func (k *condition) blind() bool { return k.c.staff() && k.query.Identifies() }
