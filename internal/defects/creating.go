package defects

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

func creating() []Defect {
	return []Defect{
		{"create-answers-200", "create/basic", "a create answers 200", "R4 http.html#create", status(201, 200, "create")},
		{"location-without-version", "create/basic", "Location does not name the version", "R4 http.html#create", answered(on("create"), location(func(l string) string {
			l, _, _ = strings.Cut(l, "/_history/")
			return l
		}))},
		{"location-of-another-host", "create/basic", "Location names the host behind a proxy", "R4 http.html#create", answered(on("create"), location(func(l string) string {
			_, path, _ := strings.Cut(l, "://")
			_, path, _ = strings.Cut(path, "/")
			return "http://backend.invalid:8080/" + path
		}))},
		{"client-id-kept", "create/basic", "a create takes the id from the body", "R4 http.html#create", replaced(on("create"), keptID)},
		{"if-none-exist-ignored", "conditional-create/basic", "a conditional create always creates", "R4 http.html#ccreate", without([]string{"If-None-Exist"}, "create")},
		{"if-none-exist-many-creates", "conditional-create/basic", "a conditional create with several matches creates one more", "R4 http.html#ccreate", replaced(on("create"), createdAnyway)},
		{"return-minimal-ignored", "prefer/basic", "Prefer: return=minimal gives the resource", "R4 http.html#ops", preferring("minimal", "representation")},
		{"return-representation-ignored", "prefer/basic", "Prefer: return=representation gives nothing", "R4 http.html#ops", preferring("representation", "minimal")},
		{"return-outcome-ignored", "prefer/basic", "Prefer: return=OperationOutcome gives the resource", "R4 http.html#ops", preferring("OperationOutcome", "representation")},
		{"bad-elements-skipped", "content/refused", "an element that is unknown or cannot be read is skipped in silence", "R4 json.html, validation.html", replaced(on("create", "update"), lenient)},
		{"duplicate-members-accepted", "content/refused", "of two members of the same name the last one wins", "R4 json.html", asked(on("create", "update"), lastWins)},
		{"parameters-stored", "bundle-post/basic", "Parameters can be created", "R4 parameters.html", replaced(on("create"), parametersStored)},
		{"bundle-create-processed", "bundle-post/basic", "POST Bundle processes a batch where it should store it", "R4 http.html#transaction", asked(on("create"), func(r *http.Request) {
			if segments(r)[0] == "Bundle" {
				redirect(r, base)
			}
		})},
	}
}

func location(change func(string) string) func(*http.Request, *answer) {
	return func(_ *http.Request, a *answer) {
		if l := a.header.Get("Location"); l != "" {
			a.header.Set("Location", change(l))
		}
	}
}

func keptID(next http.Handler, r *http.Request) *answer {
	body := bodyOf(r)
	id := text(body, "id")
	if id == "" || r.Header.Get("If-None-Exist") != "" {
		return ask(next, r)
	}
	put := r.Clone(r.Context())
	put.Method = http.MethodPut
	redirect(put, base+"/"+segments(r)[0]+"/"+id)
	setBody(put, body)
	return ask(next, put)
}

func createdAnyway(next http.Handler, r *http.Request) *answer {
	body := bodyOf(r)
	a := ask(next, r)
	if a.status != http.StatusPreconditionFailed || r.Header.Get("If-None-Exist") == "" {
		return a
	}
	r.Header.Del("If-None-Exist")
	setBody(r, body)
	return ask(next, r)
}

// preferring takes one return preference for another.
func preferring(from, to string) func(http.Handler) http.Handler {
	wished := regexp.MustCompile(`return="?` + from + `"?`)
	return asked(on("create", "update", "patch", "update-where", "patch-where"), func(r *http.Request) {
		for i, line := range r.Header["Prefer"] {
			r.Header["Prefer"][i] = wished.ReplaceAllString(line, "return="+to)
		}
	})
}

// lenient tries what is left of a resource that was refused when one of its elements is skipped.
func lenient(next http.Handler, r *http.Request) *answer {
	body := bodyOf(r)
	first := ask(next, r)
	o, ok := readObject(body)
	if (first.status != http.StatusBadRequest && first.status != http.StatusUnprocessableEntity) || !ok || !json.Valid(body) {
		return first
	}
	for _, m := range o {
		if m.name == "resourceType" || m.name == "id" {
			continue
		}
		again := r.Clone(r.Context())
		setBody(again, o.with(m.name, nil).raw())
		if a := ask(next, again); a.ok() {
			return a
		}
	}
	return first
}

// lastWins reads a body as most libraries do.
func lastWins(r *http.Request) {
	body := bodyOf(r)
	o, ok := readObject(body)
	names := map[string]bool{}
	for _, m := range o {
		ok = ok && !names[m.name]
		names[m.name] = true
	}
	if ok || len(o) == 0 {
		return // nothing occurs twice
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return
	}
	if out, err := json.Marshal(v); err == nil {
		setBody(r, out)
	}
}

// parametersStored has a type too many.
func parametersStored(next http.Handler, r *http.Request) *answer {
	body := bodyOf(r)
	a := ask(next, r)
	if segments(r)[0] != "Parameters" || text(body, "resourceType") != "Parameters" {
		return a
	}
	a.status, a.body = http.StatusCreated, edited(body, func(json.RawMessage) json.RawMessage { return quoted("1") }, "id")
	a.header.Set("Location", "http://"+r.Host+base+"/Parameters/1/_history/1")
	a.header.Set("ETag", `W/"1"`)
	return a
}
