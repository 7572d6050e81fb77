package fhir

// nameTable finds the members of a type by name. A Go map would do, and took a
// tenth of the time that a resource takes.
type nameTable struct {
	slots []nameSlot // a power of two, at most half of them taken
}

type nameSlot struct {
	name string // empty in a free slot
	member
}

// newNameTable makes the table of a type whose members are known.
func newNameTable(members map[string]member) nameTable {
	n := 2
	for n < 2*len(members) {
		n *= 2
	}
	t := nameTable{make([]nameSlot, n)}
	for name, m := range members {
		i := nameHash(name) & (n - 1)
		for t.slots[i].name != "" {
			i = (i + 1) & (n - 1)
		}
		t.slots[i] = nameSlot{name, m}
	}
	return t
}

// find gives the slot of a name, nil when the type has no such member.
func (t *nameTable) find(name []byte) *nameSlot {
	if len(name) == 0 {
		return nil
	}
	mask := len(t.slots) - 1
	for i := nameHash(name) & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.name == string(name) {
			return s
		}
		if s.name == "" {
			return nil
		}
	}
}

// nameHash spreads the names of elements; nobody can make it slow, because the
// table holds nothing that a client chose.
func nameHash[T string | []byte](name T) int {
	n := len(name)
	return n*5 + int(name[0])*31 + int(name[n/2])*17 + int(name[n-1])*7 + int(name[n*3/4])*3
}
