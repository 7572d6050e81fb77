package fhir

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Bundle is a Bundle taken apart, its resources not read yet.
type Bundle struct {
	Type    string // batch, transaction, collection …
	Entries []BundleEntry
}

// BundleEntry is one entry. Of what Bundle.entry.request holds, what is missing
// is empty.
type BundleEntry struct {
	FullURL         string
	Method          string // GET, HEAD, POST, PUT, PATCH, DELETE; empty without a request
	URL             string // as sent, without a leading slash
	IfMatch         string
	IfNoneMatch     string
	IfModifiedSince string
	IfNoneExist     string
	// Resource is the text of entry.resource within the input, white space
	// included; nil if there is none. It is well-formed JSON; Parse checks the rest.
	Resource []byte
	Path     string // the entry as an expression: Bundle.entry[3]
	Line     int    // where Resource begins, as in Issue
	Column   int
}

// ParseBundle scans a Bundle once and gives its parts; their memory is that of
// raw. Everything outside of the entries' resources is checked as Parse would;
// those resources are only checked to be JSON. Entries of a batch or transaction
// must have a request whose method, url and resource go together. Other types of
// Bundle are taken apart too: the caller looks at Type. A refused input gives
// *Invalid.
func ParseBundle(raw []byte, lim Limits) (*Bundle, error) {
	s, err := newScanner(raw, lim)
	if err != nil {
		return nil, err
	}
	defer s.release()
	resources := []span{}
	s.entries = &resources
	start := s.pos
	t := s.document()
	if t != nil && t.name != "Bundle" {
		s.issues = []located{{start, Issue{
			Severity: "error", Code: "invalid",
			Diagnostics: "expected a Bundle", Expression: []string{t.name},
		}}}
	}
	if err := s.invalid(); err != nil {
		return nil, err
	}
	r := bundleReader{lexer: newLexer(raw), resources: resources, max: lim.orDefault().MaxEntries, line: 1}
	r.pos = start
	if start > 0 {
		r.lineStart = start
	}
	r.bundle()
	if r.failed != nil { // the scan accepted the JSON: too many entries
		return nil, invalidAt(raw, []located{{r.failed.off, Issue{
			Severity: "fatal", Code: r.failed.code,
			Diagnostics: r.failed.text, Expression: []string{"Bundle.entry"},
		}}})
	}
	if err := invalidAt(raw, r.check()); err != nil {
		return nil, err
	}
	return &r.out, nil
}

// bundleReader takes a Bundle apart that a scanner accepted.
type bundleReader struct {
	lexer
	out       Bundle
	offs      []int  // where each entry begins
	resources []span // the entries' resources that are still to come
	max       int
	line      int // of position seen, with the start of that line
	seen      int
	lineStart int
}

func (r *bundleReader) bundle() {
	r.space()
	r.members(func(name string) {
		switch name {
		case "type":
			r.out.Type = r.string()
		case "entry":
			for more := r.open(']'); more; more = r.next(']') {
				if len(r.out.Entries) == r.max {
					r.failed = &failure{r.pos, "too-costly", "more than " + strconv.Itoa(r.max) + " entries"}
					return
				}
				r.offs = append(r.offs, r.pos)
				r.entry()
			}
		default:
			r.skip()
		}
	})
}

// members calls f at the value of each member of the object that begins here.
func (r *bundleReader) members(f func(name string)) {
	for more := r.open('}'); more; more = r.next('}') {
		k, ok := r.key()
		if !ok {
			return
		}
		f(string(r.text(k, nil)))
	}
}

func (r *bundleReader) string() string {
	t, _ := r.str()
	return string(r.text(t, nil))
}

func (r *bundleReader) entry() {
	e := BundleEntry{Path: "Bundle.entry[" + strconv.Itoa(len(r.out.Entries)) + "]"}
	r.members(func(name string) {
		switch name {
		case "fullUrl":
			e.FullURL = r.string()
		case "resource":
			e.Line, e.Column = r.position()
			end := r.resources[0].end
			r.resources = r.resources[1:]
			e.Resource = r.src[r.pos:end:end]
			r.pos = end
		case "request":
			r.members(func(name string) { r.request(&e, name) })
		default:
			r.skip()
		}
	})
	r.out.Entries = append(r.out.Entries, e)
}

