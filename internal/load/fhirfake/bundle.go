package fhirfake

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// entry is one request of a Bundle.
type entry struct {
	index                        int
	fullURL, method, url, target string
	header                       http.Header
	resource                     map[string]any
	done                         *outcome
}

func (s *Server) bundle(q *request) *outcome {
	b, bad := s.resource(q.body, "Bundle")
	if bad != nil {
		return bad
	}
	var list []*entry
	for i, raw := range each(b["entry"]) {
		e, ok := parseEntry(i, raw)
		if !ok {
			return failure(400, "structure", "entry", fmt.Sprintf("Bundle.entry[%d]", i))
		}
		list = append(list, e)
	}
	switch b["type"] {
	case "batch":
		for _, e := range list {
			e.done = s.perform(q, e)
		}
	case "transaction":
		before := s.data
		s.data = before.clone()
		if o := s.transaction(q, list); o != nil {
			s.data = before
			return o
		}
	default:
		return failure(400, "not-supported", "Bundle type", "Bundle.type")
	}
	return respond(q, fmt.Sprint(b["type"]), list)
}

func parseEntry(i int, raw any) (*entry, bool) {
	m, ok := raw.(map[string]any)
	req, ok2 := m["request"].(map[string]any)
	if !ok || !ok2 {
		return nil, false
	}
	e := &entry{index: i, header: http.Header{}}
	e.fullURL, _ = m["fullUrl"].(string)
	e.method, _ = req["method"].(string)
	e.url, _ = req["url"].(string)
	e.resource, _ = m["resource"].(map[string]any)
	for member, name := range map[string]string{"ifNoneExist": "If-None-Exist", "ifMatch": "If-Match", "ifNoneMatch": "If-None-Match"} {
		if v, ok := req[member].(string); ok {
			e.header.Set(name, v)
		}
	}
	e.header.Set("Content-Type", "application/fhir+json")
	return e, e.method != "" && e.url != ""
}

// perform runs an entry as the request that it describes.
func (s *Server) perform(q *request, e *entry) *outcome {
	path, query, _ := strings.Cut(e.url, "?")
	values, err := url.ParseQuery(query)
	if err != nil || path == "" {
		return failure(400, "invalid", "url")
	}
	return s.route(&request{method: e.method, path: path, query: values, header: e.header, body: encode(e.resource), base: q.base})
}

// transaction follows the processing rules of FHIR R4 (http.html#trules): DELETE, POST, PUT, GET; references between entries and conditional
// references become literal. It returns nil if everything worked.
func (s *Server) transaction(q *request, list []*entry) *outcome {
	targets := map[string]string{}
	taken := map[string]bool{}
	for _, e := range list {
		if o := s.assign(e); o != nil {
			return o
		}
		if e.method != http.MethodGet {
			if taken[e.target] {
				return failure(400, "invalid", "two entries for one resource", fmt.Sprintf("Bundle.entry[%d]", e.index))
			}
			taken[e.target] = true
		}
		if e.fullURL != "" {
			targets[e.fullURL] = e.target
		}
	}
	for _, method := range []string{"DELETE", "POST", "PUT", "GET"} {
		for _, e := range list {
			if e.method != method {
				continue
			}
			if o := s.apply(q, e, targets); o != nil {
				return o
			}
		}
	}
	for _, e := range list {
		if e.resource == nil || e.done.status > 299 {
			continue
		}
		if o := s.resolveConditional(e); o != nil {
			return o
		}
	}
	return nil
}

// assign decides which resource an entry is about.
func (s *Server) assign(e *entry) *outcome {
	path, _, _ := strings.Cut(e.url, "?")
	e.target = path
	if e.method != http.MethodPost {
		return nil
	}
	if none := e.header.Get("If-None-Exist"); none != "" {
		found, o := s.condition(path, none)
		if o != nil || found != nil {
			if o == nil {
				e.target, e.done = found.ref, written(&request{header: e.header}, 200, found)
			}
			return o
		}
	}
	e.target = path + "/" + s.data.newID()
	return nil
}

func (s *Server) apply(q *request, e *entry, targets map[string]string) *outcome {
	if e.done != nil {
		e.done.header.Set("Location", q.base+"/"+e.target)
		return nil
	}
	typ, _, _ := strings.Cut(e.target, "/")
	if e.method == http.MethodPost {
		if e.resource == nil || !slices.Contains(Types(), typ) {
			return failure(400, "invalid", "entry", fmt.Sprintf("Bundle.entry[%d]", e.index))
		}
		if o := s.check(e.resource, typ); o != nil {
			return o
		}
	}
	if e.resource != nil {
		e.resource = relink(e.resource, func(ref string) string {
			if t, ok := targets[ref]; ok {
				return t
			}
			return ref
		})
	}
	if e.method == http.MethodPost {
		e.done = written(&request{header: e.header, base: q.base}, 201, s.data.put(e.target, "POST", e.resource))
		return nil
	}
	if e.done = s.perform(q, e); e.done.status > 299 && e.done.status != 304 {
		return e.done
	}
	return nil
}

// resolveConditional replaces Type?criteria in what an entry just stored.
func (s *Server) resolveConditional(e *entry) *outcome {
	var bad *outcome
	v := s.data.current(e.target)
	if v == nil {
		return nil
	}
	v.body = relink(v.body, func(ref string) string {
		typ, criteria, ok := strings.Cut(ref, "?")
		if !ok || strings.Contains(typ, ":") {
			return ref
		}
		found, o := s.condition(typ, criteria)
		if o == nil && found == nil {
			o = failure(400, "not-found", "conditional reference without a match", fmt.Sprintf("Bundle.entry[%d]", e.index))
		}
		if o != nil {
			bad = o
			return ref
		}
		return found.ref
	})
	return bad
}

// relink copies a tree with every member named reference mapped.
func relink(m map[string]any, f func(string) string) map[string]any {
	out := make(map[string]any, len(m))
	for k, e := range m {
		if ref, ok := e.(string); ok && k == "reference" {
			out[k] = f(ref)
		} else {
			out[k] = rewrite(e, f)
		}
	}
	return out
}

func rewrite(v any, f func(string) string) any {
	switch v := v.(type) {
	case map[string]any:
		return relink(v, f)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = rewrite(e, f)
		}
		return out
	}
	return v
}

func respond(q *request, kind string, list []*entry) *outcome {
	entries := []any{}
	for _, e := range list {
		response := map[string]any{"status": fmt.Sprintf("%d %s", e.done.status, http.StatusText(e.done.status))}
		for name, member := range map[string]string{"Location": "location", "ETag": "etag"} {
			if h := e.done.header.Get(name); h != "" {
				response[member] = strings.TrimPrefix(h, q.base+"/")
			}
		}
		out := map[string]any{"response": response}
		if body, err := decode(e.done.body); err == nil {
			switch {
			case body["resourceType"] == "OperationOutcome":
				response["outcome"] = body
			case e.method == http.MethodGet:
				out["resource"] = body
			}
		}
		entries = append(entries, out)
	}
	b := map[string]any{"resourceType": "Bundle", "type": kind + "-response"}
	if len(entries) > 0 {
		b["entry"] = entries
	}
	return reply(200, b)
}
