// Package archtest holds the table of allowed imports between the packages of this module, and checks it against what
// `go list -deps` reports. The table is the architecture: data flows one way, and the ledger cannot reach a clinical
// type. A package that the table does not name is an error, so that a new one has to find its place first.
//
// Only what is built into programs is checked. Tests may wire up more than the package under test may know.
package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// Module is the path of this module.
const Module = "github.com/chartseal/chartseal"

// rule says what the packages at or below a path may import of ours. Packages at or below the same path may always
// import each other.
type rule struct {
	path string
	may  []string // paths; what lies below them is included
	all  bool
}

// table is ordered: the first path that a package lies at or below decides.
var table = []rule{
	{path: "cmd", all: true},
	{path: "gateway", may: []string{"internal/record", "internal/cache", "internal/seal", "consent", "fhir"}},
	{path: "internal/record", may: []string{"consent", "fhir", "internal/index", "internal/seal", "internal/store", "internal/ledger"}},
	{path: "internal/index", may: []string{"fhir", "internal/seal", "internal/store"}},
	{path: "internal/ledger", may: []string{"abci"}},
	{path: "abci/private", may: []string{"abci/tx"}},
	{path: "abci/consortium", may: []string{"abci/tx"}},
	{path: "abci/receipt", may: []string{"abci/tx"}},
	{path: "abci/tx"},
	{path: "consent"},
	{path: "fhir"},
	{path: "conformance"},
	{path: "web"},
	{path: "internal/seal"},
	{path: "internal/store"},
	{path: "internal/cache"},
	{path: "internal/load"},
	{path: "internal/bench"},
	{path: "internal/fidelity"},
	{path: "internal/leakscan"},
	{path: "internal/crashfs"},
	{path: "internal/defects"}, // of builds for the conformance suite's own proof
	{path: "internal/archtest"},
	{path: "internal/e2e"}, // tests only: it knows the binary, not the code
}

// fence keeps the packages of others out of all but a few of ours.
type fence struct {
	outside string // import path; what lies below it is included
	exact   bool   // what lies below it is not included
	only    []string
	never   []string // if only is empty: all of ours but these,
	except  []string // of which these may after all
	why     string
}

// offline is what never opens a socket.
var offline = []string{"fhir", "consent", "abci/tx", "abci/private", "abci/consortium", "abci/receipt", "internal/seal", "internal/index"}

// readers are generators, which are no part of any program, and the reader of access stories.
var readers = []string{"fhir/definitions/gen", "consent/gen", "consent/stories"}

var fences = []fence{
	{outside: "github.com/cometbft/cometbft", only: []string{"abci", "internal/ledger"}, why: "nothing outside the ledger sees CometBFT"},
	{outside: "github.com/cosmos/iavl", only: []string{"abci/consortium"}, why: "the tree belongs to the consortium application"},
	{outside: "github.com/labstack/echo", only: []string{"gateway", "cmd"}, why: "nothing below the gateway sees echo"},
	{outside: "github.com/google/fhir", never: []string{"abci", "internal/ledger", "internal/seal", "internal/store"}, why: "no clinical type can reach the chain or the store"},
	{outside: "github.com/cockroachdb/pebble", only: []string{"internal/store/pebble", "internal/leakscan", "abci", "internal/ledger", "cmd"}, why: "storage engines stay behind their interface"},
	{outside: "net", exact: true, never: offline, why: "no network"},
	{outside: "net/http", never: offline, why: "no network"},
	{outside: "os", never: []string{"fhir", "consent", "abci/tx", "abci/receipt"}, except: readers, why: "no I/O"},
	{outside: "math/rand", never: []string{"abci", "internal/seal"}, why: "deterministic on the chain, cryptographic elsewhere"},
}

// sealedOff may not reach these packages of ours by any way, direct or not: a breach is reported with the way.
var sealedOff = []struct{ from, to string }{
	{"abci", "fhir"}, {"abci", "consent"}, {"internal/ledger", "fhir"}, {"internal/ledger", "consent"},
}

// Package is the part of what `go list -json` prints that is used here.
type Package struct {
	ImportPath string
	Imports    []string
}

// List runs `go list -deps` over the module at dir. Further arguments go before the pattern. Packages that do not
// compile are listed as far as they can be read: to complain about them is the compiler's task.
func List(dir string, args ...string) ([]Package, error) {
	args = append([]string{"list", "-e", "-deps", "-json=ImportPath,Imports"}, args...)
	cmd := exec.Command("go", append(args, "./...")...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("go list: %w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("go list: %w", err)
	}
	var list []Package
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p Package
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, p)
	}
}

// Check returns a line for each import that breaks the table, in order.
func Check(list []Package) []string {
	var breaches []string
	graph := make(map[string][]string)
	for _, p := range list {
		graph[p.ImportPath] = p.Imports
		if mine, ok := ours(p.ImportPath); ok {
			breaches = append(breaches, checkPackage(mine, p.Imports)...)
		}
	}
	for _, p := range list {
		mine, ok := ours(p.ImportPath)
		for _, s := range sealedOff {
			if !ok || !within(mine, s.from) {
				continue
			}
			if way := reach(graph, p.ImportPath, s.to); way != nil {
				breaches = append(breaches, fmt.Sprintf("%s reaches %s by %s", mine, s.to, strings.Join(way, " -> ")))
			}
		}
	}
	slices.Sort(breaches)
	return breaches
}

func checkPackage(mine string, imports []string) []string {
	i := slices.IndexFunc(table, func(r rule) bool { return within(mine, r.path) })
	if i < 0 {
		return []string{mine + " has no place in the table of imports"}
	}
	r := table[i]
	var breaches []string
	for _, imported := range imports {
		if theirs, ok := ours(imported); ok {
			if !r.all && !within(theirs, r.path) && !slices.ContainsFunc(r.may, func(m string) bool { return within(theirs, m) }) {
				breaches = append(breaches, fmt.Sprintf("%s imports %s", mine, theirs))
			}
			continue
		}
		for _, f := range fences {
			if f.about(imported) && !f.lets(mine) {
				breaches = append(breaches, fmt.Sprintf("%s imports %s: %s", mine, imported, f.why))
			}
		}
	}
	return breaches
}

func (f fence) about(imported string) bool {
	return imported == f.outside || (!f.exact && within(imported, f.outside))
}

func (f fence) lets(mine string) bool {
	in := func(path string) bool { return within(mine, path) }
	if len(f.only) > 0 {
		return slices.ContainsFunc(f.only, in)
	}
	return !slices.ContainsFunc(f.never, in) || slices.ContainsFunc(f.except, in)
}

// ours returns the path of a package inside this module.
func ours(importPath string) (string, bool) {
	if importPath == Module {
		return ".", true
	}
	return strings.CutPrefix(importPath, Module+"/")
}

func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}

// reach returns the shortest way from a package to one of ours at or below a path, or nil.
func reach(graph map[string][]string, from, to string) []string {
	came := map[string]string{from: ""}
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		if mine, ok := ours(todo[0]); ok && within(mine, to) {
			var way []string
			for at := todo[0]; at != ""; at = came[at] {
				way = append(way, at)
			}
			slices.Reverse(way)
			return way
		}
		for _, next := range graph[todo[0]] {
			if _, seen := came[next]; !seen {
				came[next] = todo[0]
				todo = append(todo, next)
			}
		}
	}
	return nil
}
