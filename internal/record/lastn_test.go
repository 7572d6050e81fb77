package record

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chartseal/chartseal/internal/store/storetest"
)

// coded is an Observation with codings, written as system|code.
func coded(id, patient, date string, codes ...string) []byte {
	var list []string
	for _, c := range codes {
		system, code, _ := strings.Cut(c, "|")
		list = append(list, `{"system":"`+system+`","code":"`+code+`"}`)
	}
	members := []string{
		`"status":"final"`, `"category":[{"coding":[{"system":"urn:cat","code":"vital-signs"}]}]`, `"subject":{"reference":"Patient/` + patient + `"}`,
		`"code":{"coding":[` + strings.Join(list, ",") + `]}`,
	}
	if date != "" {
		members = append(members, `"effectiveDateTime":"`+date+`"`)
	}
	return body("Observation", id, members...)
}

func (r *rig) lastN(c *Caller, patient string, n int, more ...string) []string {
	r.t.Helper()
	values := url.Values{"patient": {patient}, "category": {"vital-signs"}}
	for i := 0; i < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	page, err := r.service.LastN(r.t.Context(), c, values, n, true)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, m := range page.Matches {
		out = append(out, m.ID)
	}
	if page.Total != len(out) {
		r.t.Errorf("total %d of %d", page.Total, len(out))
	}
	return out
}

// The last n of each kind, the kind with the latest first (R4 OperationDefinition Observation-lastn).
func TestLastN(t *testing.T) {
	r := shared(t)
	p := unique("p")
	r.must(body("Patient", p))
	put := func(date string, codes ...string) string {
		return r.must(coded(unique("o"), p, date, codes...)).ID
	}
	a1 := put("2020-01-01", "l|hr")
	a3 := put("2020-01-03", "l|hr")
	a2 := put("2020-01-02", "l|hr")
	b1 := put("2021-01-01", "l|bp")
	undated := put("", "l|bp")
	for n, want := range [][]string{1: {b1, a3}, 2: {b1, undated, a3, a2}, 3: {b1, undated, a3, a2, a1}, 9: {b1, undated, a3, a2, a1}} {
		if want == nil {
			continue
		}
		if got := r.lastN(staff(), p, n); !slices.Equal(got, want) {
			t.Errorf("the last %d: %v, want %v", n, got, want)
		}
	}
	if got := r.lastN(staff(), p, 0); !slices.Equal(got, []string{b1, a3}) {
		t.Errorf("no number: %v", got)
	}
	if got := r.lastN(staff(), p, 5, "code", "l|hr"); !slices.Equal(got, []string{a3, a2, a1}) {
		t.Errorf("by code: %v", got)
	}
	if got := r.lastN(staff(), p, 5, "date", "lt2020-01-03"); !slices.Equal(got, []string{a2, a1}) {
		t.Errorf("by date: %v", got)
	}
}

// Translations make codes one kind, also over several steps, and whatever the order.
func TestLastNTranslations(t *testing.T) {
	r := shared(t)
	chain := [][]string{{"l|1"}, {"l|1", "s|1"}, {"s|1", "x|1"}, {"x|1"}, {"l|2"}}
	for turn := range len(chain) {
		p := unique("p")
		r.must(body("Patient", p))
		var last, other string
		for i := range chain {
			codes := chain[(i+turn)%len(chain)]
			id := r.must(coded(unique("o"), p, fmt.Sprintf("2020-01-%02d", i+1), codes...)).ID
			if codes[0] == "l|2" {
				other = id
			} else {
				last = id
			}
		}
		got, want := r.lastN(staff(), p, 1), []string{last, other}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("turn %d: %v, want %v", turn, got, want)
		}
	}
	p := unique("p")
	r.must(body("Patient", p))
	same := []string{r.must(coded(unique("o"), p, "2020-01-01", "a|1")).ID, r.must(coded(unique("o"), p, "2020-01-01", "b|1")).ID}
	if got := r.lastN(staff(), p, 1); len(got) != 2 {
		t.Errorf("one code of two systems: %v of %v", got, same)
	}
}

// Without a code the text tells; a text beside codes does not. Of two at one time the one stored later is the last.
func TestLastNTextsAndTies(t *testing.T) {
	r := shared(t)
	p := unique("p")
	r.must(body("Patient", p))
	put := func(code string) string {
		return r.must(body("Observation", unique("o"), `"status":"final"`, `"category":[{"coding":[{"system":"urn:cat","code":"vital-signs"}]}]`,
			`"subject":{"reference":"Patient/`+p+`"}`, `"effectiveDateTime":"2020-01-01T10:00:00Z"`, `"code":`+code)).ID
	}
	put(`{"text":"pulse"}`)
	other := put(`{"text":"weight"}`)
	put(`{"text":"pulse","coding":[{"system":"l","code":"1"}]}`)
	text := put(`{"text":"pulse"}`)
	last := put(`{"text":"something else","coding":[{"system":"l","code":"1"}]}`)
	if got := r.lastN(staff(), p, 1); !slices.Equal(got, []string{last, text, other}) {
		t.Errorf("%v, want %v", got, []string{last, text, other})
	}
}

func TestLastNRefusals(t *testing.T) {
	r := shared(t)
	p := unique("p")
	r.must(body("Patient", p))
	r.must(coded("", p, "2020-01-01", "l|1"))
	r.must(body("Observation", unique("o"), `"status":"final"`, labelled("R"), `"category":[{"coding":[{"system":"urn:cat","code":"vital-signs"}]}]`,
		`"subject":{"reference":"Patient/`+p+`"}`, `"code":{"coding":[{"system":"l","code":"2"}]}`))
	if got := r.lastN(staff(), p, 3); len(got) != 1 {
		t.Errorf("what is withheld is there: %v", got)
	}
	for what, tt := range map[string]struct {
		query string
		c     *Caller
		want  Kind
	}{
		"no subject":            {"category=vital-signs", staff(), Invalid},
		"any subject":           {"subject:missing=false&category=vital-signs", staff(), Invalid},
		"neither code nor kind": {"patient=" + p, staff(), Invalid},
		"unknown parameter":     {"patient=" + p + "&code=x&nonsense=1", staff(), Invalid},
		"scope":                 {"patient=" + p + "&code=x", without(staff(), MaySearch), Forbidden},
		"another's":             {"patient=" + p + "&code=l|1", patientApp(unique("other")), ok},
	} {
		values, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.service.LastN(t.Context(), tt.c, values, 1, true)
		wantKind(t, err, tt.want, what)
		if err == nil && len(page.Matches) > 0 {
			t.Errorf("%s: %d found", what, len(page.Matches))
		}
	}
	for _, op := range []storetest.Op{storetest.OpVersion, storetest.OpDoc, storetest.OpHead, storetest.OpPostings, storetest.OpNext} {
		r.faulty.Inject(op, 1, storetest.Failed)
		_, err := r.service.LastN(t.Context(), staff(), url.Values{"patient": {p}, "code": {"l|1"}}, 1, true)
		if r.faulty.Pending() > 0 || err == nil {
			t.Errorf("%s failed: %v", op, err)
			r.faulty.Disarm()
		}
	}
}