func (r *bundleReader) request(e *BundleEntry, name string) {
	switch name {
	case "method":
		e.Method = r.string()
	case "url":
		e.URL = strings.TrimPrefix(r.string(), "/")
	case "ifMatch":
		e.IfMatch = r.string()
	case "ifNoneMatch":
		e.IfNoneMatch = r.string()
	case "ifModifiedSince":
		e.IfModifiedSince = r.string()
	case "ifNoneExist":
		e.IfNoneExist = r.string()
	default:
		r.skip()
	}
}

// position counts lines from where it was called last.
func (r *bundleReader) position() (line, column int) {
	passed := r.src[r.seen:r.pos]
	r.line += bytes.Count(passed, []byte{'\n'})
	if nl := bytes.LastIndexByte(passed, '\n'); nl >= 0 {
		r.lineStart = r.seen + nl + 1
	}
	r.seen = r.pos
	return r.line, r.pos - r.lineStart + 1
}

// check applies the rules for batch and transaction (R4, RESTful API and the
// constraints bdl-3 and bdl-7 of Bundle).
func (r *bundleReader) check() []located {
	if r.out.Type != "batch" && r.out.Type != "transaction" {
		return nil
	}
	var found []located
	fullURLs := map[string]bool{}
	for i := range r.out.Entries {
		e := &r.out.Entries[i]
		where, problem := e.problem()
		if problem == "" && r.out.Type == "transaction" && e.FullURL != "" {
			if fullURLs[e.FullURL] {
				where, problem = ".fullUrl", "bdl-7: two entries have the same fullUrl"
			}
			fullURLs[e.FullURL] = true
		}
		if problem != "" && len(found) < maxIssues {
			found = append(found, located{r.offs[i], Issue{
				Severity: "error", Code: "invariant",
				Diagnostics: problem, Expression: []string{e.Path + where},
			}})
		}
	}
	return found
}

// problem tells what is wrong with the request of an entry, and where.
func (e *BundleEntry) problem() (where, text string) {
	needsResource := false
	switch e.Method {
	case "":
		return "", "bdl-3: entry has no request method"
	case "POST", "PUT", "PATCH":
		needsResource = true
	}
	name := e.URL
	if i := strings.IndexAny(name, "/?"); i >= 0 {
		name = name[:i]
	}
	_, known := r4Schema().resources[name]
	known = known || strings.Contains(e.URL, "://") // below the server's base, as the caller may know
	switch {
	case e.URL == "":
		return ".request", "bdl-3: entry has no request url"
	case strings.Contains(name, ":") && !known:
		return ".request.url", "request url must be relative to the server's base"
	case needsResource && e.Resource == nil && !strings.Contains(e.URL, "$"):
		return "", "entry needs a resource for its request method"
	case !needsResource && e.Resource != nil:
		return "", "entry may not have a resource with its request method"
	case e.Method != "GET" && e.Method != "HEAD" && !known && !strings.HasPrefix(name, "$"):
		return ".request.url", "request url does not begin with a FHIR R4 resource type"
	}
	return "", ""
}

// Locate puts the issues of an error of Parse(e.Resource) into the Bundle: their
// expressions and positions are then those of the whole input. Other errors are
// returned as they are.
func (e *BundleEntry) Locate(err error) error {
	var inv *Invalid
	if !errors.As(err, &inv) {
		return err
	}
	out := &Invalid{Issues: slices.Clone(inv.Issues)}
	for i := range out.Issues {
		issue := &out.Issues[i]
		rest := ""
		if len(issue.Expression) > 0 {
			if dot := strings.IndexByte(issue.Expression[0], '.'); dot >= 0 {
				rest = issue.Expression[0][dot:]
			}
		}
		issue.Expression = []string{e.Path + ".resource" + rest}
		if issue.Line == 1 {
			issue.Column += e.Column - 1
		}
		if issue.Line > 0 {
			issue.Line += e.Line - 1
		}
	}
	return out
}
