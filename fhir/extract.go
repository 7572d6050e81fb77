package fhir

import (
	"slices"
	"sync"
	"time"
)

// Extract returns all search values of a resource in the order of
// Param.Ordinal. Values of one parameter are in document order within each path
// of its expression, and may repeat.
//
// _id and _lastUpdated are not among them: they are the server's, which adds
// IDValue and LastUpdatedValue once it has set both.
//
// A result of more than MaxValues is not whole.
func Extract(r *Resource) []Value {
	scratch, _ := valueScratch.Get().(*[]Value)
	values := AppendValues((*scratch)[:0], r)
	out := append([]Value(nil), values...) // exact: values are large
	clear(values)
	if *scratch = values; cap(values) <= maxPooled {
		valueScratch.Put(scratch)
	}
	return out
}

// MaxValues bounds the search values of a resource: one takes some hundred times the room of a short string in JSON.
const MaxValues = 50_000

var valueScratch = sync.Pool{New: func() any { return new([]Value) }}

// AppendValues is Extract into a slice that the caller reuses.
func AppendValues(dst []Value, r *Resource) []Value {
	get := programs()[r.Type]
	if get == nil || r.Proto == nil {
		return dst
	}
	c := newEvaluation(r.Proto)
	defer c.release()
	return get().run(c, dst)
}

// IDValue is the _id of a resource.
func IDValue(id string) Value {
	return Value{Param: paramTables().byURL["http://hl7.org/fhir/SearchParameter/Resource-id"], Kind: ValueToken, Code: id}
}

// LastUpdatedValue is the _lastUpdated of a resource, a point in time that a
// dateTime of the same millisecond matches.
func LastUpdatedValue(t time.Time) Value {
	low := t.Truncate(time.Millisecond)
	return Value{
		Param: paramTables().byURL["http://hl7.org/fhir/SearchParameter/Resource-lastUpdated"],
		Kind:  ValueDate, Low: low, High: low.Add(time.Millisecond),
	}
}

// evaluation is the state of one extraction. All items live in one arena, which
// is reused: a step reads a span of it and appends to it.
type evaluation struct {
	root      element
	items     []element
	spans     []itemSpan // of each slot
	parts     []Value    // of the composite being made
	contained map[string]element
}

type itemSpan struct{ from, to int }

// maxPooled bounds the arenas that are kept, because each use clears them whole.
const maxPooled = 1024

var evaluations = sync.Pool{New: func() any { return new(evaluation) }}

func newEvaluation(root element) *evaluation {
	c := evaluations.Get().(*evaluation) //nolint:forcetypeassert // the pool makes nothing else
	c.root = root
	return c
}

// release forgets the resource before the arena goes back to the pool.
func (c *evaluation) release() {
	clear(c.items[:cap(c.items)])
	clear(c.parts[:cap(c.parts)])
	if cap(c.items) > maxPooled || cap(c.parts) > maxPooled {
		return
	}
	c.items, c.spans, c.root, c.contained = c.items[:0], c.spans[:0], nil, nil
	evaluations.Put(c)
}

func (p *program) run(c *evaluation, dst []Value) []Value {
	c.items = append(c.items, c.root)
	c.spans = append(c.spans, itemSpan{0, 1})
	for _, s := range p.slots[1:] {
		from := len(c.items)
		if in := c.spans[s.parent]; in.to > in.from {
			s.run(c, in.from, in.to)
		}
		c.spans = append(c.spans, itemSpan{from, len(c.items)})
	}
	for i := range p.outputs {
		if dst = p.outputs[i].append(c, dst); len(dst) > MaxValues {
			break
		}
	}
	return dst
}

func (o *output) append(c *evaluation, dst []Value) []Value {
	if o.truth != nil {
		if t := o.truth(c, c.root); t != isEmpty {
			dst = append(dst, Value{Param: o.param, Kind: ValueToken, Code: boolCode(t == isTrue)})
		}
		return dst
	}
	in := c.spans[o.slot]
	for i := in.from; i < in.to && len(dst) <= MaxValues; i++ {
		e := c.items[i]
		if o.components != nil {
			dst = o.appendComposite(c, e, dst)
		} else {
			dst = convert(c, o.param, o.converters, e, dst)
		}
	}
	return dst
}

// appendComposite adds the component values of one element, unless one of the
// components has none.
func (o *output) appendComposite(c *evaluation, e element, dst []Value) []Value {
	mark := len(c.items)
	defer func() { c.items = c.items[:mark] }()
	var spans [maxComponents]itemSpan
	for i := range o.components {
		if spans[i] = c.componentItems(&o.components[i], e); spans[i].from == spans[i].to {
			return dst
		}
	}
	parts := c.parts[:0]
	for i := range o.components {
		part, before := &o.components[i], len(parts)
		for j := spans[i].from; j < spans[i].to; j++ {
			parts = convert(c, part.param, part.converters, c.items[j], parts)
		}
		if len(parts) == before {
			return dst
		}
		for j := before; j < len(parts); j++ {
			parts[j].Component = uint8(i) //nolint:gosec // below maxComponents
		}
	}
	c.parts = parts
	return append(dst, Value{Param: o.param, Kind: ValueComposite, Components: slices.Clone(parts)})
}

// componentItems finds the items of one component.
func (c *evaluation) componentItems(co *componentOutput, e element) itemSpan {
	if len(co.slots) == 0 {
		from, to := c.collect(co.branches, e)
		return itemSpan{from, to}
	}
	if len(co.slots) == 1 {
		return c.spans[co.slots[0]]
	}
	from := len(c.items)
	for _, s := range co.slots {
		c.items = append(c.items, c.items[c.spans[s].from:c.spans[s].to]...)
	}
	return itemSpan{from, len(c.items)}
}

// collect evaluates paths on one item. The result is the span of the arena; the
// caller cuts the arena back to its start when done.
func (c *evaluation) collect(branches []branch, e element) (from, to int) {
	from = len(c.items)
	for i := range branches {
		start := len(c.items)
		if branches[i].fromResource {
			c.items = append(c.items, c.root)
		} else {
			c.items = append(c.items, e)
		}
		at := start
		for _, s := range branches[i].steps {
			next := len(c.items)
			s.run(c, at, next)
			at = next
		}
		kept := copy(c.items[start:], c.items[at:])
		c.items = c.items[:start+kept]
	}
	return from, len(c.items)
}

func boolCode(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
