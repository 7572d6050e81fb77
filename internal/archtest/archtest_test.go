package archtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

func TestImports(t *testing.T) {
	list, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, breach := range Check(list) {
		t.Error(breach)
	}
	mine := 0
	for _, p := range list {
		if _, ok := ours(p.ImportPath); ok {
			mine++
		}
	}
	if mine < 10 {
		t.Errorf("go list found only %d packages of ours: nothing was checked", mine)
	}
}

// graph builds a list from lines such as "fhir: os internal/seal"; names with a dot in the first element, and those of
// the standard library after "std:", are taken as they are, all others as ours.
func graph(lines ...string) []Package {
	name := func(s string) string {
		if std, ok := strings.CutPrefix(s, "std:"); ok {
			return std
		}
		if first, _, _ := strings.Cut(s, "/"); strings.Contains(first, ".") {
			return s
		}
		return Module + "/" + s
	}
	var list []Package
	for _, line := range lines {
		from, to, _ := strings.Cut(line, ":")
		p := Package{ImportPath: name(from)}
		for f := range strings.FieldsSeq(to) {
			p.Imports = append(p.Imports, name(f))
		}
		list = append(list, p)
	}
	return list
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"as it should be", []string{
			"cmd/chartseal: gateway internal/ledger internal/store/pebble github.com/labstack/echo/v4",
			"gateway: gateway/smart internal/record fhir consent github.com/labstack/echo/v4 std:net/http",
			"gateway/smart: fhir",
			"internal/record: consent fhir internal/index internal/seal internal/store internal/ledger",
			"internal/ledger: abci/private abci/tx github.com/cometbft/cometbft/node",
			"abci/tx/mlog: abci/tx",
			"internal/store/pebble: internal/store github.com/cockroachdb/pebble/v2",
		}, nil},
		{"upwards", []string{"fhir: gateway"}, []string{"fhir imports gateway"}},
		{"sideways", []string{"consent: fhir"}, []string{"consent imports fhir"}},
		{"past a layer", []string{"gateway: internal/store"}, []string{"gateway imports internal/store"}},
		{"a name that only begins the same", []string{"gateway: internal/records"}, []string{"gateway imports internal/records"}},
		{"ledger to clinical types", []string{"internal/ledger: fhir", "fhir:"}, []string{
			"internal/ledger imports fhir",
			"internal/ledger reaches fhir by " + Module + "/internal/ledger -> " + Module + "/fhir",
		}},
		{"the long way round", []string{
			"abci/private: example.org/helper", "example.org/helper: " + Module + "/fhir", Module + "/fhir:",
		}, []string{"abci/private reaches fhir by " + Module + "/abci/private -> example.org/helper -> " + Module + "/fhir"}},
		{"a new package", []string{"internal/util:"}, []string{"internal/util has no place in the table of imports"}},
		{"cometbft in the gateway", []string{"gateway: github.com/cometbft/cometbft/types"}, []string{
			"gateway imports github.com/cometbft/cometbft/types: nothing outside the ledger sees CometBFT",
		}},
		{"protos in the store", []string{"internal/store: github.com/google/fhir/go/jsonformat"}, []string{
			"internal/store imports github.com/google/fhir/go/jsonformat: no clinical type can reach the chain or the store",
		}},
		{"network in a pure package", []string{"consent: std:net/http"}, []string{"consent imports net/http: no network"}},
		{"parsing addresses is no network", []string{"fhir: std:net/url"}, nil},
		{"files in a pure package", []string{"fhir: std:os"}, []string{"fhir imports os: no I/O"}},
		{"chance on the chain", []string{"abci/consortium: std:math/rand/v2"}, []string{
			"abci/consortium imports math/rand/v2: deterministic on the chain, cryptographic elsewhere",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Check(graph(tt.lines...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A forbidden import made on purpose in the real tree, through an overlay, is found.
func TestForbiddenImportIsFound(t *testing.T) {
	tests := []struct{ pkg, name, imports, want string }{
		{"abci/tx", "tx", Module + "/fhir", "abci/tx imports fhir"},
		{"fhir", "fhir", "net/http", "fhir imports net/http: no network"},
		{"internal/archtest", "archtest", "github.com/labstack/echo/v4", "internal/archtest imports github.com/labstack/echo/v4: nothing below the gateway sees echo"},
	}
	for _, tt := range tests {
		t.Run(tt.pkg, func(t *testing.T) {
			list, err := List(root, "-overlay", overlay(t, tt.pkg, tt.name, tt.imports))
			if err != nil {
				t.Fatal(err)
			}
			if breaches := Check(list); !slices.Contains(breaches, tt.want) {
				t.Errorf("want %q among %q", tt.want, breaches)
			}
		})
	}
}

// overlay adds a file with one import to a package, without touching the tree.
func overlay(t *testing.T, pkg, name, imports string) string {
	t.Helper()
	dir := t.TempDir()
	at, err := filepath.Abs(filepath.Join(root, pkg, "forbidden_import.go"))
	if err != nil {
		t.Fatal(err)
	}
	extra, file := filepath.Join(dir, "extra.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(extra, []byte("package "+name+"\n\nimport _ \""+imports+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {at: extra}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, replace, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
