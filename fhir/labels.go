package fhir

import (
	"errors"
	"slices"
	"strings"
)

// subsettedSystem and subsettedCode mark a resource of which parts are left out (R4 section 3.1.1.5.8).
const (
	subsettedSystem = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
	subsettedCode   = "SUBSETTED"
)

// Subsetted tells whether meta.tag of an accepted resource says that parts of it are missing. Such a text must not
// overwrite the complete resource (R4 section 3.1.1.5.8).
func Subsetted(json []byte) bool {
	p := findLabels(json)
	return p.meta != span{} && readTags(json[p.meta.start:p.meta.end]).subsetted
}

// MetaOf is the JSON of the meta of an accepted resource, nil if it has none. It shares memory with json.
func MetaOf(json []byte) []byte {
	p := findLabels(json)
	if p.meta == (span{}) {
		return nil
	}
	return json[p.meta.start:p.meta.end:p.meta.end]
}

// KeepLabels adds to json, the new text of a resource, what meta.tag and meta.security of before have and json lacks:
// an update that omits a label does not take it away ($meta-delete does). meta.profile stays as sent, for it says what
// the new text claims to conform to. SUBSETTED is not kept, because it speaks of one text, not of the resource.
//
// "The identity of a tag or security label is the system+code" (R4 OperationDefinition Resource-meta-add), so version
// and display do not count; one without code is the same as its like only. Without a change the result is json itself.
func KeepLabels(json, before []byte) (out []byte, changed bool) {
	old, ok := readMeta(MetaOf(before))
	if !ok || len(old.tags)+len(old.security) == 0 {
		return json, false
	}
	old.profiles = nil
	old.tags = slices.DeleteFunc(old.tags, func(l label) bool {
		return l.system == subsettedSystem && l.code == subsettedCode
	})
	return editMeta(json, func(m *metaText) { m.add(&old) })
}

// AddMeta gives the resource the profiles, tags and security labels of meta that it lacks ($meta-add, R4
// OperationDefinition Resource-meta-add). Profiles are the same if the whole URL is. Codings are copied as they are, a
// profile with its id and extensions; all else that meta holds means nothing here. meta is text of a client: what is
// not a Meta gives *Invalid.
func AddMeta(json, meta []byte) (out []byte, changed bool, err error) {
	more, err := checkMeta(meta)
	if err != nil {
		return nil, false, err
	}
	out, changed = editMeta(json, func(m *metaText) { m.add(&more) })
	return out, changed, nil
}

// RemoveMeta takes the profiles, tags and security labels of meta from the resource ($meta-delete, R4
// OperationDefinition Resource-meta-delete). What is left empty by that is left out: a list, or meta itself. It is no
// error if the resource has none of them.
func RemoveMeta(json, meta []byte) (out []byte, changed bool, err error) {
	less, err := checkMeta(meta)
	if err != nil {
		return nil, false, err
	}
	out, changed = editMeta(json, func(m *metaText) { m.remove(&less) })
	return out, changed, nil
}

// MergeMeta is the union of the profiles, tags and security labels of several metas, each once, as it stands in the
// first that has it; nil if there are none. It answers $meta for a type or the whole system. What is not the text of a
// Meta that MetaOf or MergeMeta gave is passed over.
func MergeMeta(metas ...[]byte) []byte {
	m, _ := readMeta([]byte(`{}`))
	for _, text := range metas {
		if more, ok := readMeta(text); ok {
			m.add(&more)
		}
	}
	return m.append(nil)
}

// editMeta changes the meta of an accepted resource; f may find it empty. All other bytes stay.
func editMeta(json []byte, f func(m *metaText)) (out []byte, changed bool) {
	p := findLabels(json)
	text := []byte(`{}`)
	if p.meta != (span{}) {
		text = json[p.meta.start:p.meta.end]
	}
	m, ok := readMeta(text)
	if !ok || p.insert == 0 {
		return json, false
	}
	if f(&m); m.changed == 0 {
		return json, false
	}
	return p.replace(json, m.append(nil)), true
}

// labelPlaces says where meta stands in a resource.
type labelPlaces struct {
	member, meta span // the member with its name, and its value; zero if there is none
	insert       int  // where a new one goes: behind id, or else behind resourceType; 0 in what is no resource
}

func findLabels(json []byte) labelPlaces {
	var p labelPlaces
	l := newLexer(json)
	if l.peek() != '{' {
		return p
	}
	id := false
	for more := l.open('}'); more; more = l.next('}') {
		from := l.pos
		k, ok := l.key()
		if !ok {
			break
		}
		at := l.pos
		l.skip()
		switch string(l.text(k, nil)) {
		case "meta":
			p.member, p.meta = span{from, l.pos}, span{at, l.pos}
		case "id":
			p.insert, id = l.pos, true
		case "resourceType":
			if !id {
				p.insert = l.pos
			}
		}
	}
	if l.failed != nil {
		return labelPlaces{}
	}
	return p
}

// replace puts another meta, or with nil none, in the place of the one that is there.
func (p *labelPlaces) replace(json, meta []byte) []byte {
	switch e := (edit{p.meta.start, p.meta.end, meta}); {
	case p.meta == span{} && meta == nil:
		return json
	case p.meta == span{}:
		return applyEdits(json, []edit{{p.insert, p.insert, append([]byte(`,"meta":`), meta...)}})
	case meta != nil:
		return applyEdits(json, []edit{e})
	}
	gone := p.member // with one of the commas beside it: resourceType is there, so it has one
	if json[gone.start-1] == ',' {
		gone.start--
	} else {
		gone.end++
	}
	return applyEdits(json, []edit{{gone.start, gone.end, nil}})
}

// checkMeta reads a Meta that a client sent, with the checks of Parse.
func checkMeta(meta []byte) (metaText, error) {
	l := newLexer(meta)
	l.maxDepth = DefaultLimits.MaxDepth
	l.space()
	from := l.pos
	if l.peek() == '{' {
		l.skip()
	}
	to := l.pos
	if l.space(); l.failed != nil || to == from || l.pos != len(meta) {
		return metaText{}, &Invalid{Issues: []Issue{{
			Severity: "fatal", Code: "structure", Diagnostics: "expected one JSON object", Expression: []string{"Meta"},
		}}}
	}
	const head, tail = `{"resourceType":"Basic","meta":`, `,"code":{"text":"-"}}` // the least that has a meta
	raw := append(append(append(make([]byte, 0, len(head)+to-from+len(tail)), head...), meta[from:to]...), tail...)
	s, err := newScanner(raw, Limits{})
	if err == nil {
		s.compact = true
		s.document()
		err = s.invalid()
	}
	if err != nil {
		return metaText{}, asMeta(err)
	}
	m, ok := readMeta(MetaOf(s.compacted()))
	if !ok {
		return metaText{}, errors.New("read meta: accepted text cannot be read")
	}
	return m, nil
}

// asMeta makes issues speak of a Meta instead of the resource that checkMeta put around it. Their lines and columns
// are those of that resource, so they go.
func asMeta(err error) error {
	var invalid *Invalid
	if !errors.As(err, &invalid) {
		return err
	}
	out := &Invalid{Issues: slices.Clone(invalid.Issues)}
	for i := range out.Issues {
		issue := &out.Issues[i]
		issue.Line, issue.Column = 0, 0
		issue.Expression = slices.Clone(issue.Expression)
		for j, x := range issue.Expression {
			if rest, ok := strings.CutPrefix(x, "Basic.meta"); ok {
				issue.Expression[j] = "Meta" + rest
			}
		}
	}
	return out
}
