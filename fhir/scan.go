package fhir

import (
	"bytes"
	"reflect"
	"strconv"
	"sync"
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
	seen   []uint64         // seen-sets of the open objects, stacked
	halves []half           // what may need its other half in the open objects, stacked
	local  []localReference // fragments that refer, in the open containers, stacked
	held   []heldResource   // contained resources of the open containers, stacked
	texts  []token          // narratives of the open containers, stacked
	ids    map[string]bool  // ids contained in the current container, true when referred to
	inside bool             // inside a contained resource
	buf    []byte           // decoded text of the current string
	id     string           // id of the outermost resource
	again  int              // bytes looked at more than once

	// build asks for the message of the resource: it is made as the scan goes,
	// until there is an issue. The elements of open lists are stacked.
	build    bool
	elements []reflect.Value
	message  reflect.Value // of the outermost resource, a pointer
	fault    error         // of this program, in making the message

	// entries, when not nil, receives the places of the resources of a Bundle,
	// which are then read as plain JSON.
	entries *[]span

	// wanted, when not nil, holds issues about fragment references by the place of
	// these: the scan only serves to find their expressions.
	wanted map[int]*Issue
}

// maxAgain bounds what is looked at more than once to a multiple of the input: the
// search for resourceType and the comparison of arrays otherwise were as many
// times its length as resources or arrays are nested. Small inputs are let off.
const maxAgain = 4

// spend counts what a second look at the input from start to end costs, and fails
// the scan when that is too much.
func (s *scanner) spend(start, end int) bool {
	s.again += end - start
	if s.again <= max(maxAgain*len(s.src), 1<<16) {
		return true
	}
	if s.failed == nil {
		s.failed = &failure{s.pos, "too-costly", "nested so that parts have to be read too often"}
	}
	return false
}

// span is a part of the input.
type span struct{ start, end int }

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
	s, _ := scanners.Get().(*scanner)
	s.schema, s.src, s.maxDepth = r4Schema(), raw, lim.MaxDepth
	if bytes.HasPrefix(raw, []byte(byteOrderMark)) {
		s.pos, s.run = len(byteOrderMark), len(byteOrderMark)
	}
	return s, nil
}

// scanners keeps the stacks of past scans, which otherwise were a quarter of
// what a scan allocates.
var scanners = sync.Pool{New: func() any { return &scanner{} }}

// maxKept is the largest stack, in elements, that is worth to be kept.
const maxKept = 16 << 10

// release gives the scanner back. It keeps neither input nor output: stacks are
// cleared as they shrink, and here what an early end left on them.
func (s *scanner) release() {
	clear(s.halves)
	clear(s.local)
	clear(s.held)
	clear(s.elements)
	*s = scanner{
		path: kept(s.path), seen: kept(s.seen), halves: kept(s.halves), local: kept(s.local),
		held: kept(s.held), texts: kept(s.texts), elements: kept(s.elements), buf: kept(s.buf), lexer: lexer{out: kept(s.out)},
	}
	scanners.Put(s)
}

func kept[T any](stack []T) []T {
	if cap(stack) > maxKept {
		return nil
	}
	return stack[:0]
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
		t = s.resource(reflect.Value{})
	} else {
		s.fail(s.pos, "expected a JSON object")
	}
	s.space()
	if s.failed == nil && s.pos != len(s.src) {
		s.fail(s.pos, "unexpected text after the resource")
	}
	return t
}
