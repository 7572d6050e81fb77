package defects

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

func patching() []Defect {
	kinds := []string{"patch", "patch-where"}
	return []Defect{
		{"json-patch-test-ignored", "patch-json/refused", "a failing test does not stop a JSON Patch", "RFC 6902 section 4.6", asked(on(kinds...), func(r *http.Request) {
			jsonPatch(r, func(op json.RawMessage) json.RawMessage {
				if text(op, "op") == "test" {
					return nil
				}
				return op
			})
		})},
		{"json-patch-add-replaces", "patch-json/operations", "add at an index of a list replaces what is there", "RFC 6902 section 4.1", asked(on(kinds...), func(r *http.Request) {
			jsonPatch(r, func(op json.RawMessage) json.RawMessage {
				if text(op, "op") == "add" && index.MatchString(text(op, "path")) {
					return edited(op, constant(`"replace"`), "op")
				}
				return op
			})
		})},
		{"patch-applied-in-part", "patch-json/refused", "the operations before the one that fails are applied", "R4 http.html#patch; RFC 6902 section 5", replaced(on("patch"), patchedInPart)},
		{"patch-etag-frozen", "patch-json/operations", "the answer to a patch has the ETag of the first version", "R4 http.html#patch", answered(on("patch"), func(_ *http.Request, a *answer) {
			if a.ok() && a.header.Get("ETag") != "" {
				a.header.Set("ETag", `W/"1"`)
			}
		})},
		{"fhirpath-delete-ignored", "patch-fhirpath/operations", "delete of FHIRPath Patch does nothing", "R4 fhirpatch.html", asked(on(kinds...), func(r *http.Request) {
			pathPatch(r, func(op json.RawMessage) json.RawMessage {
				if partText(op, "type") == "delete" {
					return nil
				}
				return op
			})
		})},
		{"fhirpath-insert-appends", "patch-fhirpath/operations", "insert of FHIRPath Patch puts the value at the end", "R4 fhirpatch.html", asked(on(kinds...), func(r *http.Request) { pathPatch(r, asAdd) })},
		{"merge-patch-ignored", "patch-json/refused", "a patch of an unknown kind is answered as if it had been applied", "R4 http.html#patch", replaced(on("patch"), func(next http.Handler, r *http.Request) *answer {
			a := ask(next, r)
			if a.status == http.StatusUnsupportedMediaType {
				return ask(next, another(r, http.MethodGet, r.URL.Path, nil))
			}
			return a
		})},
	}
}

var index = regexp.MustCompile(`/[0-9]+$`)

// jsonPatch changes the operations of a JSON Patch, but leaves one that nothing would be left of.
func jsonPatch(r *http.Request, change func(json.RawMessage) json.RawMessage) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json-patch+json") {
		return
	}
	editBody(r, func(v json.RawMessage) json.RawMessage {
		if v = edited(v, change, "*"); v == nil {
			return json.RawMessage("[]")
		}
		return v
	})
}

// pathPatch changes the operations of a FHIRPath Patch.
func pathPatch(r *http.Request, change func(json.RawMessage) json.RawMessage) {
	editBody(r, func(v json.RawMessage) json.RawMessage {
		if text(v, "resourceType") != "Parameters" {
			return v
		}
		return edited(v, change, "parameter", "*")
	})
}

// partText is the string, code or number of a part of an operation.
func partText(op json.RawMessage, name string) string {
	for _, p := range readList(find(op, "part")) {
		if text(p, "name") == name {
			return text(p, "valueString") + text(p, "valueCode") + string(find(p, "valueInteger"))
		}
	}
	return ""
}

// asAdd makes insert at Patient.name an add of name to Patient.
func asAdd(op json.RawMessage) json.RawMessage {
	path := partText(op, "path")
	dot := strings.LastIndexByte(path, '.')
	if partText(op, "type") != "insert" || dot < 0 {
		return op
	}
	list := slices.DeleteFunc(readList(find(op, "part")), func(p json.RawMessage) bool {
		return slices.Contains([]string{"type", "path", "index", "name"}, text(p, "name"))
	})
	for name, v := range map[string]string{"path": path[:dot], "name": path[dot+1:]} {
		list = append(list, json.RawMessage(`{"name":"`+name+`","valueString":`+string(quoted(v))+`}`))
	}
	list = append(list, json.RawMessage(`{"name":"type","valueCode":"add"}`))
	return edited(op, func(json.RawMessage) json.RawMessage { return writeList(list) }, "part")
}

func patchedInPart(next http.Handler, r *http.Request) *answer {
	body, member := bodyOf(r), ""
	ops := readList(body)
	if ops == nil {
		member = "parameter"
		ops = readList(find(body, member))
	}
	a := ask(next, r)
	if a.ok() {
		return a
	}
	for n := len(ops) - 1; n > 0; n-- {
		part := writeList(ops[:n])
		if member != "" {
			part = edited(body, constant(string(part)), member)
		}
		if ask(next, another(r, http.MethodPatch, r.URL.Path, part)).ok() {
			break
		}
	}
	return a
}
