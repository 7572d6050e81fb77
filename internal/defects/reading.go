package defects

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// shows are the interactions whose answers hold resources of clients.
var shows = []string{"read", "vread", "create", "update", "patch", "update-where", "patch-where", "search", "history"}

func reading() []Defect {
	return []Defect{
		{"read-without-etag", "read/basic", "a read answers without ETag", "R4 http.html#read", lacking([]string{"ETag"}, "read")},
		{"etag-not-weak", "read/basic", "ETags lack the W/", "R4 http.html#versions", answered(anything, strongETag)},
		{"read-without-last-modified", "read/basic", "a read answers without Last-Modified", "R4 http.html#read", lacking([]string{"Last-Modified"}, "read")},
		{"if-none-match-ignored", "read/conditional", "a conditional read always answers 200", "R4 http.html#cread", without([]string{"If-None-Match"}, "read", "vread")},
		{"if-modified-since-ignored", "read/conditional", "If-Modified-Since is not looked at", "R4 http.html#cread", without([]string{"If-Modified-Since"}, "read", "vread")},
		{"not-modified-without-etag", "read/conditional", "304 lacks the ETag that 200 would have", "RFC 9110 section 15.4.5", answered(on("read"), func(_ *http.Request, a *answer) {
			if a.status == http.StatusNotModified {
				a.header.Del("ETag")
			}
		})},
		{"deleted-reads-404", "read/basic", "a deleted resource is said never to have been", "R4 http.html#read", status(410, 404, "read")},
		{"vread-gives-current", "vread/basic", "a version read answers the current content", "R4 http.html#vread", asked(on("vread"), func(r *http.Request) {
			path, _, _ := strings.Cut(r.URL.Path, "/_history")
			redirect(r, path)
		})},
		{"version-id-frozen", "update/basic", "meta.versionId stays 1, whatever the ETag says", "R4 resource.html#Meta", answered(on(shows...), frozenVersion)},
		{"last-updated-frozen", "update/basic", "meta.lastUpdated stays that of the first version", "R4 resource.html#Meta", frozenTime()},
		{"contained-lost", "content/fidelity", "contained resources are not stored", "R4 references.html#contained", inResources(func(v json.RawMessage) json.RawMessage {
			return edited(v, gone, "contained")
		})},
		{"supplementary-characters-lost", "content/fidelity", "characters beyond the Basic Multilingual Plane become question marks, as in a database of three-byte UTF-8", "R4 json.html", answered(on(shows...), func(_ *http.Request, a *answer) {
			a.body = beyondBMP.ReplaceAll(a.body, []byte("?"))
		})},
		{"primitive-extensions-lost", "content/fidelity", "extensions of primitives (_birthDate) are not stored", "R4 json.html#primitive", inResources(func(v json.RawMessage) json.RawMessage {
			return everywhere(v, func(name string, value json.RawMessage) json.RawMessage {
				if name[:min(1, len(name))] == "_" {
					return nil
				}
				return value
			})
		})},
		{"decimals-trimmed", "content/fidelity", "decimals lose the zeros at their end", "R4 datatypes.html#decimal", inResources(trimmed)},
	}
}

var beyondBMP = regexp.MustCompile(`[\x{10000}-\x{10FFFF}]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

// inResources changes each resource of the answers that show some.
func inResources(change func(json.RawMessage) json.RawMessage) func(http.Handler) http.Handler {
	return answered(on(shows...), func(_ *http.Request, a *answer) {
		if a.ok() {
			a.edit(nil, func(raw json.RawMessage) json.RawMessage { return inBundle(raw, change) })
		}
	})
}

func strongETag(_ *http.Request, a *answer) {
	if tag := a.header.Get("ETag"); tag != "" {
		a.header.Set("ETag", strings.TrimPrefix(tag, "W/"))
	}
}

func frozenVersion(_ *http.Request, a *answer) {
	a.edit(nil, func(raw json.RawMessage) json.RawMessage {
		return inBundle(raw, func(v json.RawMessage) json.RawMessage { return edited(v, constant(`"1"`), "meta", "versionId") })
	})
}

// frozenTime shows for every resource the time at which it was first seen.
func frozenTime() func(http.Handler) http.Handler {
	var mu sync.Mutex
	first := map[string]json.RawMessage{}
	return answered(on("read", "vread", "create", "update", "patch"), func(_ *http.Request, a *answer) {
		if !a.ok() {
			return
		}
		where := text(a.body, "resourceType") + "/" + text(a.body, "id")
		a.edit([]string{"meta", "lastUpdated"}, func(v json.RawMessage) json.RawMessage {
			if v == nil {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if first[where] == nil {
				first[where] = v
			}
			return first[where]
		})
	})
}

var zeros = regexp.MustCompile(`^-?[0-9]+(\.[0-9]*[1-9])?(\.?0+)$`)

// trimmed writes decimals as a binary floating point number would be written.
func trimmed(raw json.RawMessage) json.RawMessage {
	return everywhere(raw, func(_ string, v json.RawMessage) json.RawMessage {
		s := string(v)
		if !strings.Contains(s, ".") || !zeros.MatchString(s) {
			return v
		}
		return json.RawMessage(strings.TrimSuffix(strings.TrimRight(s, "0"), "."))
	})
}
