package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chartseal/chartseal/abci/tx"
	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/leakscan"
)

// needles collects what must not be found, each value once, and how many there are of each kind.
type needles struct {
	list []leakscan.Needle
	kind map[string]int
	some map[string][]string // values by kind, for requests that carry them
	seen map[string]bool
}

func newNeedles() *needles {
	return &needles{kind: make(map[string]int), some: make(map[string][]string), seen: make(map[string]bool)}
}

// text adds a value unless it is too short to tell from chance.
func (n *needles) text(kind, value string) {
	if !leakscan.Usable(value) || n.seen[strings.ToLower(value)] {
		return
	}
	n.seen[strings.ToLower(value)] = true
	n.kind[kind]++
	n.some[kind] = append(n.some[kind], value)
	// The demonstration data is synthetic and public: here a name may show its value.
	n.list = append(n.list, leakscan.Needle{Name: kind + " " + value, Kind: leakscan.Text, Value: []byte(value)})
	if plain := fhir.Fold(value); plain != strings.ToLower(value) {
		n.text(kind+" without accents", plain)
	}
}

// bundles takes the values of every resource in the files of a directory.
func (n *needles) bundles(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no demonstration data: %v", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var bundle struct {
			Entry []struct{ Resource map[string]any }
		}
		if err := json.Unmarshal(b, &bundle); err != nil {
			t.Fatal(err)
		}
		for _, e := range bundle.Entry {
			n.text("id as sent", fmt.Sprint(e.Resource["id"]))
			if name, ok := e.Resource["name"].(string); ok {
				n.text("organization", name)
			}
			n.element("", e.Resource)
		}
	}
}

// element walks a resource. What is not distinctive (units, categories, systems, genders) is left out.
func (n *needles) element(name string, v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			n.element(name, x)
		}
	case string:
		n.primitive(name, v)
	case map[string]any:
		n.complex(name, v)
		for k, x := range v {
			n.element(k, x)
		}
	}
}

var moment = regexp.MustCompile(`^\d{4}-\d\d-\d\d(T.*)?$`)

func (n *needles) primitive(name, s string) {
	switch {
	case moment.MatchString(s):
		n.moment(s)
	case name == "family", name == "given", name == "line", name == "city":
		n.text(name, s)
	case name == "display" && len(s) >= 12:
		n.text("display", s)
	case name == "reference" && strings.HasPrefix(s, "urn:uuid:"):
		n.text("id as sent", strings.TrimPrefix(s, "urn:uuid:"))
	case name == "valueString" && len(s) >= 8:
		n.text("string", s)
	}
}

// moment adds a date or time as it is, and as programs write it after reading it.
func (n *needles) moment(s string) {
	kind := "time"
	if len(s) == 10 {
		kind = "date"
	}
	n.text(kind, s)
	n.text("day", s[:10])
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		n.text("time in UTC", at.UTC().Format(time.RFC3339))
		n.text("time of Go", at.UTC().Format("2006-01-02 15:04:05"))
	}
}

var codeSystems = map[string]bool{
	"http://snomed.info/sct": true, "http://loinc.org": true, "http://www.nlm.nih.gov/research/umls/rxnorm": true,
}

// complex adds what needs its neighbours to be understood, and composed values, of which a careless index would store a
// hash: system|value.
func (n *needles) complex(name string, v map[string]any) {
	system, _ := v["system"].(string)
	if code, ok := v["code"].(string); ok && codeSystems[system] {
		n.text("code", code)
		n.text("token", system+"|"+code)
	}
	value, ok := v["value"].(string)
	switch {
	case !ok:
	case name == "identifier":
		n.text("identifier", value)
		n.text("token", system+"|"+value)
	case name == "telecom":
		n.text("phone or mail", value)
	}
}

// stored adds what the server gave: ids, references, and for every resource its hash and the ledger's content hash.
func (n *needles) stored(t *testing.T, s *server, token string, types []string) {
	t.Helper()
	for _, typ := range types {
		for path := "/" + typ + "?_count=200"; path != ""; {
			var page struct {
				Link  []struct{ Relation, URL string }
				Entry []struct{ Resource json.RawMessage }
			}
			if err := json.Unmarshal(s.do(200, "GET", path, token, "").body, &page); err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entry {
				n.resource(t, typ, e.Resource)
			}
			path = ""
			for _, l := range page.Link {
				if l.Relation == "next" {
					path = strings.TrimPrefix(l.URL, s.base())
				}
			}
		}
	}
}

func (n *needles) resource(t *testing.T, typ string, raw []byte) {
	t.Helper()
	var r struct{ ID string }
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	canonical, err := fhir.Canonical(raw)
	if err != nil {
		t.Fatal(err)
	}
	n.text("id", r.ID)
	n.text("reference", typ+"/"+r.ID)
	content := tx.ContentHash(canonical)
	name := typ + "/" + r.ID
	n.list = append(n.list,
		leakscan.Needle{Name: "resource " + name, Kind: leakscan.Body, Value: raw},
		leakscan.Needle{Name: "canonical resource " + name, Kind: leakscan.Body, Value: canonical},
		leakscan.Needle{Name: "content hash of " + name, Kind: leakscan.Digest, Value: content[:]})
	n.kind["resource"]++
}

// request adds the hash of a create that carried an idempotency key: what it is recognised by must be sealed.
func (n *needles) request(typ, body string) {
	sum := sha256.Sum256([]byte("POST " + typ + "\x00" + body))
	n.list = append(n.list,
		leakscan.Needle{Name: "hash of a request", Kind: leakscan.Digest, Value: sum[:]},
		leakscan.Needle{Name: "body of a request", Kind: leakscan.Body, Value: []byte(body)})
}

// rootKey adds the key file, line by line, and the key bytes in it.
func (n *needles) rootKey(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word != "epoch" {
			continue
		}
		_, text, _ := strings.Cut(rest, " ")
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != 32 {
			t.Fatalf("the key file has no epoch key: %v", err)
		}
		n.kind["root key"]++
		n.list = append(n.list, leakscan.Needle{Name: "root key", Kind: leakscan.Secret, Value: key})
	}
}

// enough fails if the demonstration data no longer gives what a scan needs to mean anything.
func (n *needles) enough(t *testing.T) {
	t.Helper()
	total := 0
	for kind, least := range map[string]int{
		"family": 40, "given": 40, "line": 30, "city": 20, "identifier": 12, "code": 30, "date": 3, "time": 50,
		"phone or mail": 50, "id": 200, "reference": 200, "organization": 50, "resource": 400, "root key": 1,
	} {
		if n.kind[kind] < least {
			t.Errorf("only %d needles of kind %q, want %d", n.kind[kind], kind, least)
		}
		total += n.kind[kind]
	}
	t.Logf("%d needles: %v", len(n.list), n.kind)
}

// allIn fails for every value that stands in the demonstration data as it is and was not found there: then a clean
// data directory would mean nothing.
func (n *needles) allIn(t *testing.T, got *leakscan.Report) {
	t.Helper()
	found := make(map[string]bool)
	for _, f := range got.Findings {
		found[f.Needle] = true
	}
	looked := 0
	for _, kind := range []string{"family", "given", "line", "city", "identifier", "phone or mail", "code", "display", "date", "time", "day", "id as sent", "organization"} {
		for _, v := range n.some[kind] {
			if looked++; !found[kind+" "+v] {
				t.Errorf("%s %s was not found in the files that hold it", kind, v)
			}
		}
	}
	if looked < 1000 {
		t.Errorf("only %d values looked for", looked)
	}
}

// query escapes a value for a URL.
func query(v string) string { return url.QueryEscape(v) }
