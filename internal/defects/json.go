package defects

import (
	"bytes"
	"encoding/json"
)

// member is one of a JSON object. Values are kept as they were written: only what a defect means to change changes.
type member struct {
	name  string
	value json.RawMessage
}

type object []member

// readObject reads an object, duplicate names and all; ok is false for anything else.
func readObject(raw json.RawMessage) (o object, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		t, err := dec.Token()
		name, isText := t.(string)
		var value json.RawMessage
		if err != nil || !isText || dec.Decode(&value) != nil {
			return nil, false
		}
		o = append(o, member{name, value})
	}
	return o, true
}

func (o object) get(name string) json.RawMessage {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// with sets a member in its place, or at the end. A nil value removes it.
func (o object) with(name string, value json.RawMessage) object {
	var out object
	found := false
	for _, m := range o {
		if m.name == name {
			found = true
			if value == nil {
				continue
			}
			m.value = value
		}
		out = append(out, m)
	}
	if !found && value != nil {
		out = append(out, member{name, value})
	}
	return out
}

func (o object) raw() json.RawMessage {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, quoted(m.name)...), ':'), m.value...)
	}
	return append(b, '}')
}

// readList reads an array; nil for anything else.
func readList(raw json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

func writeList(list []json.RawMessage) json.RawMessage {
	return append(append([]byte{'['}, bytes.Join(asBytes(list), []byte{','})...), ']')
}

func asBytes(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// edited applies a change to the value at a path; * is every element of an array. A change that gives nil removes
// the value, and a list that becomes empty goes too. A member that is not there is offered as nil at the end of a path.
func edited(raw json.RawMessage, change func(json.RawMessage) json.RawMessage, path ...string) json.RawMessage {
	if len(path) == 0 {
		return change(raw)
	}
	if path[0] == "*" {
		var out []json.RawMessage
		list := readList(raw)
		for _, v := range list {
			if v = edited(v, change, path[1:]...); v != nil {
				out = append(out, v)
			}
		}
		switch {
		case list == nil:
			return raw
		case len(out) == 0:
			return nil
		}
		return writeList(out)
	}
	o, ok := readObject(raw)
	if !ok {
		return raw
	}
	was := o.get(path[0])
	if was == nil && len(path) > 1 {
		return raw
	}
	now := edited(was, change, path[1:]...)
	if bytes.Equal(was, now) {
		return raw // byte for byte
	}
	return o.with(path[0], now).raw()
}

// everywhere applies a change to each member of each object, inner ones first. A change that gives nil removes the
// member.
func everywhere(raw json.RawMessage, change func(name string, value json.RawMessage) json.RawMessage) json.RawMessage {
	if list := readList(raw); list != nil {
		for i := range list {
			list[i] = everywhere(list[i], change)
		}
		return writeList(list)
	}
	o, ok := readObject(raw)
	if !ok {
		return raw
	}
	var out object
	for _, m := range o {
		if v := change(m.name, everywhere(m.value, change)); v != nil {
			out = append(out, member{m.name, v})
		}
	}
	return out.raw()
}

// inBundle applies a change to a resource, or to each resource of a Bundle's entries.
func inBundle(raw json.RawMessage, change func(json.RawMessage) json.RawMessage) json.RawMessage {
	if text(raw, "resourceType") != "Bundle" {
		return change(raw)
	}
	return edited(raw, func(v json.RawMessage) json.RawMessage {
		if v == nil {
			return nil
		}
		return change(v)
	}, "entry", "*", "resource")
}

// find is the value at a path of names; nil if there is none.
func find(raw json.RawMessage, path ...string) json.RawMessage {
	for _, name := range path {
		o, _ := readObject(raw)
		if raw = o.get(name); raw == nil {
			return nil
		}
	}
	return raw
}

// text is the string at a path.
func text(raw json.RawMessage, path ...string) string {
	var s string
	if v := find(raw, path...); v == nil || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

func quoted(s string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can be encoded always
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// gone removes a value; constant puts another in its place, if there is one.
func gone(json.RawMessage) json.RawMessage { return nil }

func constant(v string) func(json.RawMessage) json.RawMessage {
	return func(was json.RawMessage) json.RawMessage {
		if was == nil {
			return nil
		}
		return json.RawMessage(v)
	}
}
