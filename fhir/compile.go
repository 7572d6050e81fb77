package fhir

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	r4 "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
)

// program extracts all search values of one resource type. Its slots are the
// steps of all expressions with equal prefixes merged, parents first, so that
// Observation.code is read once for the six parameters that use it.
type program struct {
	slots   []slot
	outputs []output // by Param.Ordinal
}

type slot struct {
	parent int // slot 0 is the resource itself
	run    func(c *evaluation, from, to int)
}

// output turns what one branch of an expression selects into values of one
// parameter.
type output struct {
	param      *Param
	slot       int
	converters []typeConverter // one per type of item
	truth      truthFunc       // of a parameter whose expression is a condition
	components []componentOutput
}

// componentOutput is one component of a composite, relative to the item of the
// composite's own expression.
type componentOutput struct {
	param      *Param
	slots      []int // if the composite's element is the resource itself
	branches   []branch
	converters []typeConverter
}

// unextracted are the parameters that give no values: the server sets id and
// lastUpdated itself (IDValue, LastUpdatedValue), the others have no expression
// or none that the nine value types cover.
var unextracted = map[string]string{
	"_id":          "set by the server",
	"_lastUpdated": "set by the server",
	"_text":        "no expression: full text of the narrative",
	"_content":     "no expression: full text of the resource",
	"_query":       "no expression: names a stored query",
	"near":         "special: distance from Location.position",
}

// programs holds the program of each type, compiled on first use.
var programs = sync.OnceValue(newPrograms)

func newPrograms() map[string]func() *program {
	all := map[string]func() *program{}
	for _, typ := range storableTypes() {
		all[typ] = sync.OnceValue(func() *program {
			p, err := compileType(typ, paramTables().byType[typ].list)
			if err != nil {
				panic(fmt.Sprintf("fhir: search parameters of %s: %v", typ, err)) // a fault of the build: a test compiles every type
			}
			return p
		})
	}
	return all
}

// descriptorOf is the message type of a resource type, nil if there is none.
func descriptorOf(typ string) protoreflect.MessageDescriptor {
	fields := (&r4.ContainedResource{}).ProtoReflect().Descriptor().Oneofs().ByName("oneof_resource").Fields()
	for i := range fields.Len() {
		if m := fields.Get(i).Message(); string(m.Name()) == typ {
			return m
		}
	}
	return nil
}

// builder collects the slots of a program.
type builder struct {
	program
	index map[slotKey]int
}

type slotKey struct {
	parent int
	key    string
}

func compileType(typ string, params []*Param) (*program, error) {
	desc := descriptorOf(typ)
	if desc == nil {
		return nil, fmt.Errorf("unknown type %s", typ)
	}
	b := &builder{index: map[slotKey]int{}}
	b.slots = []slot{{}}
	for _, p := range params {
		if _, ok := unextracted[p.Code]; ok {
			continue
		}
		if err := b.add(p, desc); err != nil {
			return nil, fmt.Errorf("%s: %w", p.URL, err)
		}
	}
	return &b.program, nil
}

func (b *builder) add(p *Param, desc protoreflect.MessageDescriptor) error {
	node, err := parseExpression(p.Expression)
	if err != nil {
		return err
	}
	expr, err := compile(node, scope{resource: desc, context: []protoreflect.MessageDescriptor{desc}, outer: true})
	if err != nil {
		return err
	}
	if expr.truth != nil {
		if p.Type != ParamToken {
			return fmt.Errorf("%w: a condition as a %s", errExpression, p.Type)
		}
		b.outputs = append(b.outputs, output{param: p, truth: expr.truth})
		return nil
	}
	if len(expr.branches) == 0 {
		return fmt.Errorf("%w: nothing selects from %s", errExpression, desc.Name())
	}
	for _, br := range expr.branches {
		o := output{param: p, slot: b.slotFor(br)}
		if p.Type == ParamComposite {
			o.components, err = b.components(p, desc, br)
		} else {
			o.converters, err = convertersFor(p, br.types)
		}
		if err != nil {
			return err
		}
		b.outputs = append(b.outputs, o)
	}
	return nil
}

// slotFor finds or makes the slots of a branch and returns the last.
func (b *builder) slotFor(br branch) int {
	at := 0
	for _, s := range br.steps {
		key := slotKey{at, s.key}
		next, ok := b.index[key]
		if !ok {
			next = len(b.slots)
			b.slots = append(b.slots, slot{parent: at, run: s.run})
			b.index[key] = next
		}
		at = next
	}
	return at
}

// maxComponents bounds a composite; R4 has three at most.
const maxComponents = 8

// components compiles the parts of a composite against the items that one
// branch of its expression selects. If that is the resource, which is one item,
// they can share the slots; otherwise they are evaluated for each item.
func (b *builder) components(p *Param, desc protoreflect.MessageDescriptor, base branch) ([]componentOutput, error) {
	out := make([]componentOutput, 0, len(p.Components))
	for _, part := range p.Components {
		node, err := parseExpression(part.Expression)
		if err != nil {
			return nil, err
		}
		branches, err := compilePath(node, scope{resource: desc, context: base.types})
		if err != nil {
			return nil, err
		}
		co := componentOutput{param: part.Param, branches: branches}
		var types []protoreflect.MessageDescriptor
		for _, br := range branches {
			types = append(types, br.types...)
			if len(base.steps) == 0 {
				co.slots = append(co.slots, b.slotFor(br))
			}
		}
		if co.converters, err = convertersFor(part.Param, types); err != nil {
			return nil, err
		}
		out = append(out, co)
	}
	if len(out) == 0 || len(out) > maxComponents {
		return nil, fmt.Errorf("%w: a composite of %d components", errExpression, len(out))
	}
	return out, nil
}
