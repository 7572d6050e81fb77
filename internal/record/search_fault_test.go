package record

import (
	"context"
	"net/url"
	"slices"
	"testing"

	"github.com/chartseal/chartseal/internal/store/storetest"
)

// A store that fails in the middle fails the page: nothing is left out in silence, also where a page ends early and
// where one of several lists breaks off.
func TestSearchFaults(t *testing.T) {
	r := shared(t)
	a, b := unique("a"), unique("b")
	for _, m := range []string{a, b, a, b} {
		r.must(body("Patient", "", mark(m)))
	}
	all := func() (ids []string, err error) {
		page, err := r.service.Search(context.Background(), staff(), "Patient", url.Values{"identifier": {a + "," + b}, "_count": {"1"}}, true)
		for err == nil {
			for _, m := range page.Matches {
				ids = append(ids, m.ID)
			}
			if page.Next == "" {
				return ids, nil
			}
			page, err = r.service.SearchNext(context.Background(), staff(), "Patient", page.Next)
		}
		return nil, err
	}
	want, err := all()
	if err != nil || len(want) != 4 {
		t.Fatal(want, err)
	}
	for _, op := range []storetest.Op{storetest.OpNext, storetest.OpPostings, storetest.OpDoc, storetest.OpHead, storetest.OpVersion} {
		for n := 1; n < 100; n++ {
			r.faulty.Inject(op, n, storetest.Failed)
			got, err := all()
			if r.faulty.Pending() > 0 {
				r.faulty.Disarm()
				break
			}
			if err == nil && !slices.Equal(got, want) {
				t.Errorf("%s failed at call %d: %v, want %v", op, n, got, want)
			}
			if err == nil && op != storetest.OpNext {
				t.Errorf("%s failed at call %d, and nobody noticed", op, n)
			}
		}
	}
}
