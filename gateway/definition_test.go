package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chartseal/chartseal/gateway/opdefs"
)

// The operations that are stated can be called, and what can be called is stated.
func TestOperationsAreTrue(t *testing.T) {
	full := readStatement(t, authenticated(t), "full").Rest[0]
	stated := map[string]bool{}
	check := func(level, base string, list []operation) {
		for _, o := range list {
			stated[o.Name] = true
			paths := []string{base + "/$" + o.Name, base + "/$" + o.Name + "/x"}
			if base != "" {
				paths = append(paths, base+"/1/$"+o.Name)
			}
			served := false
			for _, p := range paths {
				served = served || len(allowed(p)) > 0
			}
			if !served {
				t.Errorf("%s: $%s is stated, and not served", level, o.Name)
			}
		}
	}
	check("system", "", full.Operation)
	for _, r := range full.Resource {
		check(r.Type, "/"+r.Type, r.Operation)
	}
	for _, r := range routes() {
		if r.level == "operation" && r.code != "" && !stated[r.code] {
			t.Errorf("$%s is served, and not stated", r.code)
		}
	}
}

// The server's own definitions are read like stored ones, and stay as they are.
func TestOwnDefinitions(t *testing.T) {
	s := authenticated(t)
	for _, d := range opdefs.All() {
		path := "/fhir/OperationDefinition/" + d.ID
		w := ask(s, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || w.Body.String() != string(d.JSON) || w.Header().Get("ETag") == "" {
			t.Errorf("%s: %d %v", d.ID, w.Code, w.Header())
		}
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		if w := ask(s, r); w.Code != http.StatusNotModified {
			t.Errorf("%s with its ETag: %d", d.ID, w.Code)
		}
		if w := ask(s, httptest.NewRequest(http.MethodGet, path+"?_elements=code", nil)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "SUBSETTED") {
			t.Errorf("%s in part: %d %s", d.ID, w.Code, w.Body)
		}
		for _, m := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if w := ask(s, httptest.NewRequest(m, path, strings.NewReader("{}"))); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("%s %s: %d %v", m, d.ID, w.Code, w.Header())
			}
		}
	}
}
