package leakscan

import (
	"fmt"
	"strconv"
)

// Finding is one place where a needle lies.
type Finding struct {
	Where  string // file, then the way into it: "store/000012.sst > value 7 > zstd at 96"
	Offset int    // of the first byte, in the innermost container
	Needle string // the needle's name, never its value
	Form   string // how it is written there
}

// String is one line for a person.
func (f Finding) String() string {
	return fmt.Sprintf("%s at %d: %s (%s)", f.Where, f.Offset, f.Needle, f.Form)
}

// Report is what a scan found, and how much it saw.
type Report struct {
	Findings []Finding
	More     int            // findings left out, because enough alike are listed
	Files    int            // regular files and blobs searched
	Bytes    int64          // searched, what came out of containers included
	Opened   map[string]int // containers by kind
	Unread   []string       // what could not be searched in full: as bad as a finding
	Notes    []string       // what looked like a container, perhaps by chance, and did not open
}

// Clean tells that all was read and nothing found.
func (r *Report) Clean() bool { return len(r.Findings) == 0 && len(r.Unread) == 0 }

// Add takes over what another scan reported.
func (r *Report) Add(o *Report) {
	r.Findings = append(r.Findings, o.Findings...)
	r.More += o.More
	r.Files += o.Files
	r.Bytes += o.Bytes
	r.Unread = append(r.Unread, o.Unread...)
	r.Notes = append(r.Notes, o.Notes...)
	for kind, n := range o.Opened {
		r.opened(kind, n)
	}
}

func (r *Report) opened(kind string, n int) {
	if r.Opened == nil {
		r.Opened = make(map[string]int)
	}
	r.Opened[kind] += n
}

// place is where a blob was taken from. Its text is made only for what is reported.
type place struct {
	parent *place
	name   string
	number int // -1: none
	depth  int
}

func (p *place) in(name string, number int) *place {
	return &place{parent: p, name: name, number: number, depth: p.depth + 1}
}

func (p *place) String() string {
	s := p.name
	if p.number >= 0 {
		s += " " + strconv.Itoa(p.number)
	}
	if p.parent != nil {
		return p.parent.String() + " > " + s
	}
	return s
}
