package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// invalidExamples of the R4 package are refused, each for a reason that jsonformat of google/fhir gives too.
var invalidExamples = map[string]string{
	"DeviceMetric-example":        "a reference to a type that is not allowed there",
	"DeviceUseStatement-example":  "a reference to a type that is not allowed there",
	"MedicationRequest-medrx0301": "a reference to a type that is not allowed there",
	"Observation-clinical-gender": "a reference to a type that is not allowed there",
	"Questionnaire-qs1":           "a required element is missing",
}

// archived walks the JSON files of a packed corpus.
func archived(t *testing.T, file string, f func(name string, raw []byte)) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close() //nolint:errcheck // read only
	z, err := zstd.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, ".json") {
			f(strings.TrimSuffix(path.Base(h.Name), ".json"), raw)
		}
	}
}

// jsonTree decodes JSON with number literals kept, by another parser than the server's.
func jsonTree(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// withoutServerMeta removes what the server sets: meta.versionId and meta.lastUpdated, and a meta that held no more.
func withoutServerMeta(v map[string]any) map[string]any {
	if m, ok := v["meta"].(map[string]any); ok {
		delete(m, "versionId")
		delete(m, "lastUpdated")
		if len(m) == 0 {
			delete(v, "meta")
		}
	}
	return v
}

var somePatient = regexp.MustCompile(`"Patient/([A-Za-z0-9.-]{1,64})"`)

// Every valid R4 example comes back as it was sent, after a restart. Consents come last, because they take effect.
func TestR4ExamplesComeBack(t *testing.T) {
	s := start(t)
	tok := s.staff()
	sent := map[string][]byte{}
	put := func(consents bool) {
		archived(t, "../../fhir/testdata/parse/r4-examples.tar.zst", func(name string, raw []byte) {
			v := jsonTree(t, raw)
			typ, _ := v["resourceType"].(string)
			id, _ := v["id"].(string)
			if typ == "" || typ == "Parameters" || (typ == "Consent") != consents {
				return
			}
			a := s.do(0, "PUT", "/"+typ+"/"+id, tok, string(raw))
			_, bad := invalidExamples[name]
			switch {
			case bad && a.status != http.StatusBadRequest:
				t.Errorf("%s was accepted (%d)", name, a.status)
			case !bad && a.status != http.StatusCreated:
				t.Errorf("%s: %d %s", name, a.status, a.body)
			case !bad:
				sent["/"+typ+"/"+id] = raw
			}
		})
	}
	check := func(consents bool) {
		for where, raw := range sent {
			if strings.HasPrefix(where, "/Consent/") != consents {
				continue
			}
			a := s.do(0, "GET", where, tok, "", "Accept", "application/fhir+json")
			if m := somePatient.FindSubmatch(raw); a.status == http.StatusNotFound && m != nil {
				// labelled above what home-treatment permits, or shut by a consent: the patient sees it
				a = s.do(0, "GET", where, s.token("--scope", "patient/*.rs", "--patient", string(m[1])), "", "Accept", "application/fhir+json")
			}
			if a.status != http.StatusOK {
				t.Errorf("%s: %d %s", where, a.status, a.body)
				continue
			}
			if d := cmp.Diff(withoutServerMeta(jsonTree(t, raw)), withoutServerMeta(jsonTree(t, a.body))); d != "" {
				t.Errorf("%s came back otherwise:\n%s", where, d)
			}
		}
	}
	put(false)
	s.stop()
	s.run()
	check(false)
	put(true)
	check(true)
	t.Logf("%d examples came back, %d were refused", len(sent), len(invalidExamples))
}
