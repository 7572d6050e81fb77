package defects

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

func bundles() []Defect {
	return []Defect{
		{"batch-fails-as-one", "batch/basic", "a batch answers 400 when one of its entries fails", "R4 http.html#brules", answered(on("bundle"), func(_ *http.Request, a *answer) {
			for _, e := range readList(find(a.body, "entry")) {
				if text(a.body, "type") == "batch-response" && text(e, "response", "status") >= "4" {
					a.fail(http.StatusBadRequest, "processing")
				}
			}
		})},
		{"batch-answers-reversed", "batch/basic", "the answers come in the order in which the entries were done", "R4 http.html#transaction-response", answered(on("bundle"), func(_ *http.Request, a *answer) {
			a.edit([]string{"entry"}, reversed)
		})},
		{"batch-failure-unexplained", "batch/basic", "a failed entry of a batch has no outcome", "R4 http.html#transaction-response", inEntries("bundle", func(e json.RawMessage) json.RawMessage {
			return edited(e, gone, "response", "outcome")
		})},
		{"transaction-applied-in-part", "transaction/atomic", "what precedes the failure of a transaction stays", "R4 http.html#trules", replaced(on("bundle"), appliedInPart)},
		{"transaction-urns-left", "transaction/references", "references between new resources keep their urn:uuid", "R4 http.html#trules", asked(on("bundle"), func(r *http.Request) {
			editBody(r, otherURN, "entry", "*", "fullUrl")
		})},
		{"transaction-type-of-batch", "transaction/basic", "the answer to a transaction is a batch-response", "R4 http.html#transaction-response", answered(on("bundle"), func(_ *http.Request, a *answer) {
			a.body = json.RawMessage(strings.Replace(string(a.body), `"transaction-response"`, `"batch-response"`, 1))
		})},
		{"transaction-without-locations", "transaction/basic", "the answer to a transaction does not say where things are", "R4 http.html#transaction-response", inEntries("bundle", func(e json.RawMessage) json.RawMessage {
			return edited(e, gone, "response", "location")
		})},
		{"conditional-reference-first-of-many", "transaction/references", "a conditional reference with several matches takes the first", "R4 http.html#trules", replaced(on("bundle"), firstReferences)},
		{"canonicals-rewritten", "transaction/references", "every string that equals a fullUrl is rewritten, canonicals and texts too", "R4 http.html#trules", replaced(on("bundle"), rewritten)},
		{"entry-if-match-ignored", "transaction/atomic", "ifMatch of an entry is not looked at", "R4 bundle.html#Bundle.entry.request.ifMatch", inRequests("ifMatch")},
		{"entry-if-none-exist-ignored", "transaction/basic", "ifNoneExist of an entry is not looked at", "R4 bundle.html#Bundle.entry.request.ifNoneExist", inRequests("ifNoneExist")},
		{"transaction-repeats-accepted", "transaction/atomic", "of two entries for the same resource the last one counts", "R4 http.html#trules", replaced(on("bundle"), lastEntryWins)},
	}
}

func inRequests(name string) func(http.Handler) http.Handler {
	return asked(on("bundle"), func(r *http.Request) { editBody(r, gone, "entry", "*", "request", name) })
}

// appliedInPart stores the entries one by one when they cannot be stored together.
func appliedInPart(next http.Handler, r *http.Request) *answer {
	body := bodyOf(r)
	a := ask(next, r)
	if a.ok() || text(body, "type") != "transaction" {
		return a
	}
	batch := edited(body, constant(`"batch"`), "type")
	if !ask(next, another(r, http.MethodPost, base, batch)).ok() {
		return a
	}
	return a
}

// otherURN makes nothing refer to an entry any more.
func otherURN(v json.RawMessage) json.RawMessage {
	s := string(v)
	if !strings.HasPrefix(s, `"urn:uuid:`) || len(s) != len(`"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"`) {
		return v
	}
	for last, other := range map[byte]string{'0': "1", '1': "0"} {
		if s[len(s)-2] == last {
			return json.RawMessage(s[:len(s)-2] + other + `"`)
		}
	}
	return json.RawMessage(s[:len(s)-2] + `0"`)
}

// firstReferences resolves each conditional reference of a transaction that fails to the first match.
func firstReferences(next http.Handler, r *http.Request) *answer {
	body := bodyOf(r)
	a := ask(next, r)
	if a.ok() || text(body, "type") != "transaction" {
		return a
	}
	found := 0
	body = everywhere(body, func(name string, v json.RawMessage) json.RawMessage {
		typ, query, ok := strings.Cut(text(json.RawMessage(`{"v":`+string(v)+`}`), "v"), "?")
		if name != "reference" || !ok {
			return v
		}
		list := matches(next, another(r, http.MethodGet, base+"/"+typ+"?"+query, nil))
		if len(list) < 2 {
			return v
		}
		found++
		return quoted(strings.TrimPrefix(list[0], base+"/"))
	})
	if found == 0 {
		return a
	}
	return ask(next, another(r, http.MethodPost, base, body))
}

// rewritten gives what is created an id first, so that the same text can be put in all places.
func rewritten(next http.Handler, r *http.Request) *answer {
	body := bodyOf(r)
	if text(body, "type") != "transaction" {
		return ask(next, r)
	}
	ids := map[string]string{}
	list := readList(find(body, "entry"))
	for i, e := range list {
		full, typ := text(e, "fullUrl"), text(e, "resource", "resourceType")
		id, ok := strings.CutPrefix(full, "urn:uuid:")
		if !ok || text(e, "request", "method") != http.MethodPost || find(e, "request", "ifNoneExist") != nil {
			continue
		}
		where := typ + "/" + id
		ids[full] = where
		e = edited(e, func(json.RawMessage) json.RawMessage { return quoted(id) }, "resource", "id")
		e = edited(e, constant(`"PUT"`), "request", "method")
		list[i] = edited(e, constant(string(quoted(where))), "request", "url")
	}
	for i, e := range list {
		list[i] = edited(e, func(v json.RawMessage) json.RawMessage {
			if v == nil {
				return nil
			}
			s := string(v)
			for full, where := range ids {
				s = strings.ReplaceAll(s, full, where)
			}
			return json.RawMessage(s)
		}, "resource")
	}
	setBody(r, edited(body, constant(string(writeList(list))), "entry"))
	return ask(next, r)
}

// lastEntryWins drops all but the last of the entries with the same method and URL when a transaction fails.
func lastEntryWins(next http.Handler, r *http.Request) *answer {
	body := bodyOf(r)
	a := ask(next, r)
	if a.ok() || text(body, "type") != "transaction" {
		return a
	}
	seen := map[string]bool{}
	list := readList(find(body, "entry"))
	slices.Reverse(list)
	kept := slices.DeleteFunc(slices.Clone(list), func(e json.RawMessage) bool {
		where := text(e, "request", "url")
		was := seen[where]
		seen[where] = text(e, "request", "method") != http.MethodPost
		return was
	})
	if len(kept) == len(list) {
		return a
	}
	slices.Reverse(kept)
	return ask(next, another(r, http.MethodPost, base, edited(body, constant(string(writeList(kept))), "entry")))
}
