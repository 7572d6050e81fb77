package fhir

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// byteOrderMark may open a JSON text (RFC 8259 section 8.1 lets readers accept it).
const byteOrderMark = "\uFEFF"

// scanner checks one resource against JSON and the R4 types in one pass over
// the bytes. Problems of the content are collected; problems of the JSON, after
// which nothing can be trusted, end the scan.
type scanner struct {
	lexer
	schema *schema
	root   string // type of the outermost resource, empty when unknown
	path   []segment
	issues []located
	seen   []uint64            // seen-sets of the open objects, stacked
	lists  []listSpan          // primitive arrays of the open objects, stacked
	local  []localReference    // fragment references of the current container
	ids    map[string]struct{} // ids contained in the current container
	inside bool                // inside a contained resource
	buf    []byte              // decoded text of the current string
	id     string              // id of the outermost resource
	ahead  int                 // bytes looked at in search of resourceType

	// entries, when not nil, receives the places of the resources of a Bundle,
	// which are then read as plain JSON.
	entries *[]span

	// First room for the stacks, so that most scans allocate once.
	pathRoom [12]segment
	seenRoom [24]uint64
	listRoom [6]listSpan
}

// maxAhead bounds the search for resourceType to a multiple of the input, which
// otherwise would be as many times its length as resources are nested. Small
// inputs are let off.
const maxAhead = 4

// span is a part of the input.
type span struct{ start, end int }

// localReference is a reference to a contained resource.
type localReference struct {
	id  string
	off int
	at  []string
}

// newScanner checks size and encoding, which everything else builds on.
func newScanner(raw []byte, lim Limits) (*scanner, error) {
	lim = lim.orDefault()
	if len(raw) > lim.MaxBytes {
		text := "input is longer than " + strconv.Itoa(lim.MaxBytes) + " bytes"
		return nil, &Invalid{Issues: []Issue{{Severity: "fatal", Code: "too-long", Diagnostics: text}}}
	}
	if !utf8.Valid(raw) {
		text := "input is not UTF-8"
		return nil, invalidAt(raw, []located{{invalidUTF8(raw), Issue{Severity: "fatal", Code: "structure", Diagnostics: text}}})
	}
	s := &scanner{schema: r4Schema()}
	s.path, s.seen, s.lists = s.pathRoom[:0], s.seenRoom[:0], s.listRoom[:0]
	s.src, s.maxDepth = raw, lim.MaxDepth
	if bytes.HasPrefix(raw, []byte(byteOrderMark)) {
		s.pos, s.run = len(byteOrderMark), len(byteOrderMark)
	}
	return s, nil
}

// invalidUTF8 finds the first byte that does not belong to UTF-8 text.
func invalidUTF8(raw []byte) int {
	i := 0
	for i < len(raw) {
		r, n := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return i
}

// document scans the whole input as one resource and gives its type, which may
// be nil even without an error to report here.
func (s *scanner) document() *typ {
	s.space()
	var t *typ
	if s.peek() == '{' {
		t = s.resource()
	} else {
		s.fail(s.pos, "expected a JSON object")
	}
	s.space()
	if s.failed == nil && s.pos != len(s.src) {
		s.fail(s.pos, "unexpected text after the resource")
	}
	return t
}

// resource scans an object whose type its resourceType tells.
func (s *scanner) resource() *typ {
	t := s.findType()
	if len(s.path) == 0 && t != nil {
		s.root = t.name
	}
	if t == nil {
		s.skip()
		return nil
	}
	if n := len(s.path); n > 0 && s.path[n-1].name == "contained" {
		s.inside = true
		s.object(t)
		s.inside = false
		return t
	}
	first, ids := len(s.local), s.ids
	s.ids = nil
	if !s.object(t) {
		return t
	}
	for _, ref := range s.local[first:] {
		if _, ok := s.ids[ref.id]; !ok && len(s.issues) < maxIssues {
			s.issues = append(s.issues, located{ref.off, Issue{
				Severity: "error", Code: "value",
				Diagnostics: "no contained resource has the id that the reference names", Expression: ref.at,
			}})
		}
	}
	s.local, s.ids = s.local[:first], ids
	return t
}

// findType finds the type of the object that begins here, or reports why it
// has none, unless the JSON is broken: that shows later.
func (s *scanner) findType() *typ {
	l := s.lookAhead()
	off, t, ok := l.findMember("resourceType")
	s.ahead += l.pos - s.pos
	switch {
	case l.failed != nil:
	case s.ahead > max(maxAhead*len(s.src), 1<<16):
		s.failed = &failure{s.pos, "too-costly", "resourceType comes last in too many nested resources"}
	case off < 0:
		s.report(s.pos, "required", "resourceType is missing")
	case !ok:
		s.report(off, "structure", "resourceType must be a string")
	default:
		if t := s.schema.resources[string(l.text(t, nil))]; t != nil {
			return t
		}
		s.report(off, "not-supported", "resourceType is not a FHIR R4 resource type")
	}
	return nil
}
