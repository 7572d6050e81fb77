package defects

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// effectsOf are the exchanges that show a defect.
func effectsOf(name string) []effect { return append(effects[name], more[name]...) }

// Names, areas and sections are what the report shows, so none may be missing or twice.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range All() {
		if seen[d.Name] || !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(d.Name) {
			t.Errorf("%q is no name, or is there twice", d.Name)
		}
		seen[d.Name] = true
		if d.Area == "" || d.Wrong == "" || !strings.ContainsAny(d.Section, "R") {
			t.Errorf("%s says too little: %+v", d.Name, d)
		}
		if len(effectsOf(d.Name)) == 0 {
			t.Errorf("%s: no test shows that it changes anything", d.Name)
		}
	}
	if len(seen) < 60 {
		t.Errorf("%d defects", len(seen))
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(effects)), slices.Collect(maps.Keys(more))) {
		if !seen[name] {
			t.Errorf("%s is tested and is not there", name)
		}
	}
}

// Every defect changes what the server sees or what the client gets, in the way that it says.
func TestEffects(t *testing.T) {
	for _, d := range All() {
		t.Run(d.Name, func(t *testing.T) {
			for _, e := range effectsOf(d.Name) {
				sound, broken := transcript(t, "", e.requests), transcript(t, d.Name, e.requests)
				for _, want := range e.appears {
					if strings.Contains(sound, want) || !strings.Contains(broken, want) {
						t.Errorf("%q should appear\n--- sound\n%s--- broken\n%s", want, sound, broken)
					}
				}
				for _, want := range e.vanishes {
					if !strings.Contains(sound, want) || strings.Contains(broken, want) {
						t.Errorf("%q should vanish\n--- sound\n%s--- broken\n%s", want, sound, broken)
					}
				}
				if len(e.appears)+len(e.vanishes) == 0 {
					t.Error("nothing is looked for")
				}
			}
		})
	}
}

// A defect leaves alone what it is not about: requests outside the base, and bodies that are no JSON.
func TestElsewhere(t *testing.T) {
	requests := []string{"GET /healthz", "GET /fhir/Binary/1/blob"}
	want := transcript(t, "", requests)
	for _, d := range All() {
		if got := transcript(t, d.Name, requests); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", d.Name, got, want)
		}
	}
}

// What a defect does not change passes through byte for byte.
func TestBytesStay(t *testing.T) {
	const doc = `{"a" : 1.50, "b":{"c":[ 1 ,2],"d":"\u00e9<"}, "a2":null}`
	if got := string(edited([]byte(doc), gone, "b", "e")); got != doc {
		t.Errorf("%s", got)
	}
	if got := string(edited([]byte(doc), gone, "b", "d")); got != `{"a":1.50,"b":{"c":[ 1 ,2]},"a2":null}` {
		t.Errorf("%s", got)
	}
	if got := string(edited([]byte(doc), constant(`3`), "b", "c", "*")); got != `{"a":1.50,"b":{"c":[3,3],"d":"\u00e9<"},"a2":null}` {
		t.Errorf("%s", got)
	}
}

func TestSelection(t *testing.T) {
	if _, err := Handler(http.NotFoundHandler(), "no-such-defect"); err == nil {
		t.Error("an unknown defect was taken")
	}
	h, err := Handler(http.HandlerFunc(world), "read-without-etag")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, target, own string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest(method, target, http.NoBody)
		if own != "" {
			r.Header.Set(Header, own)
		}
		h.ServeHTTP(w, r)
		return w
	}
	tagged := func(want bool, own string) {
		t.Helper()
		if got := ask("GET", "/fhir/Patient/1", own).Header().Get("ETag") != ""; got != want {
			t.Errorf("ETag %v", got)
		}
	}
	tagged(false, "")
	tagged(true, "create-answers-200")
	for target, status := range map[string]int{Path + "?name=nothing": 404, Path + "?name=": 204} {
		if w := ask("PUT", target, ""); w.Code != status {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	tagged(true, "")
	tagged(false, "read-without-etag")
	if w := ask("GET", Path, ""); w.Code != 405 || w.Header().Get("Allow") != "PUT" {
		t.Errorf("GET: %d", w.Code)
	}
	if w := ask("GET", "/fhir/Patient/1", "nothing"); w.Code != 501 {
		t.Errorf("unknown defect of a request: %d", w.Code)
	}
	if _, ok := Find("nothing"); ok {
		t.Error("found nothing")
	}
}
