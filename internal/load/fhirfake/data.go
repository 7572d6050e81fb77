package fhirfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

type version struct {
	ref     string // Type/id
	number  int
	at      time.Time
	method  string
	deleted bool
	body    map[string]any
}

func (v *version) etag() string { return fmt.Sprintf(`W/"%d"`, v.number) }

// data is everything stored. A transaction works on a clone, which then takes its place or is dropped.
type data struct {
	versions map[string][]*version
	log      []*version
	next     int
}

func newData() *data { return &data{versions: map[string][]*version{}} }

func (d *data) clone() *data {
	c := &data{versions: maps.Clone(d.versions), log: slices.Clip(d.log), next: d.next}
	for ref, vs := range c.versions {
		c.versions[ref] = slices.Clip(vs)
	}
	return c
}

func (d *data) newID() string {
	d.next++
	return fmt.Sprintf("f%06d", d.next)
}

// current returns the newest version unless it is a deletion.
func (d *data) current(ref string) *version {
	if vs := d.versions[ref]; len(vs) > 0 && !vs[len(vs)-1].deleted {
		return vs[len(vs)-1]
	}
	return nil
}

// put stores a new version; a nil body deletes.
func (d *data) put(ref, method string, body map[string]any) *version {
	at := time.Now().UTC().Truncate(time.Millisecond)
	if n := len(d.log); n > 0 && !at.After(d.log[n-1].at) {
		at = d.log[n-1].at.Add(time.Millisecond) // no two versions have the same time
	}
	v := &version{ref: ref, number: len(d.versions[ref]) + 1, at: at, method: method, deleted: body == nil}
	if body != nil {
		v.body = maps.Clone(body)
		_, id, _ := strings.Cut(ref, "/")
		v.body["id"] = id
		meta := map[string]any{}
		if old, ok := body["meta"].(map[string]any); ok {
			meta = maps.Clone(old)
		}
		if old := d.current(ref); old != nil {
			for _, k := range []string{"tag", "security"} { // labels survive an update that omits them
				labels, _ := old.body["meta"].(map[string]any)
				if kept, ok := labels[k]; ok && meta[k] == nil {
					meta[k] = kept
				}
			}
		}
		meta["versionId"], meta["lastUpdated"] = fmt.Sprint(v.number), v.at.Format("2006-01-02T15:04:05.000Z07:00")
		v.body["meta"] = meta
	}
	d.versions[ref] = append(d.versions[ref], v)
	d.log = append(d.log, v)
	return v
}

var errUnknownParam = fmt.Errorf("unknown search parameter")

// search returns the current resources of a type that meet all criteria, oldest first, and the parameters it understood.
func (d *data) search(typ string, criteria url.Values) (found []*version, used url.Values, err error) {
	used = url.Values{}
	var tests []func(map[string]any) bool
	for name, values := range criteria {
		for _, value := range values {
			test := matcher(name, value)
			if test == nil && !strings.HasPrefix(name, "_") {
				err = errUnknownParam
				continue
			}
			if test != nil {
				tests = append(tests, test)
				used.Add(name, value)
			}
		}
	}
	for _, v := range d.log {
		if !strings.HasPrefix(v.ref, typ+"/") || d.current(v.ref) != v {
			continue
		}
		if !slices.ContainsFunc(tests, func(t func(map[string]any) bool) bool { return !t(v.body) }) {
			found = append(found, v)
		}
	}
	return found, used, err
}

// matcher returns the test of one search parameter, nil if the fake does not know it.
func matcher(name, value string) func(map[string]any) bool {
	switch name {
	case "_id":
		return func(r map[string]any) bool { return r["id"] == value }
	case "identifier":
		return func(r map[string]any) bool { return hasToken(each(r["identifier"]), "value", value) }
	case "code":
		return func(r map[string]any) bool {
			code, _ := r["code"].(map[string]any)
			return hasToken(each(code["coding"]), "code", value)
		}
	case "patient", "subject":
		return func(r map[string]any) bool {
			s, ok := r["subject"].(map[string]any)
			if !ok {
				s, _ = r["patient"].(map[string]any)
			}
			return s["reference"] == value || s["reference"] == "Patient/"+value
		}
	}
	return nil
}

func hasToken(list []any, member, value string) bool {
	system, want, ok := strings.Cut(value, "|")
	if !ok {
		want = value
	}
	return slices.ContainsFunc(list, func(e any) bool {
		m, _ := e.(map[string]any)
		s, _ := m["system"].(string)
		return m[member] == want && (!ok || s == system)
	})
}

// each makes a list of an element that may repeat.
func each(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case nil:
		return nil
	}
	return []any{v}
}

// decode reads strictly: one object, no duplicate names, bounded depth.
func decode(raw []byte) (map[string]any, error) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	v, err := value(dec, 0)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok || dec.More() {
		return nil, fmt.Errorf("not one object")
	}
	return m, nil
}

func value(dec *json.Decoder, depth int) (any, error) {
	tok, err := dec.Token()
	if err != nil || depth > 64 {
		return nil, fmt.Errorf("bad JSON at depth %d: %w", depth, err)
	}
	switch tok {
	case json.Delim('{'):
		m := map[string]any{}
		for dec.More() {
			tok, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name := fmt.Sprint(tok)
			if _, twice := m[name]; twice {
				return nil, fmt.Errorf("duplicate name")
			}
			if m[name], err = value(dec, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return m, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			e, err := value(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		_, err = dec.Token()
		return list, err
	}
	return tok, nil
}
