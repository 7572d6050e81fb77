package receipt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// tree is a JSON value that keeps the order of its members, and those that are there twice.
type tree struct {
	kind  byte // '{', '[' or 0
	names []string
	elems []*tree
	raw   string // of a scalar
}

func parseTree(t testing.TB, raw []byte) *tree {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	out, err := readTree(dec)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readTree(dec *json.Decoder) (*tree, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		raw, err := encodeJSON(tok)
		return &tree{raw: string(raw)}, err
	}
	out := &tree{kind: byte(delim)}
	for dec.More() {
		if out.kind == '{' {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			out.names = append(out.names, fmt.Sprint(name))
		}
		elem, err := readTree(dec)
		if err != nil {
			return nil, err
		}
		out.elems = append(out.elems, elem)
	}
	_, err = dec.Token()
	return out, err
}

func (n *tree) String() string {
	if n.kind == 0 {
		return n.raw
	}
	parts := make([]string, len(n.elems))
	for i, e := range n.elems {
		parts[i] = e.String()
		if n.kind == '{' {
			parts[i] = fmt.Sprintf("%q:%s", n.names[i], parts[i])
		}
	}
	return string(n.kind) + strings.Join(parts, ",") + string(n.kind+2)
}

// walk visits every element with its path.
func (n *tree) walk(path string, visit func(path string, n *tree)) {
	visit(path, n)
	for i, e := range n.elems {
		name := fmt.Sprint(i)
		if n.kind == '{' {
			name = n.names[i]
		}
		e.walk(path+"/"+name, visit)
	}
}

// refused checks that a mutation is invalid with a step named, and counts the step.
func refused(t *testing.T, w *world, what string, raw []byte, steps map[string]int) {
	t.Helper()
	report := verify(raw, func() (*Trust, error) { return w.trust, nil }, Options{})
	if report.Verdict != Invalid {
		t.Errorf("%s: %s", what, report.Verdict)
		return
	}
	failed := report.Failed()
	if failed == nil || failed.Name == "" || failed.Detail == "" {
		t.Errorf("%s: no step named", what)
		return
	}
	steps[failed.Name]++
}

// wantSteps checks that the mutations were caught by the checks of the content, and not only by the form.
func wantSteps(t *testing.T, steps map[string]int, want ...string) {
	t.Helper()
	for _, s := range want {
		if steps[s] == 0 {
			t.Errorf("no mutation was refused by step %s: %v", s, steps)
		}
	}
}

func TestEveryChangedByteIsRefused(t *testing.T) {
	w := newWorld(t)
	steps := map[string]int{}
	for name, raw := range w.receipts() {
		masks := []byte{0x01}
		if name == "anchored" {
			masks = []byte{0x01, 0x20}
		}
		for i := range raw {
			for _, mask := range masks {
				changed := bytes.Clone(raw)
				changed[i] ^= mask
				refused(t, w, fmt.Sprintf("%s: byte %d ^ %#x", name, i, mask), changed, steps)
			}
		}
	}
	wantSteps(t, steps, StepFormat, StepParts, StepLeaf, StepOpenings, StepBatch, StepPrivateLog, StepPrivateHeader, StepPrivateCommit,
		StepConsortiumChanges, StepConsortiumHeader, StepConsortiumCommit, StepAnchorLog, StepConsent)
}

func TestEveryMissingOrExtraByteIsRefused(t *testing.T) {
	w := newWorld(t)
	steps := map[string]int{}
	for i := range w.anchored {
		refused(t, w, fmt.Sprintf("without byte %d", i), slices.Delete(bytes.Clone(w.anchored), i, i+1), steps)
		refused(t, w, fmt.Sprintf("byte %d twice", i), slices.Insert(bytes.Clone(w.anchored), i, w.anchored[i]), steps)
		refused(t, w, fmt.Sprintf("space at %d", i), slices.Insert(bytes.Clone(w.anchored), i, ' '), steps)
		refused(t, w, fmt.Sprintf("cut at %d", i), w.anchored[:i], steps)
	}
	refused(t, w, "line feed at the end", append(bytes.Clone(w.anchored), '\n'), steps)
}

