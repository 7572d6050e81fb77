package fhir

import "bytes"

// xhtmlNamespace is the namespace that the outermost div must declare.
const xhtmlNamespace = "http://www.w3.org/1999/xhtml"

// xhtmlReader goes through the XHTML of a narrative (R4, Narrative). It knows
// the little XML that a narrative may use and refuses what a browser could run.
type xhtmlReader struct {
	v    []byte
	pos  int
	open []span // names of the open elements
	seen []span // names of the attributes of the current element
	// attribute, when set, sees each attribute with its undecoded value.
	attribute func(name []byte, value span)
}

// xhtmlProblem checks Narrative.div: well-formed, only the elements and
// attributes of txt-1, nothing active. An empty div is let through, although
// txt-2 asks for content: it does no harm, and official examples have it.
func xhtmlProblem(v []byte) string {
	r := xhtmlReader{v: v}
	return r.document()
}

// document reads one div and gives the first problem.
func (r *xhtmlReader) document() string {
	r.v = bytes.TrimRight(r.v, " \t\r\n")
	r.pos = len(r.v) - len(bytes.TrimLeft(r.v, " \t\r\n"))
	if !bytes.HasPrefix(r.v[r.pos:], []byte("<div")) {
		return "narrative is not a div element"
	}
	for first := true; first || len(r.open) > 0; first = false {
		if r.pos >= len(r.v) {
			return "narrative is not well-formed: an element has no end"
		}
		problem := ""
		if r.v[r.pos] == '<' {
			problem = r.markup()
		} else {
			problem = r.text()
		}
		if problem != "" {
			return problem
		}
	}
	return unless(r.pos == len(r.v), "narrative has text after its div")
}

// text reads up to the next tag and checks its entities.
func (r *xhtmlReader) text() string {
	end := bytes.IndexByte(r.v[r.pos:], '<')
	if end < 0 {
		end = len(r.v) - r.pos
	}
	text := r.v[r.pos : r.pos+end]
	r.pos += end
	return entityProblem(text)
}

// markup reads a tag, a comment or a CDATA section.
func (r *xhtmlReader) markup() string {
	rest := r.v[r.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		return r.past(4, "-->", commentProblem)
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return r.past(9, "]]>", cdataProblem)
	case bytes.HasPrefix(rest, []byte("</")):
		return r.endTag()
	case bytes.HasPrefix(rest, []byte("<!")), bytes.HasPrefix(rest, []byte("<?")):
		return "narrative contains a declaration or processing instruction"
	}
	return r.startTag()
}

func (r *xhtmlReader) past(from int, end string, problem func(content []byte) string) string {
	from += r.pos
	i := bytes.Index(r.v[from:], []byte(end))
	if i < 0 {
		return "narrative is not well-formed: a comment or CDATA section has no end"
	}
	r.pos = from + i + len(end)
	return problem(r.v[from : from+i])
}

func (r *xhtmlReader) endTag() string {
	r.pos += 2
	name := r.name()
	r.blank()
	if r.pos >= len(r.v) || r.v[r.pos] != '>' {
		return "narrative is not well-formed: malformed end tag"
	}
	r.pos++
	top := r.open[len(r.open)-1]
	if !bytes.Equal(r.v[top.start:top.end], r.v[name.start:name.end]) {
		return "narrative is not well-formed: end tag does not match"
	}
	r.open = r.open[:len(r.open)-1]
	return ""
}

func (r *xhtmlReader) startTag() string {
	r.pos++
	name := r.name()
	if !allowedElement(string(r.v[name.start:name.end])) {
		return "txt-1: narrative contains an element that is not allowed"
	}
	root := len(r.open) == 0
	r.seen = r.seen[:0]
	for {
		before := r.pos
		r.blank()
		if r.pos >= len(r.v) {
			return "narrative is not well-formed: a tag has no end"
		}
		switch {
		case r.v[r.pos] == '>' || bytes.HasPrefix(r.v[r.pos:], []byte("/>")):
			if root {
				return "narrative div does not declare the XHTML namespace"
			}
			if r.v[r.pos] == '>' {
				r.pos++
				r.open = append(r.open, name)
				return ""
			}
			r.pos += 2
			return ""
		case r.pos == before:
			return "narrative is not well-formed: malformed tag"
		}
		declares, problem := r.attr()
		if problem != "" {
			return problem
		}
		root = root && !declares
	}
}

// attr reads one attribute; declares tells that it is the right xmlns.
func (r *xhtmlReader) attr() (declares bool, problem string) {
	const malformed = "narrative is not well-formed: malformed attribute"
	n := r.name()
	name := string(r.v[n.start:n.end])
	for _, other := range r.seen { // no more than there are allowed names
		if string(r.v[other.start:other.end]) == name {
			return false, "narrative is not well-formed: an attribute occurs twice"
		}
	}
	r.seen = append(r.seen, n)
	r.blank()
	if r.pos >= len(r.v) || r.v[r.pos] != '=' {
		return false, malformed
	}
	r.pos++
	r.blank()
	if r.pos >= len(r.v) || r.v[r.pos] != '"' && r.v[r.pos] != '\'' {
		return false, malformed
	}
	end := bytes.IndexByte(r.v[r.pos+1:], r.v[r.pos])
	if end < 0 {
		return false, malformed
	}
	value := span{r.pos + 1, r.pos + 1 + end}
	r.pos = value.end + 1
	if r.attribute != nil {
		r.attribute(r.v[n.start:n.end], value)
	}
	text := r.v[value.start:value.end]
	switch {
	case bytes.IndexByte(text, '<') >= 0:
		return false, malformed
	case name == "xmlns":
		declares = string(text) == xhtmlNamespace
		return declares, unless(declares, "narrative declares another namespace")
	case !allowedAttribute(name):
		return false, "txt-1: narrative contains an attribute that is not allowed"
	}
	if isActive(name, text) {
		return false, "narrative contains active content"
	}
	return false, entityProblem(text)
}

// name reads an XML name; it is empty when there is none.
func (r *xhtmlReader) name() span {
	start := r.pos
	for r.pos < len(r.v) && (isLetter(r.v[r.pos]) || isDigit(r.v[r.pos]) || r.v[r.pos] == ':' || r.v[r.pos] == '-') {
		r.pos++
	}
	return span{start, r.pos}
}

func (r *xhtmlReader) blank() {
	for r.pos < len(r.v) && isSpace(r.v[r.pos]) {
		r.pos++
	}
}
