package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

type nodeKind uint8

const (
	bundleNode nodeKind = iota // a file sent as it is
	singleNode                 // a file with one resource
	ndjsonNode                 // all lines of one type, from every NDJSON file
)

// node is one step of a plan: something that is sent only after what it needs.
type node struct {
	kind  nodeKind
	path  string   // bundle and single: the file
	typ   string   // single and NDJSON: the resource type
	files []string // NDJSON: the files that hold the type, in path order
	size  int64    // bytes, for progress
	base  bool     // holds nothing but organisations, people who treat and places
	// serial: NDJSON whose lines refer conditionally to their own type must go line after line.
	serial   bool
	provides []uint64
	needs    []need
}

// need is one outgoing reference: exact names the resource, class any resource of its type (0: none). hard references are conditional:
// the server resolves them when it stores the referrer.
type need struct {
	exact, class uint64
	hard         bool
}

// plan is what Run will do, in levels: a level starts when the one before is finished.
type plan struct {
	levels  [][]*node
	bytes   int64
	skipped []Skip
	failed  []Failure
}

// baseTypes are the types that clinical data refers to and that refer to each other at most.
func isBaseType(typ string) bool {
	switch typ {
	case "Organization", "Practitioner", "PractitionerRole", "Location", "HealthcareService", "Endpoint":
		return true
	}
	return false
}

// input is a file to look at. named: the caller gave this very path, so it must be loadable; files found in a folder may be something
// else (a package manifest, an export log) and are then skipped with a note.
type input struct {
	path  string
	named bool
}

// discover lists the files of the given paths in a stable order: paths as given, folders in name order.
func discover(paths []string) ([]input, error) {
	var list []input
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		if !info.IsDir() {
			list = append(list, input{path: path, named: true})
			continue
		}
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && (isNDJSON(p) || strings.EqualFold(filepath.Ext(p), ".json")) {
				list = append(list, input{path: p})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("list files: %w", err)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: no .json or .ndjson file under the given paths", ErrUsage)
	}
	return list, nil
}

func isNDJSON(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".ndjson" || ext == ".jsonl"
}

// makePlan reads all input once and orders it.
func makePlan(ctx context.Context, paths []string, maxLine int) (*plan, error) {
	inputs, err := discover(paths)
	if err != nil {
		return nil, err
	}
	p := &plan{}
	var nodes []*node
	lines := ndjsonScan{types: map[string]*node{}, seen: map[string]map[need]bool{}, maxLine: maxLine}
	for _, in := range inputs {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("plan: %w", err)
		}
		n, err := p.look(in, &lines)
		if err != nil {
			p.failed = append(p.failed, Failure{Source: in.path, Error: err.Error()})
		} else if n != nil {
			nodes = append(nodes, n)
		}
	}
	nodes = append(nodes, lines.nodes()...)
	for _, n := range nodes {
		p.bytes += n.size
	}
	p.levels = inLevels(nodes)
	return p, nil
}

var errNotResource = errors.New("no FHIR resource: not an object with a resourceType")

// look plans one file. It returns nil for files that are skipped and for NDJSON, which lines collects.
func (p *plan) look(in input, lines *ndjsonScan) (*node, error) {
	var (
		n   *node
		err error
	)
	if isNDJSON(in.path) {
		err = lines.scan(in.path)
	} else {
		n, err = scanFile(in.path)
	}
	if errors.Is(err, errNotResource) && !in.named {
		p.skipped = append(p.skipped, Skip{Path: in.path, Reason: err.Error()})
		return nil, nil
	}
	return n, err
}

var utf8BOM = []byte("\xef\xbb\xbf")

// readFile reads a .json file; text is its content without a byte order mark.
func readFile(path string) (raw, text []byte, err error) {
	raw, err = os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read: %w", err)
	}
	return raw, bytes.TrimPrefix(raw, utf8BOM), nil
}

var errNotJSON = errors.New("not well-formed JSON")

// scanFile plans one .json file. Whether all of it is well-formed is only checked when it is sent: the check would cost as much as the
// rest of planning.
func scanFile(path string) (*node, error) {
	raw, text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	h := headerOf(text)
	if h.Type == "" {
		if !json.Valid(text) {
			return nil, errNotJSON
		}
		return nil, errNotResource
	}
	n := &node{kind: singleNode, path: path, typ: h.Type, size: int64(len(raw))}
	if isInteraction(h) {
		n.kind = bundleNode
	}
	n.examine(text, h)
	return n, nil
}

// isInteraction tells the Bundles that are requests from those that are content.
func isInteraction(h header) bool {
	return h.Type == "Bundle" && (h.Kind == "transaction" || h.Kind == "batch")
}

// sortNodes gives plans one order whatever the maps said.
func sortNodes(nodes []*node) {
	sort.SliceStable(nodes, func(i, j int) bool {
		a, b := nodes[i], nodes[j]
		if (a.typ == "Patient") != (b.typ == "Patient") {
			return a.typ == "Patient"
		}
		return a.typ < b.typ
	})
}
