package load

import (
	"bytes"
	"net/url"
	"strings"
)

// examine records what a file offers to others and what it needs from them.
func (n *node) examine(text []byte, h header) {
	base := true
	own := map[uint64]bool{}
	types := map[string]bool{}
	offer := func(key uint64) {
		own[key] = true
		n.provides = append(n.provides, key)
	}
	offerResource := func(raw []byte, fullURL, target string) {
		typ := offerIdentity(raw, offer)
		types[typ] = true
		base = base && isBaseType(typ)
		for _, name := range []string{fullURL, target} {
			if name != "" {
				offer(short(name))
			}
		}
	}
	if n.kind == bundleNode {
		eachElement(h.Entries, func(entry []byte) { offerEntry(entry, offerResource) })
	} else {
		offerResource(text, "", "")
	}
	n.base = base && len(types) > 0
	if n.base || n.kind == singleNode { // patients' Bundles all hold the same types: naming them here would tie each to each
		for typ := range types {
			n.provides = append(n.provides, classOf(typ))
		}
	}
	seen := map[need]bool{}
	eachReference(text, func(ref []byte) {
		d, ok := needOf(string(ref))
		if ok && !own[d.exact] && !seen[d] {
			seen[d] = true
			n.needs = append(n.needs, d)
		}
	})
}

// offerEntry reads one Bundle entry: its resource, fullUrl and, for PUT, the address that it will have.
func offerEntry(entry []byte, offer func(raw []byte, fullURL, target string)) {
	var resource, request []byte
	var fullURL, target string
	eachMember(entry, func(name, value []byte) bool {
		switch string(name) {
		case "fullUrl":
			fullURL = string(unquote(value))
		case "resource":
			resource = value
		case "request":
			request = value
		}
		return true
	})
	eachMember(request, func(name, value []byte) bool {
		if string(name) == "url" && bytes.IndexByte(value, '/') > 0 {
			target = string(unquote(value))
		}
		return true
	})
	if resource != nil {
		offer(resource, fullURL, target)
	}
}

// offerIdentity offers Type/id and each business identifier of a resource, in the form that needOf gives references to them.
func offerIdentity(raw []byte, offer func(uint64)) (typ string) {
	var identifiers []byte
	var id string
	eachMember(raw, func(name, value []byte) bool {
		switch string(name) {
		case "resourceType":
			typ = string(unquote(value))
		case "id":
			id = string(unquote(value))
		case "identifier":
			identifiers = value
		}
		return true
	})
	if id != "" {
		offer(short(typ + "/" + id))
	}
	eachElement(identifiers, func(one []byte) {
		var system, value string
		eachMember(one, func(name, v []byte) bool {
			switch string(name) {
			case "system":
				system = string(unquote(v))
			case "value":
				value = string(unquote(v))
			}
			return true
		})
		if value != "" {
			offer(short(typ, "identifier", system+"|"+value))
		}
	})
	return typ
}

// needOf says what a reference asks for: a conditional reference (Type?criteria), a literal one (Type/id) or a fullUrl. References into
// the same resource and bare fragments ask for nothing.
func needOf(ref string) (need, bool) {
	if ref == "" || ref[0] == '#' {
		return need{}, false
	}
	if typ, query, ok := strings.Cut(ref, "?"); ok && isTypeName(typ) {
		d := need{class: classOf(typ), hard: true}
		if values, err := url.ParseQuery(query); err == nil && len(values["identifier"]) == 1 {
			d.exact = short(typ, "identifier", values["identifier"][0])
		}
		return d, true
	}
	d := need{exact: short(ref)}
	if typ, _, ok := strings.Cut(ref, "/"); ok && isTypeName(typ) {
		bare, _, _ := strings.Cut(ref, "/_history/")
		d = need{exact: short(bare), class: looseClassOf(typ)}
	}
	return d, true
}

// isTypeName tells a FHIR type name (an upper case letter, then letters) from the start of a URL.
func isTypeName(s string) bool {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
}

// classOf names "some resource of this type", the fallback of a conditional reference whose target is not found by identifier.
func classOf(typ string) uint64 { return short(typ, "any") }

// looseClassOf is the fallback of a literal reference. Only NDJSON offers it: its ids are not kept, while a file that does not hold the
// id itself cannot be the one meant.
func looseClassOf(typ string) uint64 { return short(typ, "some line") }
