package record

import (
	"net/url"
	"testing"
	"time"
)

// A page link works for who got it, for what it continues, and for an hour.
func TestCursorMisuse(t *testing.T) {
	r := shared(t)
	p, other := unique("p"), unique("other")
	for _, id := range []string{p, other} {
		r.must(body("Patient", id))
		r.must(body("Patient", id))
		r.seed(id)
		r.seed(id)
	}
	page, err := r.service.Search(t.Context(), staff(), "Patient", url.Values{"_count": {"1"}}, true)
	if err != nil {
		t.Fatal(err)
	}
	hist, err := r.service.History(t.Context(), staff(), HistoryQuery{Type: "Patient", ID: p, Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	typed, err := r.service.History(t.Context(), staff(), HistoryQuery{Type: "Patient", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.service.Everything(t.Context(), staff(), EverythingQuery{Type: "Patient", ID: p, Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	search := func(c *Caller, typ, _, cursor string) error {
		_, err := r.service.SearchNext(t.Context(), c, typ, cursor)
		return err
	}
	history := func(c *Caller, typ, id, cursor string) error {
		_, err := r.service.HistoryNext(t.Context(), c, typ, id, cursor)
		return err
	}
	everything := func(c *Caller, typ, id, cursor string) error {
		_, err := r.service.EverythingNext(t.Context(), c, typ, id, cursor)
		return err
	}
	another := *staff()
	another.User = "Practitioner/1"
	launched := *staff()
	launched.Patient = p
	type use struct {
		name    string
		next    func(c *Caller, typ, id, cursor string) error
		typ, id string
		cursor  string
	}
	uses := []use{
		{"search", search, "Patient", "", page.Next},
		{"history", history, "Patient", p, hist.Next},
		{"history of a type", history, "Patient", "", typed.Next},
		{"everything", everything, "Patient", p, all.Next},
	}
	for _, u := range uses {
		if u.cursor == "" {
			t.Fatalf("%s: no next page", u.name)
		}
		wantKind(t, u.next(staff(), u.typ, u.id, u.cursor), ok, u.name)
		for what, err := range map[string]error{
			"another user":     u.next(&another, u.typ, u.id, u.cursor),
			"another launch":   u.next(&launched, u.typ, u.id, u.cursor),
			"another type":     u.next(staff(), "Observation", u.id, u.cursor),
			"cut off":          u.next(staff(), u.typ, u.id, u.cursor[:len(u.cursor)-2]),
			"not a cursor":     u.next(staff(), u.typ, u.id, "x%"),
			"empty":            u.next(staff(), u.typ, u.id, ""),
			"a changed letter": u.next(staff(), u.typ, u.id, flip(u.cursor)),
		} {
			wantKind(t, err, Invalid, u.name+", "+what)
		}
		if u.id != "" {
			wantKind(t, u.next(staff(), u.typ, other, u.cursor), Invalid, u.name+" of another resource")
		}
		for _, as := range uses {
			if as.name != u.name {
				wantKind(t, as.next(staff(), as.typ, as.id, u.cursor), Invalid, u.name+" as "+as.name)
			}
		}
		wantKind(t, u.next(without(staff(), MayRead, MaySearch), u.typ, u.id, u.cursor), Forbidden, u.name+" without scopes")
	}
	before := r.service.now
	defer func() { r.service.now = before }()
	r.service.now = func() time.Time { return before().Add(cursorTTL + time.Second) }
	for _, u := range uses {
		wantKind(t, u.next(staff(), u.typ, u.id, u.cursor), Invalid, u.name+" an hour later")
	}
}

func flip(s string) string {
	b := []byte(s)
	i := len(b) / 2
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}
