package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
)

// item is one resource on its way into a wrapped transaction.
type item struct {
	raw     []byte
	line    int
	typ, id string
}

// chunk is a run of NDJSON lines of one file that go as one transaction.
type chunk struct {
	path  string
	items []item
	bytes int
}

func (c *chunk) source() string {
	first, last := c.items[0].line, c.items[len(c.items)-1].line
	if first == last {
		return fmt.Sprintf("%s:%d", c.path, first)
	}
	return fmt.Sprintf("%s:%d-%d", c.path, first, last)
}

func (c *chunk) halves() [2]*chunk {
	mid := len(c.items) / 2
	return [2]*chunk{{path: c.path, items: c.items[:mid]}, {path: c.path, items: c.items[mid:]}}
}

// wrap makes the transaction that stores items. The same items always give the same bytes.
func wrap(items []item) []byte {
	size := 64
	for _, it := range items {
		size += len(it.raw) + 192
	}
	b := bytes.NewBuffer(make([]byte, 0, size))
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i, it := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		if it.id != "" {
			b.WriteString(`"fullUrl":"` + entryURN(it.typ, it.id) + `",`)
		}
		b.WriteString(`"resource":`)
		b.Write(it.raw)
		if it.id != "" {
			b.WriteString(`,"request":{"method":"PUT","url":` + quote(it.typ+"/"+it.id) + `}}`)
		} else {
			b.WriteString(`,"request":{"method":"POST","url":` + quote(it.typ) + `}}`)
		}
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // no string fails; an empty url lets the server refuse the entry
		return `""`
	}
	return string(b)
}

// chunker cuts a file's lines of one type into chunks. Where it cuts depends on the lines alone, never on time or on what else runs: a
// later run must ask with the same bytes.
type chunker struct {
	typ        string
	maxEntries int
	maxBytes   int
	maxLine    int
	emit       func(*chunk) error
	fail       func(Failure)
}

func (c *chunker) run(path string) error {
	cur := &chunk{path: path}
	inCur := map[string]bool{}
	flush := func() error {
		if len(cur.items) == 0 {
			return nil
		}
		full := cur
		cur = &chunk{path: path}
		clear(inCur)
		return c.emit(full)
	}
	err := eachLine(path, c.maxLine, func(number int, line []byte) error {
		it, mine, bad := c.read(number, line)
		if !mine {
			return nil
		}
		if bad != "" {
			c.fail(Failure{Source: fmt.Sprintf("%s:%d", path, number), Error: bad})
			return nil
		}
		// One identity may occur once in a transaction; a later line for it is a later version.
		twice := it.id != "" && inCur[it.id]
		if twice || len(cur.items) == c.maxEntries || len(cur.items) > 0 && cur.bytes+len(it.raw) > c.maxBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		inCur[it.id] = true
		cur.items = append(cur.items, it)
		cur.bytes += len(it.raw)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// read parses a line. mine is false for lines of other types, which another pass sends (see ndjsonScan.scan). bad says why the line cannot
// be sent.
func (c *chunker) read(number int, line []byte) (it item, mine bool, bad string) {
	h := headerOf(line)
	switch {
	case h.Type != c.typ:
		return item{}, false, ""
	case line == nil:
		bad = errLineTooLong.Error()
	case !json.Valid(line):
		bad = errNotJSON.Error()
	case h.Type == "":
		bad = errNotResource.Error()
	}
	return item{raw: bytes.Clone(line), line: number, typ: h.Type, id: h.ID}, true, bad
}

// inFlight keeps two transactions that write the same identity from running at once: the later line must win, on every run.
type inFlight struct {
	mu   sync.Mutex
	free *sync.Cond
	ids  map[uint64]bool
}

func newInFlight() *inFlight {
	f := &inFlight{ids: map[uint64]bool{}}
	f.free = sync.NewCond(&f.mu)
	return f
}

// acquire waits until no chunk in flight holds an identity of c, then holds them all. Only one goroutine may acquire.
func (f *inFlight) acquire(c *chunk) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.busy(c) {
		f.free.Wait()
	}
	for _, it := range c.items {
		if it.id != "" {
			f.ids[short(it.typ, it.id)] = true
		}
	}
}

func (f *inFlight) busy(c *chunk) bool {
	for _, it := range c.items {
		if it.id != "" && f.ids[short(it.typ, it.id)] {
			return true
		}
	}
	return false
}

func (f *inFlight) release(c *chunk) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, it := range c.items {
		delete(f.ids, short(it.typ, it.id))
	}
	f.free.Broadcast()
}
