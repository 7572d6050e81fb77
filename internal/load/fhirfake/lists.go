package fhirfake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// history answers for an instance (ref), a type ("Type/") or the system (""), newest first.
func (s *Server) history(q *request, under string) *outcome {
	instance := under != "" && !strings.HasSuffix(under, "/")
	if instance && len(s.data.versions[under]) == 0 {
		return failure(404, "not-found", "no such resource")
	}
	since, err := time.Parse(time.RFC3339Nano, q.query.Get("_since"))
	all := []any{}
	for _, v := range slices.Backward(s.data.log) {
		if instance && v.ref != under || !strings.HasPrefix(v.ref, under) || err == nil && v.at.Before(since) {
			continue
		}
		status := "200"
		if v.number == 1 {
			status = "201"
		}
		url := v.ref
		if v.method == "POST" {
			url, _, _ = strings.Cut(v.ref, "/")
		}
		e := map[string]any{
			"fullUrl":  q.base + "/" + v.ref,
			"request":  map[string]any{"method": v.method, "url": url},
			"response": map[string]any{"status": status, "etag": v.etag(), "lastModified": v.at.Format(time.RFC3339Nano)},
		}
		if !v.deleted {
			e["resource"] = v.body
		}
		all = append(all, e)
	}
	return page(q, "history", all)
}

func (s *Server) search(q *request, typ string) *outcome {
	found, used, err := s.data.search(typ, q.query)
	if err != nil && strings.Contains(q.header.Get("Prefer"), "handling=strict") {
		return failure(400, "not-supported", "unknown search parameter")
	}
	all := make([]any, 0, len(found))
	for _, v := range found {
		all = append(all, map[string]any{
			"fullUrl": q.base + "/" + v.ref, "resource": shape(q.query, v.body), "search": map[string]any{"mode": "match"},
		})
	}
	for _, k := range []string{"_count", "_offset", "_summary", "_elements"} {
		if v := q.query.Get(k); v != "" {
			used.Set(k, v)
		}
	}
	q.query = used
	if q.method == http.MethodPost {
		q.path = typ
	}
	return page(q, "searchset", all)
}

// page cuts a list and links the parts.
func page(q *request, kind string, all []any) *outcome {
	count, err := strconv.Atoi(q.query.Get("_count"))
	if err != nil {
		count = 50
	}
	offset, err := strconv.Atoi(q.query.Get("_offset"))
	if err != nil {
		offset = 0
	}
	link := func(relation string, offset int) any {
		params := maps.Clone(q.query)
		if offset > 0 {
			params.Set("_offset", fmt.Sprint(offset))
		}
		return map[string]any{"relation": relation, "url": strings.TrimSuffix(q.base+"/"+q.path+"?"+params.Encode(), "?")}
	}
	b := map[string]any{"resourceType": "Bundle", "type": kind, "total": len(all)}
	links := []any{link("self", offset)}
	if q.query.Get("_summary") == "count" || count == 0 {
		b["link"] = links
		return reply(200, b)
	}
	start := min(offset, len(all))
	end := min(start+count, len(all))
	if end < len(all) {
		links = append(links, link("next", end))
	}
	b["link"] = links
	if end > start {
		b["entry"] = all[start:end]
	}
	return reply(200, b)
}

// capabilities describes exactly what the fake serves.
func capabilities() map[string]any {
	codes := func(names ...string) []any {
		var list []any
		for _, n := range names {
			list = append(list, map[string]any{"code": n})
		}
		return list
	}
	var resources []any
	for _, typ := range Types() {
		params := []any{map[string]any{"name": "_id", "type": "token"}, map[string]any{"name": "identifier", "type": "token"}}
		if typ == "Observation" {
			params = append(params, map[string]any{"name": "code", "type": "token"}, map[string]any{"name": "patient", "type": "reference"})
		}
		resources = append(resources, map[string]any{
			"type": typ, "versioning": "versioned", "readHistory": true, "updateCreate": true,
			"conditionalCreate": true, "conditionalUpdate": true, "conditionalDelete": "not-supported",
			"interaction": codes("read", "vread", "update", "delete", "history-instance", "history-type", "create", "search-type"),
			"searchParam": params,
		})
	}
	return map[string]any{
		"resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance", "fhirVersion": "4.0.1",
		"software": map[string]any{"name": "fhirfake"}, "format": []any{"application/fhir+json", "json"},
		"implementation": map[string]any{"description": "test double"},
		"rest": []any{map[string]any{
			"mode": "server", "resource": resources, "interaction": codes("transaction", "batch", "history-system"),
		}},
	}
}
