package record

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// raw is the body of a PUT or POST.
func (w *write) raw(id string) []byte {
	members := []string{fmt.Sprintf(`"multipleBirthInteger":%d`, w.n)}
	if w.ident != "" {
		members = append(members, mark(w.ident))
	}
	return body("Patient", id, members...)
}

func (w *write) patch() string {
	return fmt.Sprintf(`[{"op":"replace","path":"/multipleBirthInteger","value":%d}]`, w.n)
}

// send does it on the service.
func (w *write) send(s *Service) ([]*Result, error) {
	ctx, c, opt := context.Background(), staff(), WriteOptions{IfMatch: w.ifMatch, IfNoneMatch: w.ifNoneMatch}
	if w.ifNoneExist != "" {
		opt.IfNoneExist = "identifier=urn:m|" + w.ifNoneExist
	}
	query, p := "identifier=urn:m|"+w.query, Patch{Body: []byte(w.patch())}
	var res *Result
	var err error
	switch {
	case w.verb == "POST":
		res, err = s.Create(ctx, c, "Patient", w.raw(""), opt)
	case w.verb == "PUT" && w.query != "":
		res, err = s.UpdateWhere(ctx, c, "Patient", query, w.raw(w.id), opt)
	case w.verb == "PUT":
		res, err = s.Update(ctx, c, "Patient", w.id, w.raw(w.id), opt)
	case w.verb == "PATCH" && w.query != "":
		res, err = s.PatchWhere(ctx, c, "Patient", query, p, opt)
	case w.verb == "PATCH":
		res, err = s.Patch(ctx, c, "Patient", w.id, p, opt)
	case w.query != "":
		return s.DeleteWhere(ctx, c, "Patient", query, opt)
	default:
		res, err = s.Delete(ctx, c, "Patient", w.id, opt)
	}
	if err != nil || res == nil {
		return nil, err
	}
	return []*Result{res}, nil
}

// TestSemantics compares random sequences of interactions with the oracle: kinds of errors, what is made, what is read,
// found, and listed as history.
func TestSemantics(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("15")
		defer func() { _ = f.Value.Set(f.DefValue) }()
	}
	r := shared(t)
	rapid.Check(t, func(t *rapid.T) {
		prefix := unique("prop")
		m := &machine{r: r, o: oracle{}, prefix: prefix}
		r.service.cfg.DeleteMany = rapid.Bool().Draw(t, "many")
		defer func() { r.service.cfg.DeleteMany = false }()
		t.Repeat(map[string]func(*rapid.T){
			"write":  m.write,
			"bundle": m.bundle,
			"":       m.check,
		})
	})
}

// machine is the service beside its oracle.
type machine struct {
	r      *rig
	o      oracle
	prefix string
}

func (m *machine) drawWrite(t *rapid.T) *write {
	ids, idents := []string{m.prefix + "a", m.prefix + "b", m.prefix + "c"}, []string{m.prefix + "x", m.prefix + "y"}
	w := &write{
		verb:  rapid.SampledFrom([]string{"POST", "PUT", "PUT", "PATCH", "DELETE"}).Draw(t, "verb"),
		id:    rapid.SampledFrom(ids).Draw(t, "id"),
		ident: rapid.SampledFrom(append(idents, "")).Draw(t, "ident"),
		n:     rapid.IntRange(1, 3).Draw(t, "n"),
	}
	if rapid.Bool().Draw(t, "conditional") {
		w.query = rapid.SampledFrom(idents).Draw(t, "query")
		if w.verb == "PUT" && rapid.Bool().Draw(t, "no id") {
			w.id = ""
		}
	}
	if w.verb == "POST" {
		if w.query != "" {
			w.ifNoneExist, w.query = w.query, ""
		}
		return w
	}
	w.ifMatch = rapid.SampledFrom([]string{"", "", "", "*", `W/"1"`, `"2"`, `W/"1", W/"3"`}).Draw(t, "If-Match")
	if w.verb == "PUT" {
		w.ifNoneMatch = rapid.SampledFrom([]string{"", "", "*"}).Draw(t, "If-None-Match")
	}
	return w
}

func (m *machine) write(t *rapid.T) {
	w := m.drawWrite(t)
	got, err := w.send(m.r.service)
	made := ""
	if len(got) > 0 {
		made = got[0].ID
	}
	after := m.o.clone()
	ids, fresh, want := m.o.target(w, m.r.service.cfg.DeleteMany)
	var changed []string
	if want == ok {
		want, changed = after.apply(w, ids, made)
	}
	if k := kindOr(err); k != want {
		t.Fatalf("%+v: %v (kind %d), want kind %d; before: %v", *w, err, k, want, m.o)
	}
	if want != ok {
		return
	}
	if fresh && len(m.o[made]) > 0 {
		t.Fatalf("%+v: an id that was there", *w)
	}
	m.compare(t, w, got, after, changed)
	m.o = after
}

