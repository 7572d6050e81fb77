package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// compare applies the operator of the assertion to the values that were found.
func (a *assertion) compare(what string, got []string, want string) error {
	if !a.regex {
		return compare(a.Operator, what, got, want)
	}
	pattern, err := regexp.Compile(want)
	if err != nil {
		return fmt.Errorf("value: %w", err)
	}
	matches := slices.ContainsFunc(got, pattern.MatchString)
	if negative := a.Operator == "notEquals" || a.Operator == "notContains"; matches == negative {
		return fmt.Errorf("%s is %s, which %s %s", what, shown(got), map[bool]string{true: "matches", false: "does not match"}[matches], want)
	}
	return nil
}

// compare applies an operator (R4 valueset-assert-operator-codes.html). equals, greaterThan and lessThan want exactly
// one value; contains one value with the text in it, notContains none.
func compare(operator, what string, got []string, want string) error {
	one := len(got) > 0 && !slices.ContainsFunc(got, func(s string) bool { return s != got[0] })
	has := func(s string) bool { return strings.Contains(s, want) }
	listed := func(s string) bool { return slices.Contains(splitList(want), s) }
	var holds bool
	switch operator {
	case "", "equals", "eval":
		holds = one && got[0] == want
	case "notEquals":
		holds = !slices.Contains(got, want)
	case "in":
		holds = len(got) > 0 && !slices.ContainsFunc(got, func(s string) bool { return !listed(s) })
	case "notIn":
		holds = !slices.ContainsFunc(got, listed)
	case "greaterThan":
		holds = one && order(got[0], want) > 0
	case "lessThan":
		holds = one && order(got[0], want) < 0
	case "empty":
		holds = strings.Join(got, "") == ""
	case "notEmpty":
		holds = strings.Join(got, "") != ""
	case "contains":
		holds = slices.ContainsFunc(got, has)
	case "notContains":
		holds = !slices.ContainsFunc(got, has)
	}
	if holds {
		return nil
	}
	if operator == "empty" || operator == "notEmpty" {
		return fmt.Errorf("%s is %s, want it %s", what, shown(got), operator)
	}
	return fmt.Errorf("%s is %s, want %s %q", what, shown(got), map[bool]string{true: "equals", false: operator}[operator == ""], want)
}

func splitList(s string) []string {
	list := strings.Split(s, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// order compares numbers as numbers and everything else (codes, instants of one form) as text.
func order(a, b string) int {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	if okX && okY {
		return x.Cmp(y)
	}
	return strings.Compare(a, b)
}

func shown(values []string) string {
	switch len(values) {
	case 0:
		return "empty"
	case 1:
		return fmt.Sprintf("%q", short(values[0]))
	}
	return fmt.Sprintf("%q", short(strings.Join(values, "; ")))
}

func short(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// contains tells whether a resource has at least the content of a fixture (assert.minimumId). Members in any order;
// in an array every element of the fixture in its order, others may stand between. Numbers digit by digit: FHIR
// decimals carry their precision (R4 datatypes.html#decimal).
func contains(resource, fixture []byte) error {
	got, err := decodeJSON(resource)
	if err != nil {
		return fmt.Errorf("response: %w", err)
	}
	want, err := decodeJSON(fixture)
	if err != nil {
		return fmt.Errorf("fixture: %w", err)
	}
	return within(got, want, "")
}

func decodeJSON(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	return v, nil
}

func within(got, want any, path string) error {
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no object", path)
		}
		for _, name := range sortedKeys(want) {
			v, ok := m[name]
			if !ok {
				return fmt.Errorf("%s is missing", strings.TrimPrefix(path+"."+name, "."))
			}
			if err := within(v, want[name], strings.TrimPrefix(path+"."+name, ".")); err != nil {
				return err
			}
		}
		return nil
	case []any:
		list, ok := got.([]any)
		if !ok {
			return fmt.Errorf("%s is no array", path)
		}
		return withinList(list, want, path)
	}
	if got != want { // strings, json.Numbers by their digits, booleans, nil
		return fmt.Errorf("%s is %v, want %v", path, got, want)
	}
	return nil
}

// withinList finds the elements in order. Arrays with null pair with those of another member by index and must agree.
func withinList(got, want []any, path string) error {
	if slices.Contains(want, nil) && len(got) != len(want) {
		return fmt.Errorf("%s has %d elements, want %d", path, len(got), len(want))
	}
	next := 0
	for i, w := range want {
		var first error
		found := false
		for ; next < len(got) && !found; next++ {
			err := within(got[next], w, fmt.Sprintf("%s[%d]", path, next))
			if found = err == nil; !found && first == nil {
				first = err
			}
		}
		if !found {
			if first == nil {
				first = fmt.Errorf("%s has %d elements", path, len(got))
			}
			return fmt.Errorf("element %d of the fixture's %s is not there: %w", i, path, first)
		}
	}
	return nil
}

// memberText reads a string member of a resource; empty if there is none.
func memberText(raw []byte, name string) string {
	list, err := members(raw)
	if err != nil {
		return ""
	}
	for _, m := range list {
		var s string
		if m.name == name && json.Unmarshal(m.value, &s) == nil {
			return s
		}
	}
	return ""
}
