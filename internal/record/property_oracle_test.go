package record

import (
	"fmt"
	"slices"
	"strings"
)

// oracle is what R4 says of a few Patients: all versions of each, and whom an identifier finds.
type oracle map[string][]oracleVersion

type oracleVersion struct {
	method string // that made it
	ident  string // the identifier, if any
	n      int    // the content
}

func (o oracle) current(id string) (oracleVersion, uint64, bool) {
	all := o[id]
	if len(all) == 0 || all[len(all)-1].method == "DELETE" {
		return oracleVersion{}, 0, false
	}
	return all[len(all)-1], uint64(len(all)), true
}

func (o oracle) matches(ident string) (ids []string) {
	for id := range o {
		if v, _, there := o.current(id); there && v.ident == ident {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (o oracle) clone() oracle {
	out := oracle{}
	for id, all := range o {
		out[id] = slices.Clone(all)
	}
	return out
}

func (o oracle) add(id string, v oracleVersion) { o[id] = append(o[id], v) }

// etags gives the kind of error that If-Match and If-None-Match lead to.
func etags(ifMatch, ifNoneMatch string, version uint64) Kind {
	own := fmt.Sprintf(`"%d"`, version)
	switch {
	case ifMatch == "*" && version == 0, ifMatch != "" && ifMatch != "*" && (version == 0 || !strings.Contains(ifMatch, own)):
		return Precondition
	case ifNoneMatch == "*" && version > 0:
		return Precondition
	}
	return ok
}

// write is one interaction of the property test, on its own or in a Bundle.
type write struct {
	verb, id, query string // query: an identifier to find, instead of the id
	ident           string // of the body
	n               int    // content of the body
	ifMatch         string
	ifNoneMatch     string
	ifNoneExist     string
}

// target resolves the condition of a PUT, PATCH or DELETE; kind is that of the error, fresh tells that a PUT makes an id.
func (o oracle) target(w *write, many bool) (ids []string, fresh bool, kind Kind) {
	if w.query == "" {
		return []string{w.id}, false, ok
	}
	ids = o.matches(w.query)
	switch {
	case len(ids) > 1 && (w.verb != "DELETE" || !many):
		return nil, false, Precondition
	case w.verb == "PATCH" && len(ids) == 0:
		return nil, false, Absent
	case w.verb == "PUT" && len(ids) == 1 && w.id != "" && w.id != ids[0]:
		return nil, false, Invalid
	case w.verb == "PUT" && len(ids) == 0 && w.id == "":
		return []string{""}, true, ok
	case w.verb == "PUT" && len(ids) == 0:
		if _, _, there := o.current(w.id); there {
			return nil, false, Conflict
		}
		return []string{w.id}, false, ok
	}
	return ids, false, ok
}

// apply does what the write should do. made names the resource that gets a new id.
func (o oracle) apply(w *write, ids []string, made string) (kind Kind, changed []string) {
	v := oracleVersion{method: w.verb, ident: w.ident, n: w.n}
	if w.verb == "POST" {
		if found := o.matches(w.ifNoneExist); w.ifNoneExist != "" && len(found) > 0 {
			if len(found) > 1 {
				return Precondition, nil
			}
			return ok, nil
		}
		o.add(made, v)
		return ok, []string{made}
	}
	for _, id := range ids {
		if id == "" {
			id = made
		}
		before, version, there := o.current(id)
		switch {
		case w.verb == "PATCH" && len(o[id]) == 0:
			return Absent, nil
		case w.verb == "PATCH" && !there:
			return Gone, nil
		}
		if k := etags(w.ifMatch, w.ifNoneMatch, version); k != ok {
			return k, nil
		}
		switch {
		case w.verb == "DELETE" && !there, w.verb == "PATCH" && before.n == w.n:
			continue
		case w.verb == "PATCH":
			v = oracleVersion{method: "PUT", ident: before.ident, n: w.n}
		case w.verb == "DELETE":
			v = oracleVersion{method: "DELETE"}
		}
		o.add(id, v)
		changed = append(changed, id)
	}
	return ok, changed
}

// transaction is the oracle's: conditions are asked of what is there before, of a POST when the deletions are done;
// overlaps are refused.
func (m *machine) transaction(writes []*write, out []EntryResult) (after oracle, kind Kind) {
	many := m.r.service.cfg.DeleteMany
	after, touched, asked := m.o.clone(), map[string]bool{}, map[string]bool{}
	targets := make([][]string, len(writes))
	for i, w := range writes {
		if condition := w.query + w.ifNoneExist; condition != "" {
			if asked[condition] {
				return nil, Invalid
			}
			asked[condition] = true
		}
		if w.verb == "POST" {
			continue
		}
		ids, fresh, k := m.o.target(w, many)
		if k != ok {
			return nil, k
		}
		targets[i] = ids
		for _, id := range ids {
			if touched[id] && !fresh {
				return nil, Invalid
			}
			touched[id] = true
		}
	}
	remains := m.o.clone() // when the deletions are done
	for i, w := range writes {
		if w.verb == "DELETE" {
			if k, _ := remains.apply(w, targets[i], ""); k != ok {
				return nil, k
			}
		}
	}
	for _, w := range writes {
		if condition := w.query + w.ifNoneExist; condition != "" && w.verb != "DELETE" && meets(writes, w, remains, condition) {
			return nil, Invalid
		}
	}
	for _, verbs := range phases {
		for i, w := range writes {
			if !slices.Contains(verbs, w.verb) {
				continue
			}
			made := ""
			if out != nil && out[i].Result != nil {
				made = out[i].Result.ID
			} else {
				made = fmt.Sprint("new", i)
			}
			one := *w
			if found := remains.matches(w.ifNoneExist); w.ifNoneExist != "" {
				if len(found) > 1 {
					return nil, Precondition
				}
				if one.ifNoneExist = ""; len(found) == 1 {
					continue
				}
			}
			if k, _ := after.apply(&one, targets[i], made); k != ok {
				return nil, k
			}
		}
	}
	return after, ok
}

// meets tells whether another entry than w creates what a condition matches. A POST whose own condition is met by
// what remains neither creates nor asks.
func meets(writes []*write, w *write, remains oracle, condition string) bool {
	if w.verb == "POST" && len(remains.matches(condition)) > 0 {
		return false
	}
	return slices.ContainsFunc(writes, func(other *write) bool {
		return other != w && other.verb == "POST" && other.ident == condition && (other.ifNoneExist == "" || len(remains.matches(other.ifNoneExist)) == 0)
	})
}
