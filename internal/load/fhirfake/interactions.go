package fhirfake

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// request is one interaction, from the network or from a Bundle entry.
type request struct {
	method, path, base string
	query              url.Values
	header             http.Header
	body               []byte
}

// Types are the resource types that the fake serves.
func Types() []string {
	return []string{
		"AllergyIntolerance", "Basic", "Bundle", "CarePlan", "Claim", "Condition", "Device", "DiagnosticReport", "DocumentReference", "Encounter",
		"ExplanationOfBenefit", "Goal", "ImagingStudy", "Immunization", "Location", "MedicationRequest", "Observation", "Organization", "Patient", "Practitioner",
		"PractitionerRole", "Procedure",
	}
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9\-.]{1,64}$`)

func (s *Server) route(q *request) *outcome {
	seg := strings.Split(q.path, "/")
	switch {
	case q.path == "metadata" && q.method == http.MethodGet:
		return reply(200, capabilities())
	case q.path == "" && q.method == http.MethodPost:
		return s.bundle(q)
	case q.path == "_history" && q.method == http.MethodGet:
		return s.history(q, "")
	case q.path == "":
		return notAllowed("POST")
	case !slices.Contains(Types(), seg[0]):
		return failure(404, "not-supported", "unknown type")
	}
	switch {
	case len(seg) == 1:
		return s.onType(q, seg[0])
	case len(seg) == 2 && seg[1] == "_history" && q.method == http.MethodGet:
		return s.history(q, seg[0]+"/")
	case len(seg) == 2 && seg[1] == "_search" && q.method == http.MethodPost:
		form, err := url.ParseQuery(string(q.body))
		if err != nil {
			return failure(400, "invalid", "form")
		}
		q.query = form
		return s.search(q, seg[0])
	case len(seg) == 2 && idForm.MatchString(seg[1]):
		return s.onInstance(q, seg[0]+"/"+seg[1])
	case len(seg) == 3 && seg[2] == "_history" && q.method == http.MethodGet:
		return s.history(q, seg[0]+"/"+seg[1])
	case len(seg) == 4 && seg[2] == "_history" && q.method == http.MethodGet:
		return s.vread(q, seg[0]+"/"+seg[1], seg[3])
	}
	return notAllowed("GET")
}

func notAllowed(allow string) *outcome {
	o := failure(405, "not-supported", "method not allowed")
	o.header.Set("Allow", allow)
	return o
}

func (s *Server) onType(q *request, typ string) *outcome {
	switch q.method {
	case http.MethodGet:
		return s.search(q, typ)
	case http.MethodPost:
		return s.create(q, typ)
	case http.MethodPut:
		return s.conditionalUpdate(q, typ)
	}
	return notAllowed("GET, POST, PUT")
}

func (s *Server) onInstance(q *request, ref string) *outcome {
	switch q.method {
	case http.MethodGet:
		vs := s.data.versions[ref]
		if len(vs) == 0 {
			return failure(404, "not-found", "no such resource")
		}
		return read(q, vs[len(vs)-1])
	case http.MethodPut:
		return s.update(q, ref)
	case http.MethodDelete:
		o := reply(204, nil)
		if s.data.current(ref) != nil {
			o.header.Set("ETag", s.data.put(ref, "DELETE", nil).etag())
		}
		return o
	}
	return notAllowed("GET, PUT, DELETE")
}

func read(q *request, v *version) *outcome {
	if v.deleted {
		return failure(410, "deleted", "deleted")
	}
	o := reply(200, shape(q.query, v.body))
	o.header.Set("ETag", v.etag())
	o.header.Set("Last-Modified", v.at.Format(http.TimeFormat))
	since, err := http.ParseTime(q.header.Get("If-Modified-Since"))
	if q.header.Get("If-None-Match") == v.etag() || err == nil && !v.at.Truncate(time.Second).After(since) {
		o.status, o.body = 304, nil
	}
	return o
}

// shape applies _elements and _summary; such answers are marked SUBSETTED.
func shape(query url.Values, body map[string]any) map[string]any {
	var keep []string
	if e := query.Get("_elements"); e != "" {
		keep = strings.Split(e, ",")
	} else if query.Get("_summary") == "true" {
		keep = []string{"identifier", "name", "active", "gender", "birthDate"}
	} else {
		return body
	}
	tag := map[string]any{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
	out := map[string]any{"resourceType": body["resourceType"], "id": body["id"], "meta": map[string]any{"tag": []any{tag}}}
	for _, k := range keep {
		if v, ok := body[k]; ok {
			out[k] = v
		}
	}
	return out
}

func (s *Server) vread(q *request, ref, number string) *outcome {
	n, err := strconv.Atoi(number)
	vs := s.data.versions[ref]
	if err != nil || n < 1 || n > len(vs) {
		return failure(404, "not-found", "no such version")
	}
	return read(q, vs[n-1])
}

// resource parses and checks a body of the given type.
func (s *Server) resource(raw []byte, typ string) (map[string]any, *outcome) {
	res, err := decode(raw)
	if err != nil {
		return nil, failure(400, "structure", "the body is not usable JSON")
	}
	return res, s.check(res, typ)
}

func (s *Server) check(res map[string]any, typ string) *outcome {
	if res["resourceType"] != typ {
		return failure(400, "invalid", "resourceType does not match the address", "resourceType")
	}
	for name := range res {
		if strings.HasPrefix(name, "unknown") {
			return failure(422, "structure", "unknown element", typ+"."+name)
		}
	}
	if s.Invalid != nil && s.Invalid(res) {
		return failure(422, "invariant", "rejected", typ)
	}
	return nil
}

func (s *Server) create(q *request, typ string) *outcome {
	if ct := q.header.Get("Content-Type"); !strings.Contains(ct, "json") {
		return failure(415, "not-supported", "content type")
	}
	res, bad := s.resource(q.body, typ)
	if bad != nil {
		return bad
	}
	if none := q.header.Get("If-None-Exist"); none != "" {
		found, o := s.condition(typ, none)
		if o != nil || found != nil {
			if o == nil {
				o = written(q, 200, found)
			}
			return o
		}
	}
	return written(q, 201, s.data.put(typ+"/"+s.data.newID(), "POST", res))
}

// condition finds the one match of a criterion: (nil, nil) for none, an answer for several.
func (s *Server) condition(typ, criteria string) (*version, *outcome) {
	values, err := url.ParseQuery(criteria)
	if err != nil {
		return nil, failure(400, "invalid", "criteria")
	}
	found, _, err := s.data.search(typ, values)
	switch {
	case err != nil || len(values) == 0:
		return nil, failure(400, "not-supported", "criteria")
	case len(found) > 1:
		return nil, failure(412, "multiple-matches", "several matches")
	case len(found) == 1:
		return found[0], nil
	}
	return nil, nil
}

func written(q *request, status int, v *version) *outcome {
	o := reply(status, v.body)
	switch prefer := q.header.Get("Prefer"); {
	case strings.Contains(prefer, "return=minimal"):
		o.body = nil
	case strings.Contains(prefer, "return=OperationOutcome"):
		o.body = encode(map[string]any{"resourceType": "OperationOutcome", "issue": []any{map[string]any{"severity": "information", "code": "informational"}}})
	}
	o.header.Set("ETag", v.etag())
	o.header.Set("Last-Modified", v.at.Format(http.TimeFormat))
	o.header.Set("Location", fmt.Sprintf("%s/%s/_history/%d", q.base, v.ref, v.number))
	return o
}

func (s *Server) update(q *request, ref string) *outcome {
	typ, id, _ := strings.Cut(ref, "/")
	res, bad := s.resource(q.body, typ)
	if bad != nil {
		return bad
	}
	if res["id"] != id {
		return failure(400, "invalid", "id does not match the address", typ+".id")
	}
	cur := s.data.current(ref)
	if match := q.header.Get("If-Match"); match != "" {
		if cur == nil || strings.TrimPrefix(match, "W/") != strings.TrimPrefix(cur.etag(), "W/") {
			return failure(412, "conflict", "version")
		}
	}
	status := 200
	if cur == nil {
		status = 201
	}
	return written(q, status, s.data.put(ref, "PUT", res))
}

func (s *Server) conditionalUpdate(q *request, typ string) *outcome {
	res, bad := s.resource(q.body, typ)
	if bad != nil {
		return bad
	}
	found, o := s.condition(typ, q.query.Encode())
	switch {
	case o != nil:
		return o
	case found == nil:
		return written(q, 201, s.data.put(typ+"/"+s.data.newID(), "PUT", res))
	case res["id"] != nil && fmt.Sprint(typ, "/", res["id"]) != found.ref:
		return failure(400, "invalid", "id does not match", typ+".id")
	}
	return written(q, 200, s.data.put(found.ref, "PUT", res))
}
