package fhir

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// InstantLayout is how the server writes an instant: UTC with milliseconds.
const InstantLayout = "2006-01-02T15:04:05.000Z"

// Splice sets what the server owns in Resource.JSON: id, meta.versionId and
// meta.lastUpdated (R4, Resource). Values that are there are replaced in place;
// missing ones are put behind resourceType and at the front of meta. Every other
// byte stays. lastUpdated is written in UTC, cut to milliseconds.
func Splice(json []byte, id, versionID string, lastUpdated time.Time) ([]byte, error) {
	if !validID(id) || !validID(versionID) {
		return nil, errors.New("splice: id or version is not a FHIR id")
	}
	stamp := lastUpdated.UTC().Format(InstantLayout)
	if !isDateTime([]byte(stamp), precisionSecond, precisionSecond) {
		return nil, errors.New("splice: time cannot be written as a FHIR instant")
	}
	p, err := findMeta(json)
	if err != nil {
		return nil, fmt.Errorf("splice: %w", err)
	}
	edits := p.meta(json, versionID, stamp)
	quoted := `"` + id + `"`
	if p.id == (span{}) {
		edits = append([]edit{{p.typeEnd, p.typeEnd, []byte(`,"id":` + quoted)}}, edits...)
	} else {
		edits = append([]edit{{p.id.start, p.id.end, []byte(quoted)}}, edits...)
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	return applyEdits(json, edits), nil
}

// meta gives the edits for the members of meta; a new meta goes behind the id.
func (p *metaPlaces) meta(json []byte, versionID, stamp string) []edit {
	var edits []edit
	missing := "" // goes to the front of meta
	for _, m := range []struct {
		at          span
		name, value string
	}{{p.versionID, "versionId", versionID}, {p.lastUpdated, "lastUpdated", stamp}} {
		if m.at != (span{}) {
			edits = append(edits, edit{m.at.start, m.at.end, []byte(`"` + m.value + `"`)})
			continue
		}
		if missing != "" {
			missing += ","
		}
		missing += `"` + m.name + `":"` + m.value + `"`
	}
	switch {
	case missing == "":
	case p.inMeta == 0:
		at := p.typeEnd // which is where a new id goes
		if p.id != (span{}) {
			at = p.id.end
		}
		edits = append(edits, edit{at, at, []byte(`,"meta":{` + missing + `}`)})
	case json[p.inMeta] == '}':
		edits = append(edits, edit{p.inMeta, p.inMeta, []byte(missing)})
	default:
		edits = append(edits, edit{p.inMeta, p.inMeta, []byte(missing + ",")})
	}
	return edits
}

// metaPlaces says where in a resource the spliced members are: the places of
// their values, zero for those that are missing.
type metaPlaces struct {
	typeEnd                    int // behind the value of resourceType
	id, versionID, lastUpdated span
	inMeta                     int // behind the brace of meta
}

func findMeta(json []byte) (metaPlaces, error) {
	var p metaPlaces
	l := newLexer(json)
	l.space()
	if l.peek() != '{' {
		return p, errNoObject
	}
	for more := l.open('}'); more; more = l.next('}') {
		k, ok := l.key()
		if !ok {
			break
		}
		start := l.pos
		switch string(l.text(k, nil)) {
		case "resourceType":
			l.skip()
			p.typeEnd = l.pos
		case "id":
			l.skip()
			p.id = span{start, l.pos}
		case "meta":
			if l.peek() != '{' {
				return p, errors.New("meta is not an object")
			}
			l.meta(&p)
		default:
			l.skip()
		}
	}
	if err := l.err(); err != nil {
		return p, err
	}
	if p.typeEnd == 0 {
		return p, errors.New("resourceType is missing")
	}
	return p, nil
}

// meta goes through the members of meta.
func (l *lexer) meta(p *metaPlaces) {
	p.inMeta = l.pos + 1
	for more := l.open('}'); more; more = l.next('}') {
		k, ok := l.key()
		if !ok {
			return
		}
		start := l.pos
		l.skip()
		switch string(l.text(k, nil)) {
		case "versionId":
			p.versionID = span{start, l.pos}
		case "lastUpdated":
			p.lastUpdated = span{start, l.pos}
		}
	}
}

// edit replaces a part of a text.
type edit struct {
	start, end int
	text       []byte
}

// applyEdits gives the edited text, text itself without any edits. The edits are
// in order and do not overlap.
func applyEdits(text []byte, edits []edit) []byte {
	if len(edits) == 0 {
		return text
	}
	size := len(text)
	for _, e := range edits {
		size += len(e.text) - (e.end - e.start)
	}
	out := make([]byte, 0, size)
	at := 0
	for _, e := range edits {
		out = append(append(out, text[at:e.start]...), e.text...)
		at = e.end
	}
	return append(out, text[at:]...)
}
