package fhir

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// The second implementation of views: over decoded JSON, by the element definitions themselves. It shares neither the
// tables nor the schema with the first one.

// elementDef is an ElementDefinition of a snapshot, as far as views go.
type elementDef struct {
	path                string
	min                 int
	summary, modifier   bool
	types               []string
	reference, basePath string
}

// viewOracle makes views of decoded JSON.
type viewOracle struct {
	tb   testing.TB
	defs map[string]*elementDef
}

// def finds the definition of a JSON name, and the name that it gives the element.
func (o *viewOracle) def(path, key string) (*elementDef, string) {
	key = strings.TrimPrefix(key, "_")
	if d := o.defs[path+"."+key]; d != nil {
		return d, key
	}
	for i := len(key); i > 0; i-- {
		d := o.defs[path+"."+key[:i]+"[x]"]
		if d != nil && slices.ContainsFunc(d.types, func(typ string) bool { return upperFirst(typ) == key[i:] }) {
			return d, key[:i]
		}
	}
	o.tb.Fatalf("%s has no element %s", path, key)
	return nil, ""
}

// view is the view by a form, which is a value of _summary or, for _elements, empty.
func (o *viewOracle) view(resource map[string]any, form string, names []string) map[string]any {
	typ, _ := resource["resourceType"].(string)
	out := o.root(resource, typ, form, names)
	contained, has := resource["contained"]
	if _, kept := out["contained"]; has && !kept && hasFragment(out) {
		out["contained"] = contained
	}
	meta := map[string]any{}
	if old, ok := out["meta"].(map[string]any); ok {
		for k, v := range old {
			meta[k] = v
		}
	}
	tags, _ := meta["tag"].([]any)
	for _, tag := range tags {
		if coding, _ := tag.(map[string]any); coding["system"] == subsettedSystem && coding["code"] == subsettedCode {
			return out
		}
	}
	meta["tag"] = append(slices.Clone(tags), map[string]any{"system": subsettedSystem, "code": subsettedCode})
	out["meta"] = meta
	return out
}

// root makes the view without what is added to it.
func (o *viewOracle) root(resource map[string]any, typ, form string, names []string) map[string]any {
	out := map[string]any{}
	for key, value := range resource {
		if key == "resourceType" {
			out[key] = value
			continue
		}
		d, name := o.def(typ, key)
		common := name == "id" || name == "meta"
		keep := false
		switch form {
		case "true":
			if value, some := o.summary(value, d, key); common || some && (d.summary || d.min > 0 || d.modifier) {
				out[key] = value
			}
		case "text":
			keep = common || name == "text" || d.min > 0
		case "data":
			keep = name != "text"
		default:
			listed := slices.Contains(names, name) || slices.Contains(names, strings.TrimPrefix(key, "_"))
			keep = common || d.min > 0 || d.modifier || listed
		}
		if keep {
			out[key] = value
		}
	}
	return out
}

// summary is what is left of a value in a summary, and whether that is anything.
func (o *viewOracle) summary(value any, d *elementDef, key string) (any, bool) {
	path := cmp.Or(d.reference, d.path)
	if d.reference == "" && len(d.types) > 0 {
		switch typ := o.typeOf(d, key); {
		case typ == "BackboneElement" || typ == "Element":
			if !o.marked(path) {
				return value, true
			}
		case typ == "Resource":
			if resource, ok := value.(map[string]any); ok {
				return o.view(resource, "true", nil), true
			}
			return value, true
		case o.defs[typ] == nil || typ == "Extension" || strings.HasPrefix(key, "_"):
			return value, true
		default:
			path = typ
		}
	}
	out, some := o.inner(value, path)
	if !some && d.min > 0 {
		return value, true
	}
	return out, some
}

// typeOf is the type of an element; of a choice the one that its JSON name says.
func (o *viewOracle) typeOf(d *elementDef, key string) string {
	base, choice := strings.CutSuffix(d.path[strings.LastIndexByte(d.path, '.')+1:], "[x]")
	for _, typ := range d.types {
		if !choice || base+upperFirst(typ) == strings.TrimPrefix(key, "_") {
			return typ
		}
	}
	o.tb.Fatalf("%s has no type", d.path)
	return ""
}

// marked tells whether any own element of a backbone element is in a summary.
func (o *viewOracle) marked(path string) bool {
	for p, d := range o.defs {
		own := strings.HasPrefix(p, path+".") && strings.Count(p, ".") == strings.Count(path, ".")+1 && d.basePath == d.path
		if own && (d.summary || d.min > 0 || d.modifier) {
			return true
		}
	}
	return false
}

// inner filters the members of an object, or those of each in a list.
func (o *viewOracle) inner(value any, path string) (any, bool) {
	switch value := value.(type) {
	case []any:
		list := []any{}
		for _, v := range value {
			if v, some := o.inner(v, path); some {
				list = append(list, v)
			}
		}
		return list, len(list) > 0
	case map[string]any:
		out, some := map[string]any{}, false
		root, _, _ := strings.Cut(path, ".")
		ofType := o.defs[root+".implicitRules"] == nil // a data type, not a resource
		for key, v := range value {
			d, name := o.def(path, key)
			common := name == "id" || ofType && name == "extension"
			if !common && !d.summary && d.min == 0 && !d.modifier {
				continue
			}
			if v, kept := o.summary(v, d, key); kept || common {
				out[key] = v
				some = some || name != "id" || strings.HasPrefix(key, "_")
			}
		}
		return out, some
	}
	return value, true
}

// hasFragment tells whether any string, names of members included, begins with #.
func hasFragment(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.HasPrefix(value, "#")
	case []any:
		return slices.ContainsFunc(value, hasFragment)
	case map[string]any:
		for _, v := range value {
			if hasFragment(v) {
				return true
			}
		}
	}
	return false
}
