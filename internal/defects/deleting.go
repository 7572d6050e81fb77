package defects

import (
	"encoding/json"
	"net/http"
	"strings"
)

func deleting() []Defect {
	return []Defect{
		{"second-delete-404", "delete/basic", "what is deleted already cannot be deleted", "R4 http.html#delete", replaced(on("delete"), func(next http.Handler, r *http.Request) *answer {
			if now := ask(next, another(r, http.MethodGet, r.URL.Path, nil)); now.status == http.StatusGone {
				now.fail(http.StatusNotFound, "not-found")
				return now
			}
			return ask(next, r)
		})},
		{"deleted-loses-versions", "delete/basic", "a delete takes the former versions along", "R4 http.html#delete", replaced(on("vread"), func(next http.Handler, r *http.Request) *answer {
			path, _, _ := strings.Cut(r.URL.Path, "/_history")
			a := ask(next, r)
			if now := ask(next, another(r, http.MethodGet, path, nil)); now.status == http.StatusGone && a.ok() {
				a.fail(http.StatusNotFound, "not-found")
			}
			return a
		})},
		{"delete-200-without-content", "delete/basic", "a delete answers 200 without content", "R4 http.html#delete", answered(on("delete"), func(_ *http.Request, a *answer) {
			if a.ok() {
				a.status, a.body = http.StatusOK, nil
				a.header.Del("Content-Type")
			}
		})},
	}
}

func conditional() []Defect {
	return []Defect{
		{"conditional-update-creates", "conditional-update/basic", "a conditional update with one match creates a second resource", "R4 http.html#cond-update", asked(on("update-where"), func(r *http.Request) {
			editBody(r, gone, "id")
			r.Method, r.URL.RawQuery = http.MethodPost, ""
			r.RequestURI = r.URL.RequestURI()
		})},
		{"conditional-update-first-of-many", "conditional-update/basic", "a conditional update with several matches takes the first", "R4 http.html#cond-update", replaced(on("update-where"), updateFirst)},
		{"conditional-update-id-ignored", "conditional-update/basic", "a conditional update does not compare the id in the body with the match", "R4 http.html#cond-update", replaced(on("update-where"), func(next http.Handler, r *http.Request) *answer {
			body := bodyOf(r)
			if len(matches(next, r)) == 1 {
				setBody(r, edited(body, gone, "id"))
			}
			return ask(next, r)
		})},
		{"conditional-patch-none-succeeds", "conditional-patch/basic", "a conditional patch without a match answers 200", "R4 http.html#patch", status(404, 200, "patch-where")},
		{"conditional-delete-takes-all", "conditional-delete/basic", "a conditional delete takes several although one is promised", "R4 http.html#delete", replaced(on("delete-where"), deleteAll)},
	}
}

// matches are the paths of the resources that the query of a conditional interaction finds.
func matches(next http.Handler, r *http.Request) []string {
	found := ask(next, another(r, http.MethodGet, r.URL.Path+"?"+r.URL.RawQuery, nil))
	var out []string
	for _, e := range readList(find(found.body, "entry")) {
		if text(e, "search", "mode") == "match" {
			out = append(out, base+"/"+text(e, "resource", "resourceType")+"/"+text(e, "resource", "id"))
		}
	}
	return out
}

func updateFirst(next http.Handler, r *http.Request) *answer {
	body := bodyOf(r)
	a := ask(next, r)
	list := matches(next, r)
	if a.status != http.StatusPreconditionFailed || len(list) < 2 {
		return a
	}
	id := list[0][strings.LastIndexByte(list[0], '/')+1:]
	body = edited(body, func(json.RawMessage) json.RawMessage { return quoted(id) }, "id")
	return ask(next, another(r, http.MethodPut, list[0], body))
}

func deleteAll(next http.Handler, r *http.Request) *answer {
	a := ask(next, r)
	if a.status != http.StatusPreconditionFailed {
		return a
	}
	for _, path := range matches(next, r) {
		a = ask(next, another(r, http.MethodDelete, path, nil))
	}
	return a
}
