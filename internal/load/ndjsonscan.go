package load

import "slices"

// ndjsonScan learns, from one pass over the NDJSON files, which types they hold and how the types refer to each other. It keeps types,
// not resources, so its size does not grow with the data.
type ndjsonScan struct {
	types   map[string]*node
	seen    map[string]map[need]bool
	maxLine int
}

// scan reads one file. Whether lines are well-formed is checked, and reported, when they are sent; what counts here and there alike is the
// type that headerOf finds, so that no line falls between two types. A file whose first line has none is no FHIR data at all.
func (s *ndjsonScan) scan(path string) error {
	first := true
	return eachLine(path, s.maxLine, func(_ int, line []byte) error {
		typ := headerOf(line).Type
		if first && line != nil && typ == "" {
			return errNotResource
		}
		first = false
		s.add(path, typ, line)
		return nil
	})
}

// add counts one line under its type; lines without a type count under "", which is sent (and reported) last.
func (s *ndjsonScan) add(path, typ string, line []byte) {
	n := s.types[typ]
	if n == nil {
		n = &node{kind: ndjsonNode, typ: typ, base: isBaseType(typ), provides: []uint64{classOf(typ), looseClassOf(typ)}}
		s.types[typ], s.seen[typ] = n, map[need]bool{}
	}
	if len(n.files) == 0 || n.files[len(n.files)-1] != path {
		if !slices.Contains(n.files, path) {
			n.files = append(n.files, path)
		}
	}
	n.size += int64(len(line))
	if typ == "" {
		return
	}
	eachReference(line, func(ref []byte) {
		d, ok := needOf(string(ref))
		if !ok || d.class == 0 {
			return
		}
		d.exact = 0 // types only: exact targets would be as many as the lines
		if d.hard && d.class == classOf(typ) {
			n.serial = true
		}
		if !s.seen[typ][d] {
			s.seen[typ][d] = true
			n.needs = append(n.needs, d)
		}
	})
}

func (s *ndjsonScan) nodes() []*node {
	list := make([]*node, 0, len(s.types))
	for _, n := range s.types {
		list = append(list, n)
	}
	sortNodes(list)
	return list
}
