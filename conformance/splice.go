package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// member is one member of a JSON object with its value as it was written.
type member struct {
	name  string
	value json.RawMessage
}

// members splits an object, in order. Values keep every byte, and with them the digits of decimals.
func members(raw []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("no JSON object")
	}
	var out []member
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("JSON: %w", err)
		}
		m := member{name: fmt.Sprint(name)}
		if err := dec.Decode(&m.value); err != nil {
			return nil, fmt.Errorf("JSON: %w", err)
		}
		out = append(out, m)
	}
	return out, nil
}

// setID replaces the id of a resource, or removes it if id is empty.
func setID(raw []byte, id string) ([]byte, error) {
	list, err := members(raw)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteByte('{')
	write := func(name string, value []byte) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, value)
	}
	for _, m := range list {
		if m.name == "id" {
			continue
		}
		write(m.name, m.value)
		if m.name == "resourceType" && id != "" {
			write("id", fmt.Appendf(nil, "%q", id))
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
