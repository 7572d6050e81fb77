package patch_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

// oracle is a JSON Patch as simple as can be, over maps and slices. It knows
// neither order nor bytes.
type oracle struct{ root any }

type oracleObject struct {
	m       map[string]any
	emptied bool
}

type oracleArray struct {
	list    []any
	emptied bool
}

var errOracle = errors.New("refused")

// fromJSON makes the oracle's tree of what encoding/json reads.
func fromJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := &oracleObject{m: map[string]any{}}
		for k, x := range v {
			o.m[k] = fromJSON(x)
		}
		return o
	case []any:
		a := &oracleArray{list: []any{}}
		for _, x := range v {
			a.list = append(a.list, fromJSON(x))
		}
		return a
	}
	return v
}

// plain gives maps and slices, pruned, with numbers by value.
func plain(v any) any {
	switch v := v.(type) {
	case *oracleObject:
		out := map[string]any{}
		for k, x := range v.m {
			p, had := plain(x), emptied(x)
			if had && size(p) == 0 {
				v.emptied = true
				continue
			}
			out[k] = p
		}
		return out
	case *oracleArray:
		out := []any{}
		for _, x := range v.list {
			p, had := plain(x), emptied(x)
			if had && size(p) == 0 {
				v.emptied = true
				continue
			}
			out = append(out, p)
		}
		return out
	case json.Number:
		r, _ := new(big.Rat).SetString(v.String())
		return r.RatString()
	case string:
		return "'" + v
	}
	return v
}

// emptied is asked after plain, which passes it on from below.
func emptied(v any) bool {
	switch v := v.(type) {
	case *oracleObject:
		return v.emptied
	case *oracleArray:
		return v.emptied
	}
	return false
}

func size(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return len(v)
	case []any:
		return len(v)
	}
	return -1
}

// whole gives maps and slices without pruning, for test.
func whole(v any) string {
	var strip func(any) any
	strip = func(v any) any {
		switch v := v.(type) {
		case *oracleObject:
			out := map[string]any{}
			for k, x := range v.m {
				out[k] = strip(x)
			}
			return out
		case *oracleArray:
			out := []any{}
			for _, x := range v.list {
				out = append(out, strip(x))
			}
			return out
		}
		return plain(v)
	}
	text, _ := json.Marshal(strip(v)) // of a map: sorted by name
	return string(text)
}

func segments(p string) []string {
	if p == "" {
		return nil
	}
	s := strings.Split(p[1:], "/")
	for i := range s {
		s[i] = strings.ReplaceAll(strings.ReplaceAll(s[i], "~1", "/"), "~0", "~")
	}
	return s
}

func (o *oracle) get(p []string) (any, error) {
	v := o.root
	for _, s := range p {
		switch c := v.(type) {
		case *oracleObject:
			x, ok := c.m[s]
			if !ok {
				return nil, errOracle
			}
			v = x
		case *oracleArray:
			i, err := strconv.Atoi(s)
			if err != nil || i < 0 || i >= len(c.list) || strconv.Itoa(i) != s {
				return nil, errOracle
			}
			v = c.list[i]
		default:
			return nil, errOracle
		}
	}
	return v, nil
}

func (o *oracle) add(p []string, x any) error {
	if len(p) == 0 {
		o.root = x
		return nil
	}
	parent, err := o.get(p[:len(p)-1])
	if err != nil {
		return err
	}
	last := p[len(p)-1]
	switch c := parent.(type) {
	case *oracleObject:
		c.m[last] = x
		return nil
	case *oracleArray:
		i := len(c.list)
		if last != "-" {
			if i, err = strconv.Atoi(last); err != nil || i < 0 || i > len(c.list) || strconv.Itoa(i) != last {
				return errOracle
			}
		}
		list := append([]any{}, c.list[:i]...)
		c.list = append(append(list, x), c.list[i:]...)
		return nil
	}
	return errOracle
}

func (o *oracle) remove(p []string) (any, error) {
	x, err := o.get(p)
	if err != nil || len(p) == 0 {
		return nil, errOracle
	}
	parent, _ := o.get(p[:len(p)-1])
	last := p[len(p)-1]
	switch c := parent.(type) {
	case *oracleObject:
		delete(c.m, last)
		c.emptied = true
	case *oracleArray:
		i, _ := strconv.Atoi(last)
		c.list = append(append([]any{}, c.list[:i]...), c.list[i+1:]...)
		c.emptied = true
	}
	return x, nil
}

// copyOf is another tree of the same values.
func copyOf(v any) any {
	switch v := v.(type) {
	case *oracleObject:
		o := &oracleObject{m: map[string]any{}, emptied: v.emptied}
		for k, x := range v.m {
			o.m[k] = copyOf(x)
		}
		return o
	case *oracleArray:
		a := &oracleArray{list: []any{}, emptied: v.emptied}
		for _, x := range v.list {
			a.list = append(a.list, copyOf(x))
		}
		return a
	}
	return v
}

type oracleOp struct{ op, path, from, value string }

func (op oracleOp) String() string {
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	s := `{"op":` + quote(op.op) + `,"path":` + quote(op.path)
	if op.op == "move" || op.op == "copy" {
		s += `,"from":` + quote(op.from)
	}
	if op.value != "" {
		s += `,"value":` + op.value
	}
	return s + "}"
}

func (o *oracle) apply(t testing.TB, op oracleOp) error {
	path, from := segments(op.path), segments(op.from)
	var value any
	if op.value != "" {
		value = fromJSON(decode(t, []byte(op.value)))
	}
	switch op.op {
	case "add":
		return o.add(path, value)
	case "remove":
		_, err := o.remove(path)
		return err
	case "replace":
		if len(path) == 0 {
			return o.add(path, value)
		}
		if _, err := o.get(path); err != nil {
			return err
		}
		parent, _ := o.get(path[:len(path)-1])
		if a, ok := parent.(*oracleArray); ok {
			i, _ := strconv.Atoi(path[len(path)-1])
			a.list[i] = value
			return nil
		}
		return o.add(path, value)
	case "move":
		if op.from == op.path {
			_, err := o.get(from)
			return err
		}
		if strings.HasPrefix(op.path, op.from+"/") {
			return errOracle
		}
		x, err := o.remove(from)
		if err != nil {
			return err
		}
		return o.add(path, x)
	case "copy":
		x, err := o.get(from)
		if err != nil {
			return err
		}
		return o.add(path, copyOf(x))
	}
	x, err := o.get(path)
	if err != nil || whole(x) != whole(value) {
		return errOracle
	}
	return nil
}
