package fhir

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

var corpusFlag = flag.String("corpus", "", "what TestCorpus compares: patterns of files and folders, separated by commas")

// differential holds Parse against jsonformat, resource by resource.
type differential struct {
	unmarshal func([]byte) (proto.Message, error)
	resources int
	accepted  int
	equal     int // messages that are equal as they are
	faithful  int
	only      map[string][]string // verdicts and messages that differ, and refusals of both, by kind
}

func newDifferential(tb testing.TB) *differential {
	tb.Helper()
	return &differential{unmarshal: oracle(tb), only: map[string][]string{}}
}

// add looks at one resource.
func (d *differential) add(t *testing.T, name string, raw []byte) {
	t.Helper()
	d.resources++
	r, err := Parse(raw, Limits{})
	theirs, theirErr := d.unmarshal(raw)
	if err != nil {
		kind := "refused"
		if theirErr == nil {
			kind = "refused here only"
		}
		d.only[kind] = append(d.only[kind], name+": "+allIssues(err))
		return
	}
	d.accepted++
	if err := splicesBack(raw, r.JSON); err != nil {
		t.Errorf("%s: %v", name, err)
	} else {
		d.faithful++
	}
	if theirErr != nil {
		const kind = "refused by jsonformat only"
		d.only[kind] = append(d.only[kind], name+": "+theirErr.Error())
		return
	}
	kinds := sameMessage(t, name, theirs, r.Proto)
	for _, k := range kinds {
		d.only[k] = append(d.only[k], name)
	}
	if len(kinds) == 0 {
		d.equal++
	}
}

// allIssues joins what was found, without the limit of Error.
func allIssues(err error) string {
	var inv *Invalid
	if !errors.As(err, &inv) {
		return err.Error()
	}
	var all []string
	for _, i := range inv.Issues {
		all = append(all, strings.Join(i.Expression, ",")+" "+i.Diagnostics)
	}
	return strings.Join(all, "; ")
}

// splicesBack checks with encoding/json alone that Splice changes id, versionId
// and lastUpdated of the text that was sent, white space, and nothing else.
func splicesBack(raw, parsed []byte) error {
	spliced, err := Splice(parsed, "an-id", "7", time.Unix(1_700_000_000, 0))
	if err != nil {
		return err
	}
	var compacted bytes.Buffer
	if err := json.Compact(&compacted, bytes.TrimPrefix(raw, []byte(byteOrderMark))); err != nil {
		return err
	}
	was, err := withoutServerParts(compacted.Bytes())
	if err != nil {
		return err
	}
	is, err := withoutServerParts(spliced)
	if err != nil {
		return err
	}
	if !slices.Equal(was, is) {
		return errors.New("Splice changes more than it may")
	}
	return nil
}

// withoutServerParts lists the members of a resource, and apart those of meta, in
// order and with the bytes of their values, but for those that a server sets.
func withoutServerParts(resource []byte) ([]string, error) {
	out, meta, err := membersInOrder(resource, "id", "meta")
	if err != nil || meta == nil {
		return out, err
	}
	inMeta, _, err := membersInOrder(meta, "versionId", "lastUpdated")
	for _, m := range inMeta {
		out = append(out, "meta."+m)
	}
	return out, err
}

// membersInOrder leaves two members out and gives the value of the second.
func membersInOrder(object []byte, without, and string) (members []string, value json.RawMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, nil, err
		}
		switch name {
		case without:
		case and:
			value = v
		default:
			members = append(members, fmt.Sprint(name, ":", string(v)))
		}
	}
	return members, value, nil
}

// addBundle looks at a resource and, if it is a Bundle, at its entries too.
func (d *differential) addBundle(t *testing.T, name string, raw []byte) {
	t.Helper()
	d.add(t, name, raw)
	b, err := ParseBundle(raw, Limits{})
	if err != nil {
		return
	}
	for i := range b.Entries {
		if e := &b.Entries[i]; e.Resource != nil {
			d.add(t, name+" "+e.Path, e.Resource)
		}
	}
}

// file looks at a file of FHIR JSON or NDJSON. One without a resourceType, such as
// the index of a package, is left out.
func (d *differential) file(t *testing.T, path string) error {
	t.Helper()
	name := filepath.Base(path)
	switch filepath.Ext(path) {
	case ".json":
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var head struct{ ResourceType string }
		if json.Unmarshal(bytes.TrimPrefix(raw, []byte(byteOrderMark)), &head) == nil && head.ResourceType != "" {
			d.addBundle(t, name, raw)
		}
	case ".ndjson":
		return d.lines(t, name, path)
	}
	return nil
}

func (d *differential) lines(t *testing.T, name, path string) error {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, DefaultLimits.MaxBytes)
	for n := 1; lines.Scan(); n++ {
		if raw := bytes.Clone(lines.Bytes()); len(raw) > 0 {
			d.add(t, fmt.Sprint(name, ":", n), raw)
		}
	}
	return lines.Err()
}

// TestOracleExamples holds verdicts and messages against jsonformat, for all
// examples that are kept here.
func TestOracleExamples(t *testing.T) {
	for _, c := range []struct {
		archive                     string
		resources, accepted, stride int
	}{
		{"r4-examples.tar.zst", 2277, 2272, 3},
		{"ig-examples.tar.zst", 642, 642, 0},
		{"synthea.tar.zst", 450, 450, 0},
	} {
		d := newDifferential(t)
		for _, f := range corpus(t, c.archive) {
			d.addBundle(t, f.name, f.data)
		}
		if d.resources != c.resources || d.accepted != c.accepted || d.faithful != c.accepted || d.equal != c.accepted-c.stride ||
			len(d.only["refused"]) != c.resources-c.accepted || len(d.only[strideDifference]) != c.stride {
			t.Errorf("%s is not as docs/jsonformat-differences.md says", c.archive)
			d.log(t, c.archive)
		}
	}
}

// TestOracleDifferencesAreExplained looks for the kinds of differences in the page.
func TestOracleDifferencesAreExplained(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "jsonformat-differences.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{strideDifference, zoneDifference, referenceDifference} {
		if !bytes.Contains(page, []byte(kind)) {
			t.Errorf("docs/jsonformat-differences.md does not explain %s", kind)
		}
	}
}

// TestCorpus compares with jsonformat over files that are too large to keep here:
//
//	go test ./fhir -run TestCorpus -v -corpus 'DIR,DIR/*.json'
//
// docs/jsonformat-differences.md has its figures.
func TestCorpus(t *testing.T) {
	if *corpusFlag == "" {
		return // a tool for those who have the data, not a test of every run
	}
	for pattern := range strings.SplitSeq(*corpusFlag, ",") {
		d := newDifferential(t)
		roots, err := filepath.Glob(pattern)
		if err != nil || len(roots) == 0 {
			t.Fatalf("%s: nothing there, %v", pattern, err)
		}
		for _, root := range roots {
			err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				return d.file(t, path)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		d.log(t, pattern)
	}
}

func (d *differential) log(t *testing.T, name string) {
	t.Helper()
	t.Logf("%s: %d resources, %d accepted, of these %d with the message of jsonformat and %d spliced faithfully",
		name, d.resources, d.accepted, d.equal, d.faithful)
	for _, kind := range slices.Sorted(maps.Keys(d.only)) {
		t.Logf("%s: %d", kind, len(d.only[kind]))
		for _, x := range d.only[kind][:min(len(d.only[kind]), 20)] {
			t.Logf("    %.300s", x)
		}
	}
}
