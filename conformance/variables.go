package conformance

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/gofhir/fhirpath"
)

// variable is a reference to a variable, as R4 testscript.html section 4.4.3 writes it.
var variable = regexp.MustCompile(`\$\{([A-Za-z0-9_.-]+)\}`)

// Ways to write a value where a variable stood.
type quoting func(value string, repeated bool) string

func asIs(v string, _ bool) string { return v }

// inJSON escapes a value for the inside of a string. What a script repeats is structure, not a value.
func inJSON(v string, repeated bool) string {
	if repeated {
		return v
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return v // a string can always be encoded
	}
	return string(raw[1 : len(raw)-1])
}

// fill puts values where variables are. It fails on a variable that has none.
func (r *scriptRun) fill(s string, q quoting) (string, error) {
	if !strings.Contains(s, "${") {
		return s, nil
	}
	var failure error
	out := variable.ReplaceAllStringFunc(s, func(ref string) string {
		name := ref[2 : len(ref)-1]
		v, repeated, err := r.value(name)
		if err != nil && failure == nil {
			failure = fmt.Errorf("${%s}: %w", name, err)
		}
		return q(v, repeated)
	})
	return out, failure
}

// value finds a variable: one of a loop, a built-in, or one of the script.
func (r *scriptRun) value(name string) (v string, repeated bool, err error) {
	if v, ok := r.loop[name]; ok {
		return v, false, nil
	}
	if v, ok := r.builtin(name); ok {
		return v, false, nil
	}
	for i := range r.s.doc.Variable {
		if d := &r.s.doc.Variable[i]; d.Name == name {
			v, err := r.declared(d)
			return v, d.repeat > 0, err
		}
	}
	return "", false, fmt.Errorf("no such variable")
}

// builtin gives the variables that need no declaration; README.md lists them.
func (r *scriptRun) builtin(name string) (string, bool) {
	switch name {
	case "BASE":
		return r.c.base, true
	case "RUN":
		return r.id, true
	case "TEST":
		return fmt.Sprintf("%s-%d", r.id, r.test), true
	case "NOW":
		return time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), true
	case "TODAY":
		return time.Now().UTC().Format(time.DateOnly), true
	case "UUID":
		return newUUID(), true
	}
	if label, ok := strings.CutPrefix(name, "UUID."); ok { // the same one throughout a test
		key := fmt.Sprintf("%d.%s", r.test, label)
		if r.uuids[key] == "" {
			r.uuids[key] = newUUID()
		}
		return r.uuids[key], true
	}
	return "", false
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (r *scriptRun) declared(d *scriptVariable) (string, error) {
	fallback, err := r.fill(d.DefaultValue, asIs)
	if err != nil {
		return "", err
	}
	if d.repeat > 0 {
		return strings.Repeat(fallback, d.repeat), nil
	}
	if d.Expression == "" && d.HeaderField == "" {
		return fallback, nil
	}
	m, err := r.source(d.SourceID)
	if err == nil {
		var v string
		if v, err = r.extract(m, d); err == nil && v != "" {
			return v, nil
		}
	}
	if fallback != "" {
		return fallback, nil
	}
	if err == nil {
		err = fmt.Errorf("%s found nothing", d.Expression+d.HeaderField)
	}
	return "", err
}

// extract evaluates a variable on a message. The first of several values counts.
func (r *scriptRun) extract(m *message, d *scriptVariable) (string, error) {
	if d.HeaderField != "" {
		return m.header.Get(d.HeaderField), nil
	}
	expr, err := r.fill(d.Expression, asIs)
	if err != nil {
		return "", err
	}
	found, err := evaluate(m.body, expr)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].String(), nil
}

// evaluate runs FHIRPath on a resource.
func evaluate(resource []byte, expr string) (fhirpath.Collection, error) {
	if !isObject(resource) {
		return nil, fmt.Errorf("there is no JSON resource to evaluate %s on", expr)
	}
	found, err := fhirpath.EvaluateCached(resource, expr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	return found, nil
}

func isObject(raw []byte) bool {
	var m map[string]json.RawMessage
	return json.Unmarshal(raw, &m) == nil
}

// source finds a message: a stored request or response, a fixture, or without an id the last response.
func (r *scriptRun) source(id string) (*message, error) {
	if id == "" {
		if r.last == nil {
			return nil, fmt.Errorf("no response yet")
		}
		return r.last, nil
	}
	if m, ok := r.stored[id]; ok {
		return m, nil
	}
	if r.s.fixtures[id] != nil {
		raw, err := r.fixture(id)
		return &message{body: raw}, err
	}
	return nil, fmt.Errorf("nothing is stored under %s", id)
}

// fixture gives a fixture with its variables filled in. The id of a contained one is a name in the script only.
func (r *scriptRun) fixture(id string) ([]byte, error) {
	f := r.s.fixtures[id]
	text, err := r.fill(string(f.raw), inJSON)
	if err != nil {
		return nil, fmt.Errorf("fixture %s: %w", id, err)
	}
	if f.contained {
		return setID([]byte(text), "")
	}
	return []byte(text), nil
}
