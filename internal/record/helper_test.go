package record

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/seal"
)

// sharedRig serves the tests that leave no more behind than resources with ids and identifiers of their own. Those tests
// do not run in parallel, so that each may change the configuration while it runs.
var sharedRig *rig

func shared(t *testing.T) *rig {
	t.Helper()
	if sharedRig == nil {
		dir, err := os.MkdirTemp("", "record")
		if err != nil {
			t.Fatal(err)
		}
		root, err := seal.CreateRoot(dir + "/root.key")
		if err != nil {
			t.Fatal(err)
		}
		sharedRig = &rig{t: t, dir: dir, root: root}
		sharedRig.open()
	}
	sharedRig.t = t
	return sharedRig
}

func TestMain(m *testing.M) {
	code := m.Run()
	if sharedRig != nil {
		if err := sharedRig.shut(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		_ = os.RemoveAll(sharedRig.dir)
	}
	os.Exit(code)
}

// with runs the rest of the test under another configuration.
func (r *rig) with(change func(*Config)) {
	before := r.service.cfg
	r.t.Cleanup(func() { r.service.cfg = before })
	change(&r.service.cfg)
}

// uniqueIDs number what tests make, so that they do not meet.
var uniqueIDs atomic.Uint64

func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, uniqueIDs.Add(1)) }

const confidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

// body is the JSON of a resource: id may be empty, members are text such as `"active":true`.
func body(typ, id string, members ...string) []byte {
	out := `{"resourceType":"` + typ + `"`
	if id != "" {
		out += `,"id":"` + id + `"`
	}
	for _, m := range members {
		out += "," + m
	}
	return []byte(out + "}")
}

func mark(value string) string { return `"identifier":[{"system":"urn:m","value":"` + value + `"}]` }

// tagged and labelled give a meta with tags, or with security labels of the confidentiality code system.
func tagged(codes ...string) string {
	return `"meta":{"tag":[` + codings("urn:tag", codes) + `]}`
}

func labelled(codes ...string) string {
	return `"meta":{"security":[` + codings(confidentiality, codes) + `]}`
}

func codings(system string, codes []string) string {
	var out []string
	for _, c := range codes {
		out = append(out, `{"system":"`+system+`","code":"`+c+`"}`)
	}
	return strings.Join(out, ",")
}

// observation is of a patient.
func observation(id, patient string, members ...string) []byte {
	return body("Observation", id, append([]string{`"status":"final"`, `"code":{"text":"x"}`, `"subject":{"reference":"Patient/` + patient + `"}`}, members...)...)
}

// patientApp is a caller that is a patient, with every right to its own record.
func patientApp(id string) *Caller {
	return &Caller{
		Client: "app", User: "Patient/" + id, Self: id, Patient: id, Refs: []string{"Patient/" + id}, PatientOnly: true,
		Purposes: []string{"PATRQT"}, Allows: func(string, Interaction) bool { return true },
	}
}

// without takes interactions from a caller.
func without(c *Caller, no ...Interaction) *Caller {
	out := *c
	out.Allows = func(_ string, i Interaction) bool { return !bytes.ContainsRune(interactionBytes(no), rune(i)) }
	return &out
}

func interactionBytes(list []Interaction) (out []byte) {
	for _, i := range list {
		out = append(out, byte(i))
	}
	return out
}

// must puts a resource as staff.
func (r *rig) must(raw []byte) *Result {
	r.t.Helper()
	res, err := fhir.Parse(raw, fhir.DefaultLimits)
	if err != nil {
		r.t.Fatal(err)
	}
	var out *Result
	if res.ID == "" {
		out, err = r.service.Create(context.Background(), staff(), res.Type, raw, WriteOptions{})
	} else {
		out, err = r.service.Update(context.Background(), staff(), res.Type, res.ID, raw, WriteOptions{})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *rig) mustDelete(typ, id string) {
	r.t.Helper()
	if res, err := r.service.Delete(context.Background(), staff(), typ, id, WriteOptions{}); err != nil || res == nil {
		r.t.Fatal(res, err)
	}
}

// read gives the current version as staff; nil if there is none.
func (r *rig) read(typ, id string) *Result {
	r.t.Helper()
	out, err := r.service.Read(context.Background(), staff(), typ, id)
	if k := KindOf(err); err != nil && k != Absent && k != Gone {
		r.t.Fatal(err)
	}
	return out
}

// stored is the JSON of the current version, whoever may see it.
func (r *rig) stored(typ, id string) string {
	r.t.Helper()
	ctx := context.Background()
	h, err := r.service.visible(ctx, r.service.view(), r.service.resourceToken(typ, id))
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := r.service.before(ctx, typ, id, &h)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(res.JSON)
}

// version is the newest version of a resource, deletions included; 0 if there is none.
func (r *rig) version(typ, id string) uint64 {
	r.t.Helper()
	h, err := r.service.visible(context.Background(), r.service.view(), r.service.resourceToken(typ, id))
	if err != nil && absentOr(err, "") != errAbsent { //nolint:errorlint // a fixed value
		r.t.Fatal(err)
	}
	return h.Version
}

// wantKind fails the test unless err is of a kind. Internal stands for no error.
func wantKind(t *testing.T, err error, want Kind, what string) {
	t.Helper()
	switch {
	case err == nil && want == Internal:
	case err == nil:
		t.Errorf("%s: accepted, want kind %d", what, want)
	case want == Internal || KindOf(err) != want:
		t.Errorf("%s: %v (kind %d), want kind %d", what, err, KindOf(err), want)
	}
}

// ok is the kind of no error, in tables.
const ok = Internal
