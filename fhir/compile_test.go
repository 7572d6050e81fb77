package fhir

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestCompileAllParameters compiles every parameter on every type it applies to
// by itself, so that one fault does not hide the next. Those that give no values
// are exactly the ones named here.
func TestCompileAllParameters(t *testing.T) {
	without := map[string]bool{}
	compiledParams := map[*Param]bool{}
	for _, typ := range storableTypes() {
		for _, p := range Params(typ) {
			prog, err := compileType(typ, []*Param{p})
			if err != nil {
				t.Errorf("%s on %s: %v", p.URL, typ, err)
				continue
			}
			if len(prog.outputs) == 0 {
				without[p.Code] = true
			}
			compiledParams[p] = true
		}
	}
	if got, all := len(compiledParams), len(paramTables().all); got != all {
		t.Errorf("%d of %d parameters apply to some type", got, all)
	}
	want := map[string]bool{
		"_id":          true, // set by the server
		"_lastUpdated": true, // set by the server
		"_text":        true, // no expression
		"_content":     true, // no expression
		"_query":       true, // no expression
		"near":         true, // special
	}
	if diff := cmp.Diff(want, without); diff != "" {
		t.Errorf("parameters without values (-want +got):\n%s", diff)
	}
	// Parameters of a request only, which R4 does not define as SearchParameter.
	for _, code := range []string{"_list", "_has", "_type", "_filter", "_sort"} {
		if LookupParam("Patient", code) != nil {
			t.Errorf("%s is a parameter of resources", code)
		}
	}
}

// TestCompileSharesSteps: paths with a common start are read once.
func TestCompileSharesSteps(t *testing.T) {
	p := programs()["Observation"]()
	outputs := map[string]output{}
	for _, o := range p.outputs {
		outputs[o.param.Code] = o
	}
	code := outputs["code"].slot
	if got := outputs["code-value-quantity"].components[0].slots; !slices.Equal(got, []int{code}) {
		t.Errorf("code is slot %d, in a composite %v", code, got)
	}
	if subject := p.slots[outputs["patient"].slot].parent; subject != outputs["subject"].slot {
		t.Errorf("subject is slot %d, patient starts at %d", outputs["subject"].slot, subject)
	}
}

func compileOn(typ, expression string) (compiled, error) {
	node, err := parseExpression(expression)
	if err != nil {
		return compiled{}, err
	}
	desc := descriptorOf(typ)
	return compile(node, scope{resource: desc, context: []protoreflect.MessageDescriptor{desc}, outer: true})
}

