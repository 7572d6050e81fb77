package fhir

import "bytes"

// metaText is a Meta (R4 resource.html#Meta) as text, taken apart as far as labels need it.
type metaText struct {
	members        []metaMember
	profiles       []profileText
	tags, security []label
	changed        metaList // lists that differ from the text
}

// metaList names the lists of a Meta that operations change.
type metaList uint8

const (
	metaProfile metaList = 1 << iota
	metaSecurity
	metaTag
)

// metaListOf finds the list of a member by its name.
func metaListOf(name []byte) metaList {
	switch string(name) {
	case "profile", "_profile":
		return metaProfile
	case "security":
		return metaSecurity
	case "tag":
		return metaTag
	}
	return 0
}

type metaMember struct {
	list metaList // 0 for what labels do not touch
	text []byte   // with its name
}

// label is a Coding of tag or security.
type label struct {
	labelKey
	text []byte
}

// labelKey says which labels are the same. Without a code nothing but the whole text tells.
type labelKey struct{ system, code, text string }

// profileText is an entry of Meta.profile and its like in _profile; either may be nil, which JSON writes as null.
type profileText struct {
	url            string
	value, sibling []byte
}

// readMeta takes a compact Meta apart. It says false of text that is not one.
func readMeta(meta []byte) (metaText, bool) {
	var m metaText
	l := newLexer(meta)
	if l.peek() != '{' {
		return m, false
	}
	for more := l.open('}'); more; more = l.next('}') {
		from := l.pos
		k, ok := l.key()
		if !ok {
			return m, false
		}
		at := l.pos
		l.skip()
		name := l.text(k, nil)
		m.members = append(m.members, metaMember{metaListOf(name), meta[from:l.pos]})
		value := newLexer(meta[at:l.pos])
		switch string(name) {
		case "profile":
			value.profiles(&m, false)
		case "_profile":
			value.profiles(&m, true)
		case "security":
			m.security = value.labels()
		case "tag":
			m.tags = value.labels()
		}
	}
	return m, l.failed == nil && l.pos == len(meta)
}

// labels reads a list of Codings.
func (l *lexer) labels() []label {
	var out []label
	if l.peek() != '[' {
		return nil
	}
	for more := l.open(']'); more; more = l.next(']') {
		from := l.pos
		system, code := l.codingKey()
		one := label{text: l.src[from:l.pos]}
		one.system, one.code = string(l.text(system, nil)), string(l.text(code, nil))
		if one.code == "" {
			one.labelKey = labelKey{text: string(one.text)}
		}
		out = append(out, one)
	}
	return out
}

// codingKey goes over a Coding, or whatever stands there, and gives the places of its system and code: empty if
// missing.
func (l *lexer) codingKey() (system, code token) {
	if l.peek() != '{' {
		l.skip()
		return system, code
	}
	for more := l.open('}'); more; more = l.next('}') {
		k, ok := l.key()
		if !ok {
			break
		}
		if l.peek() != '"' {
			l.skip()
			continue
		}
		t, ok := l.str()
		if !ok {
			break
		}
		switch string(l.text(k, nil)) {
		case "system":
			system = t
		case "code":
			code = t
		}
	}
	return system, code
}

// profiles reads profile or its sibling into the entries, which the two share by position.
func (l *lexer) profiles(m *metaText, sibling bool) {
	if l.peek() != '[' {
		return
	}
	i := 0
	for more := l.open(']'); more; more = l.next(']') {
		from, isString := l.pos, l.peek() == '"'
		l.skip()
		if i == len(m.profiles) {
			m.profiles = append(m.profiles, profileText{})
		}
		p := &m.profiles[i]
		i++
		switch text := l.src[from:l.pos]; {
		case bytes.Equal(text, []byte("null")):
		case sibling:
			p.sibling = text
		case isString:
			p.value = text
			p.url = string(appendText(nil, text[1:len(text)-1]))
		}
	}
}

// tagPlaces is what views and updates have to know of the tags of a Meta.
type tagPlaces struct {
	subsetted bool
	last      int // behind the last tag; 0 without tags
}

// readTags looks for SUBSETTED in a Meta, without taking it apart.
func readTags(meta []byte) (p tagPlaces) {
	l := newLexer(meta)
	if l.peek() != '{' {
		return p
	}
	for more := l.open('}'); more; more = l.next('}') {
		k, ok := l.key()
		if !ok {
			return p
		}
		if l.peek() != '[' || string(l.text(k, nil)) != "tag" {
			l.skip()
			continue
		}
		for more := l.open(']'); more; more = l.next(']') {
			system, code := l.codingKey()
			p.last = l.pos
			p.subsetted = p.subsetted ||
				string(l.text(code, nil)) == subsettedCode && string(l.text(system, nil)) == subsettedSystem
		}
	}
	return p
}
