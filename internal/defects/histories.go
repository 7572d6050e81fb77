package defects

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

func histories() []Defect {
	return []Defect{
		{"history-oldest-first", "history/instance", "a history begins with the oldest version", "R4 http.html#history", answered(on("history"), func(_ *http.Request, a *answer) {
			a.edit([]string{"entry"}, reversed)
		})},
		{"history-without-deletions", "history/instance", "a history does not tell of deletions", "R4 http.html#history", inEntries("history", func(e json.RawMessage) json.RawMessage {
			if text(e, "request", "method") == http.MethodDelete {
				return nil
			}
			return e
		})},
		{"history-without-request", "history/instance", "entries of a history lack their request", "R4 bundle.html bdl-3", inEntries("history", func(e json.RawMessage) json.RawMessage {
			return edited(e, gone, "request")
		})},
		{"history-without-response", "history/instance", "entries of a history lack their response", "R4 bundle.html bdl-4", inEntries("history", func(e json.RawMessage) json.RawMessage {
			return edited(e, gone, "response")
		})},
		{"history-create-as-put", "history/instance", "a history says PUT of what was created by POST", "R4 http.html#history", inEntries("history", func(e json.RawMessage) json.RawMessage {
			if text(e, "request", "method") != http.MethodPost {
				return e
			}
			return edited(e, constant(`"PUT"`), "request", "method")
		})},
		{"history-since-ignored", "history/instance", "_since is not looked at", "R4 http.html#history", ignoring([]string{"_since"}, "history")},
		{"history-at-ignored", "history/instance", "_at is not looked at", "R4 http.html#history", ignoring([]string{"_at"}, "history")},
		{"history-count-ignored", "history/instance", "_count is not looked at", "R4 http.html#history", ignoring([]string{"_count"}, "history")},
		{"history-total-of-page", "history/instance", "total is the number of entries on the page", "R4 bundle.html#Bundle.total", answered(on("history"), totalOfPage)},
		{"history-type-mixed", "history/type", "the history of a type holds other types too", "R4 http.html#history", asked(on("history"), func(r *http.Request) {
			if len(segments(r)) == 2 {
				redirect(r, base+"/_history")
			}
		})},
	}
}

// inEntries changes the entries of the Bundles that answer requests of a kind.
func inEntries(kind string, change func(json.RawMessage) json.RawMessage) func(http.Handler) http.Handler {
	return answered(on(kind), func(_ *http.Request, a *answer) {
		a.edit(nil, func(raw json.RawMessage) json.RawMessage { return edited(raw, change, "entry", "*") })
	})
}

func reversed(v json.RawMessage) json.RawMessage {
	list := readList(v)
	if list == nil {
		return v
	}
	slices.Reverse(list)
	return writeList(list)
}

func totalOfPage(_ *http.Request, a *answer) {
	n := len(readList(find(a.body, "entry")))
	a.edit([]string{"total"}, constant(strconv.Itoa(n)))
}