// evaluate runs an expression on a resource and tells the types of the items, or
// the truth.
func evaluate(t *testing.T, r *Resource, expression string) string {
	t.Helper()
	expr, err := compileOn(r.Type, expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	c := newEvaluation(r.Proto)
	defer c.release()
	if expr.truth != nil {
		return [...]string{isEmpty: "empty", isFalse: "false", isTrue: "true"}[expr.truth(c, c.root)]
	}
	from, to := c.collect(expr.branches, c.root)
	var out []string
	for _, e := range c.items[from:to] {
		s := typeNameOf(e)
		if text, ok := primitiveText(e); ok {
			s = text
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestEvaluate(t *testing.T) {
	r := parseJSON(t, `{"resourceType":"Patient","id":"1","active":true,"deceasedDateTime":"2020",
		"contained":[{"resourceType":"Organization","id":"o","name":"O"}],
		"extension":[{"url":"http://x.org/a","valueString":"s"},{"url":"http://x.org/b","extension":[{"url":"c","valueCode":"d"}]}],
		"name":[{"family":"A","given":["B","C"]},{"use":"old","family":"D"}],
		"telecom":[{"system":"phone","value":"1","use":"home"},{"system":"email","value":"2","use":"home"}],
		"managingOrganization":{"reference":"#o"},
		"generalPractitioner":[{"reference":"Practitioner/1"},{"reference":"https://x.org/Organization/2"},{"reference":"#"},{"reference":"urn:uuid:7d1a2c04-7d4f-4a77-b8ee-3d7f7d5b1a55"},{"display":"D"}]}`)
	for expression, want := range map[string]string{
		"Patient.name.family":                                            "A D",
		"Patient.name.given | Patient.name.family":                       "B C A D",
		"Resource.id":                                                    "1",
		"DomainResource.id":                                              "1",
		"Observation.code | Patient.name.given":                          "B C",
		"Observation.code":                                               "",
		"Patient.name[1].family":                                         "D",
		"Patient.name[7].family":                                         "",
		"Patient.name.first().given":                                     "B C",
		"Patient.name.where(use = 'old').family":                         "D",
		"Patient.name.where(use='old' or family='A').family":             "A D",
		"Patient.name.where(use='old' and family='A').family":            "",
		"Patient.name.where(use.exists().not()).family":                  "A",
		"Patient.name.where(use.empty()).family":                         "A",
		"Patient.telecom.where(system='phone').value":                    "1",
		"Patient.telecom.where(system = 'pho\\'ne').value":               "",
		"(Patient.deceased as dateTime)":                                 "DateTime",
		"Patient.deceased.as(boolean)":                                   "",
		"Patient.deceased.ofType(FHIR.dateTime)":                         "DateTime",
		"Patient.deceasedDateTime":                                       "DateTime",
		"Patient.deceasedBoolean":                                        "",
		"Patient.extension('http://x.org/a').value":                      "s",
		"Patient.extension('http://x.org/b').extension.value":            "d",
		"Patient.extension.where(url='http://x.org/a').value":            "s",
		"Patient.generalPractitioner.where(resolve() is Organization)":   "Reference",
		"Patient.generalPractitioner.where(resolve() is Patient)":        "Reference",
		"Patient.managingOrganization.where(resolve() is Organization)":  "Reference",
		"Patient.managingOrganization.where(resolve().is(Practitioner))": "",
		"Patient.name.where($this.use = 'old').given":                    "",
		"%resource.name.family":                                          "A D",
		"Patient.deceased.exists()":                                      "true",
		"Patient.photo.exists()":                                         "false",
		"Patient.name.exists(use = 'old')":                               "true",
		"Patient.active = true":                                          "true",
		"Patient.active != true":                                         "false",
		"Patient.deceased != false":                                      "true",
		"Patient.deceased = false":                                       "false",
		"Patient.gender = 'male'":                                        "empty",
		"Patient.gender != 'male'":                                       "empty",
		"Patient.gender = 'male' and Patient.active = true":              "empty",
		"Patient.gender = 'male' and Patient.active = false":             "false",
		"Patient.gender = 'male' or Patient.active = true":               "true",
		"Patient.active = true or Patient.gender = 'male'":               "true",
		"Patient.deceased is dateTime":                                   "true",
		"Patient.photo is Attachment":                                    "empty",
		"Patient.name.family = 'A'":                                      "false", // two items
	} {
		if got := evaluate(t, r, expression); got != want {
			t.Errorf("%s gives %q, want %q", expression, got, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, expression := range []string{
		"", "Patient.", ".name", "Patient.name.", "Patient.nonsense", "Patient.name as", "Patient.name as Address", "Patient.name[", "Patient.name[x]", "Patient.name[-1]",
		"(Patient.name", "Patient.name)", "Patient.name.where(", "Patient.name.where()", "Patient.name.where(use)", "Patient.name.where(use='a',use='b')", "Patient.name.where(use = given)",
		"Patient.name.where(use = 'a)", `Patient.name.where(use = '\n')`, "Patient.name.where(nonsense = 'a')", "Patient.name.where(resolve())", "Patient.name.nonsense()", "Patient.extension(url)",
		"Patient.name + 1", "Patient.name > 1", "%context.name", "$index", "true", "'a'", "(Patient.name | Patient.contact.name)[0]", "Patient.name | Patient.active.exists()",
		"Patient.name.where(use is)", "1", "Patient.1", "Patient.name.exists(1)", strings.Repeat("(", 100) + "Patient.name" + strings.Repeat(")", 100),
	} {
		if _, err := compileOn("Patient", expression); !errors.Is(err, errExpression) {
			t.Errorf("%q: %v", expression, err)
		}
	}
	for _, p := range []*Param{
		{Code: "a", Type: ParamDate, Expression: "Patient.name"},
		{Code: "a", Type: ParamDate, Expression: "Patient.deceased.exists()"},
		{Code: "a", Type: ParamComposite, Expression: "Patient"},
		{Code: "a", Type: ParamSpecial, Expression: "Patient.name"},
		{Code: "a", Type: ParamToken, Expression: "Observation.code"},
		{Code: "a", Type: ParamComposite, Expression: "Patient", Components: []Component{{Param: &Param{Type: ParamDate}, Expression: "name"}}},
		{Code: "a", Type: ParamComposite, Expression: "Patient", Components: []Component{{Param: &Param{Type: ParamDate}, Expression: "name("}}},
	} {
		if _, err := compileType("Patient", []*Param{p}); !errors.Is(err, errExpression) {
			t.Errorf("%s %q: %v", p.Type, p.Expression, err)
		}
	}
	if _, err := compileType("Nonsense", nil); err == nil {
		t.Error("an unknown type compiles")
	}
}

// FuzzCompile: no panic, no unbounded work, and every failure is a clean one.
func FuzzCompile(f *testing.F) {
	for i, p := range paramTables().all {
		if i%25 == 0 && len(p.Expression) < 300 {
			f.Add(p.Expression)
		}
	}
	f.Add(`Patient.name.where(use = 'a\'b' and (family != 'x')).exists()`)
	patient := parseJSON(f, `{"resourceType":"Patient","name":[{"use":"old","family":"A"}],"deceasedBoolean":false,"managingOrganization":{"reference":"Organization/1"}}`).Proto
	f.Fuzz(func(t *testing.T, expression string) {
		if len(expression) > 2000 {
			return
		}
		expr, err := compileOn("Patient", expression)
		if err != nil {
			if !errors.Is(err, errExpression) {
				t.Fatalf("error %v", err)
			}
			return
		}
		c := newEvaluation(patient)
		defer c.release()
		if expr.truth != nil {
			expr.truth(c, c.root)
			return
		}
		c.collect(expr.branches, c.root)
	})
}
