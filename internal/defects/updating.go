package defects

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

func updating() []Defect {
	return []Defect{
		{"update-answers-201", "update/basic", "every update answers 201", "R4 http.html#update", status(200, 201, "update")},
		{"update-creating-answers-200", "update/create", "an update that creates answers 200", "R4 http.html#upsert", status(201, 200, "update")},
		{"other-id-in-body-accepted", "update/basic", "the id in the URL replaces another one in the body", "R4 http.html#update", asked(on("update"), idFromURL(true))},
		{"no-id-in-body-accepted", "update/basic", "an update takes a body without an id", "R4 http.html#update", asked(on("update"), idFromURL(false))},
		{"if-match-ignored", "update/contention", "the last writer wins", "R4 http.html#concurrency", without([]string{"If-Match"}, "update", "patch", "delete")},
		{"conflict-answers-409", "update/contention", "a failed If-Match answers 409", "R4 http.html#concurrency", status(412, 409, "update")},
		{"labels-dropped", "labels/basic", "tags and security labels that an update leaves out are lost", "R4 resource.html#tag-updates", labelsDropped()},
		{"subsetted-accepted", "summary-elements/read", "a summary can be written back as the whole", "R4 search.html#summary", asked(on("update"), notSubsetted)},
		{"versions-restart", "update/create", "a deleted id that comes back begins with version 1 again", "R4 http.html#versions", versionsRestart()},
	}
}

// idFromURL puts the id of the URL into the body: over another one, or where there is none.
func idFromURL(over bool) func(*http.Request) {
	return func(r *http.Request) {
		id := segments(r)[1]
		editBody(r, func(v json.RawMessage) json.RawMessage {
			if (v != nil) != over {
				return v
			}
			return quoted(id)
		}, "id")
	}
}

// labelsDropped hides the labels of a resource since an update that did not repeat them.
func labelsDropped() func(http.Handler) http.Handler {
	var mu sync.Mutex
	bare := map[string]bool{} // guarded by mu
	hide := func(r *http.Request, a *answer) {
		mu.Lock()
		defer mu.Unlock()
		if bare[strings.Join(segments(r)[:2], "/")] && a.ok() {
			a.edit([]string{"meta", "tag"}, gone)
			a.edit([]string{"meta", "security"}, gone)
		}
	}
	return replaced(on("update", "read"), func(next http.Handler, r *http.Request) *answer {
		if kindOf(r) == "read" {
			a := ask(next, r)
			hide(r, a)
			return a
		}
		meta := find(bodyOf(r), "meta")
		a := ask(next, r)
		if a.ok() {
			mu.Lock()
			bare[strings.Join(segments(r)[:2], "/")] = find(meta, "tag") == nil && find(meta, "security") == nil
			mu.Unlock()
		}
		hide(r, a)
		return a
	})
}

func notSubsetted(r *http.Request) {
	editBody(r, func(v json.RawMessage) json.RawMessage {
		if text(v, "code") == "SUBSETTED" {
			return nil
		}
		return v
	}, "meta", "tag", "*")
}

// versionsRestart counts from the last deletion on.
func versionsRestart() func(http.Handler) http.Handler {
	var mu sync.Mutex
	before := map[string]int{} // versions that are forgotten; guarded by mu
	return answered(on("read", "update"), func(r *http.Request, a *answer) {
		where := strings.Join(segments(r), "/")
		version, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(a.header.Get("ETag"), "W/"), `"`))
		if !a.ok() || err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if a.status == http.StatusCreated {
			before[where] = version - 1
		}
		if before[where] == 0 {
			return
		}
		now := strconv.Itoa(version - before[where])
		a.header.Set("ETag", `W/"`+now+`"`)
		for _, name := range []string{"Location", "Content-Location"} {
			if l, _, ok := strings.Cut(a.header.Get(name), "/_history/"); ok {
				a.header.Set(name, l+"/_history/"+now)
			}
		}
		a.edit([]string{"meta", "versionId"}, constant(`"`+now+`"`))
	})
}