func TestEveryDroppedDuplicatedOrSwappedElementIsRefused(t *testing.T) {
	w := newWorld(t)
	steps := map[string]int{}
	for name, raw := range w.receipts() {
		root := parseTree(t, raw)
		if root.String() != string(raw) {
			t.Fatal("the tree is not faithful")
		}
		root.walk(name, func(path string, n *tree) {
			elems, names := slices.Clone(n.elems), slices.Clone(n.names)
			try := func(what string, i int, change func()) {
				change()
				if root.String() != string(raw) {
					refused(t, w, fmt.Sprintf("%s: %s %d", path, what, i), []byte(root.String()), steps)
				}
				n.elems, n.names = slices.Clone(elems), slices.Clone(names)
			}
			for i := range elems {
				try("drop", i, func() {
					n.elems = slices.Delete(n.elems, i, i+1)
					if n.kind == '{' {
						n.names = slices.Delete(n.names, i, i+1)
					}
				})
				try("duplicate", i, func() {
					n.elems = slices.Insert(n.elems, i, n.elems[i])
					if n.kind == '{' {
						n.names = slices.Insert(n.names, i, n.names[i])
					}
				})
				try("null", i, func() { n.elems[i] = &tree{raw: "null"} })
				for j := range i {
					try("swap values", i, func() { n.elems[i], n.elems[j] = n.elems[j], n.elems[i] })
					try("swap members", i, func() {
						n.elems[i], n.elems[j] = n.elems[j], n.elems[i]
						if n.kind == '{' {
							n.names[i], n.names[j] = n.names[j], n.names[i]
						}
					})
				}
			}
		})
	}
	wantSteps(t, steps, StepFormat, StepParts, StepLeaf, StepOpenings, StepBatch, StepPrivateLog, StepPrivateHeader, StepConsortiumChanges,
		StepConsortiumHeader, StepAnchorLog, StepConsent)
}

// Every element of one receipt in the place of the same element of another.
func TestElementsOfAnotherReceiptAreRefused(t *testing.T) {
	w := newWorld(t)
	steps := map[string]int{}
	count := 0
	names := slices.Sorted(maps.Keys(w.receipts()))
	for _, into := range names {
		for _, from := range names {
			donor := map[string]*tree{}
			parseTree(t, w.receipts()[from]).walk("", func(path string, n *tree) { donor[path] = n })
			root := parseTree(t, w.receipts()[into])
			root.walk("", func(path string, n *tree) {
				other, ok := donor[path]
				if !ok || path == "" || other.String() == n.String() {
					return
				}
				before := *n
				*n = *other
				refused(t, w, fmt.Sprintf("%s of %s in %s", path, from, into), []byte(root.String()), steps)
				*n = before
				count++
			})
		}
	}
	if count < 200 {
		t.Errorf("only %d elements tried", count)
	}
	wantSteps(t, steps, StepParts, StepOpenings, StepBatch, StepPrivateLog, StepPrivateHeader, StepPrivateCommit, StepConsortiumHeader,
		StepConsortiumCommit, StepAnchorLog, StepAnchor, StepConsent)
}

// The other members of the two formats: a receipt is no trust file, and a trust file no receipt.
func TestChangedTrustFileIsRefused(t *testing.T) {
	w := newWorld(t)
	for i := range w.trustFile {
		changed := bytes.Clone(w.trustFile)
		changed[i] ^= 1
		report := Verify(w.anchored, changed, Options{})
		if report.Verdict != Invalid || report.Failed().Name != StepTrust {
			t.Errorf("trust file byte %d: %s, %+v", i, report.Verdict, report.Failed())
		}
	}
	for name, pair := range map[string][2][]byte{"swapped": {w.trustFile, w.anchored}, "empty": {nil, nil}, "receipt only": {w.anchored, nil}} {
		if report := Verify(pair[0], pair[1], Options{}); report.Verdict != Invalid || report.Failed().Name != StepTrust {
			t.Errorf("%s: %s", name, report.Verdict)
		}
	}
}