func kindOr(err error) Kind {
	if err == nil {
		return ok
	}
	if k := KindOf(err); k != Internal {
		return k
	}
	return Unavailable // an internal error is never right
}

// compare checks what was answered: the versions that were made, or the one that was found as it is.
func (m *machine) compare(t *rapid.T, w *write, got []*Result, after oracle, changed []string) {
	var gotIDs []string
	for _, g := range got {
		gotIDs = append(gotIDs, g.ID)
		all := after[g.ID]
		if g.Version != uint64(len(all)) || g.Deleted != (all[len(all)-1].method == "DELETE") {
			t.Fatalf("%+v: %+v after %v", *w, g, all)
		}
		_, _, there := m.o.current(g.ID)
		if created := slices.Contains(changed, g.ID) && !there; g.Created != created {
			t.Fatalf("%+v: created %v, want %v", *w, g.Created, created)
		}
	}
	slices.Sort(gotIDs)
	slices.Sort(changed)
	if len(changed) > 0 && !slices.Equal(gotIDs, changed) || len(changed) == 0 && w.verb == "DELETE" && len(got) > 0 {
		t.Fatalf("%+v: answered %v, want %v", *w, gotIDs, changed)
	}
}

// bundle is a transaction of two to four writes. What R4 leaves open (entries whose conditions depend on each other)
// the oracle does too: such Bundles only have to be all or nothing.
func (m *machine) bundle(t *rapid.T) {
	var entries []string
	var writes []*write
	for range rapid.IntRange(2, 4).Draw(t, "entries") {
		w := m.drawWrite(t)
		w.ifNoneMatch = "" // entries have it for GET alone
		writes = append(writes, w)
		entries = append(entries, w.entry())
	}
	out, err := m.r.service.Transaction(context.Background(), staff(), m.r.bundle(m.r.t, entries...), WriteOptions{})
	after, want := m.transaction(writes, out)
	if k := kindOr(err); (k == ok) != (want == ok) || k == Unavailable {
		t.Fatalf("%v: %v (kind %d), want kind %d; before: %v", entries, err, k, want, m.o)
	}
	if err == nil {
		m.o = after
	}
}

// entry writes it as an entry of a Bundle.
func (w *write) entry() string {
	url := "Patient/" + w.id
	if w.query != "" {
		url = "Patient?identifier=urn:m|" + w.query
	}
	var request []string
	if w.ifMatch != "" {
		request = append(request, fmt.Sprintf(`"ifMatch":%q`, w.ifMatch))
	}
	switch w.verb {
	case "POST":
		if w.ifNoneExist != "" {
			request = append(request, `"ifNoneExist":"identifier=urn:m|`+w.ifNoneExist+`"`)
		}
		return entry("POST", "Patient", w.raw(""), request...)
	case "PATCH":
		return entry("PATCH", url, binaryPatch(w.patch()), request...)
	case "DELETE":
		return entry("DELETE", url, nil, request...)
	}
	return entry("PUT", url, w.raw(w.id), request...)
}

// check compares all that can be read.
func (m *machine) check(t *rapid.T) {
	for id, all := range m.o {
		m.checkHistory(t, id, all)
		v, version, there := m.o.current(id)
		res, err := m.r.service.Read(context.Background(), staff(), "Patient", id)
		switch {
		case !there && KindOf(err) == Gone:
		case !there || err != nil || res.Version != version || !strings.Contains(string(res.JSON), fmt.Sprintf(`"multipleBirthInteger":%d`, v.n)):
			t.Fatalf("read %s: %+v, %v; want %v", id, res, err, all)
		}
	}
	for _, ident := range []string{m.prefix + "x", m.prefix + "y"} {
		page, err := m.r.service.Search(context.Background(), staff(), "Patient", map[string][]string{"identifier": {"urn:m|" + ident}}, true)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, r := range page.Matches {
			ids = append(ids, r.ID)
		}
		slices.Sort(ids)
		if want := m.o.matches(ident); !slices.Equal(ids, want) {
			t.Fatalf("%s finds %v, want %v", ident, ids, want)
		}
	}
}

func (m *machine) checkHistory(t *rapid.T, id string, all []oracleVersion) {
	page, err := m.r.service.History(context.Background(), staff(), HistoryQuery{Type: "Patient", ID: id, Count: 100})
	if err != nil || len(page.Versions) != len(all) {
		t.Fatalf("history of %s: %+v, %v; want %v", id, page, err, all)
	}
	for i, got := range page.Versions {
		want := all[len(all)-1-i]
		if got.Version != uint64(len(all)-i) || got.Method != want.method || got.Deleted != (want.method == "DELETE") { //nolint:gosec // small
			t.Fatalf("history of %s: %+v, want %+v", id, got, want)
		}
	}
}
