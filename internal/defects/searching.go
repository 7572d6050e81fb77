package defects

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

func searching() []Defect {
	return []Defect{
		{"next-link-missing", "summary-elements/search", "a page has no link to the next one", "R4 http.html#paging", answered(on("search", "history"), func(_ *http.Request, a *answer) {
			a.edit(nil, func(raw json.RawMessage) json.RawMessage { return edited(raw, notNext, "link", "*") })
		})},
		{"next-link-repeats", "summary-elements/search", "the link to the next page leads to this one", "R4 http.html#paging", answered(on("search", "history"), nextIsSelf)},
		{"total-of-page", "summary-elements/search", "total is the number of entries on the page", "R4 bundle.html#Bundle.total", answered(on("search"), totalOfPage)},
		{"search-mode-missing", "summary-elements/search", "entries do not say why they are there", "R4 search.html#3.1.1.6", inEntries("search", func(e json.RawMessage) json.RawMessage {
			return edited(e, gone, "search")
		})},
		{"search-full-url-relative", "summary-elements/search", "fullUrl is Type/id", "R4 bundle.html#Bundle.entry.fullUrl", inEntries("search", relativeURL)},
		{"self-link-missing", "summary-elements/search", "a Bundle does not say what it answers", "R4 search.html#selfLink", answered(on("search", "history"), func(_ *http.Request, a *answer) {
			a.edit(nil, func(raw json.RawMessage) json.RawMessage { return edited(raw, notSelf, "link", "*") })
		})},
		{"search-form-ignored", "summary-elements/search", "POST _search looks at the URL only", "R4 http.html#search", asked(on("search"), func(r *http.Request) {
			if r.Method == http.MethodPost {
				setBody(r, nil)
			}
		})},
		{"search-url-ignored", "summary-elements/search", "POST _search looks at the form only", "R4 http.html#search", asked(on("search"), func(r *http.Request) {
			if r.Method == http.MethodPost {
				r.URL.RawQuery = ""
			}
		})},
		{"strict-handling-ignored", "prefer/basic", "Prefer: handling=strict lets an unknown parameter pass", "R4 search.html#errors", asked(on("search"), func(r *http.Request) {
			for i, line := range r.Header["Prefer"] {
				r.Header["Prefer"][i] = strings.Replace(line, "strict", "lenient", 1)
			}
		})},
		{"self-link-echoes", "prefer/basic", "the self link repeats parameters that were ignored", "R4 search.html#selfLink", answered(on("search"), selfAsSent)},
		{"search-type-missing", "summary-elements/search", "the Bundle of a search says collection", "R4 bundle.html#searchset", answered(on("search"), func(_ *http.Request, a *answer) {
			a.edit([]string{"type"}, func(v json.RawMessage) json.RawMessage {
				if string(v) == `"searchset"` {
					return json.RawMessage(`"collection"`)
				}
				return v
			})
		})},
	}
}

func notNext(link json.RawMessage) json.RawMessage { return unless(link, "next") }
func notSelf(link json.RawMessage) json.RawMessage { return unless(link, "self") }

func unless(link json.RawMessage, relation string) json.RawMessage {
	if text(link, "relation") == relation {
		return nil
	}
	return link
}

func nextIsSelf(r *http.Request, a *answer) {
	here := "http://" + r.Host + r.URL.RequestURI()
	a.edit(nil, func(raw json.RawMessage) json.RawMessage {
		return edited(raw, func(link json.RawMessage) json.RawMessage {
			if text(link, "relation") != "next" {
				return link
			}
			return edited(link, constant(string(quoted(here))), "url")
		}, "link", "*")
	})
}

// selfAsSent puts the query of the request into the self link.
func selfAsSent(r *http.Request, a *answer) {
	a.edit(nil, func(raw json.RawMessage) json.RawMessage {
		return edited(raw, func(link json.RawMessage) json.RawMessage {
			if text(link, "relation") != "self" || r.URL.RawQuery == "" {
				return link
			}
			path, _, _ := strings.Cut(text(link, "url"), "?")
			return edited(link, constant(string(quoted(path+"?"+r.URL.RawQuery))), "url")
		}, "link", "*")
	})
}

func relativeURL(e json.RawMessage) json.RawMessage {
	u, err := url.Parse(text(e, "fullUrl"))
	if err != nil || u.Host == "" {
		return e
	}
	return edited(e, constant(string(quoted(strings.TrimPrefix(u.Path, base+"/")))), "fullUrl")
}
