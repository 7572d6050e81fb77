package fhir

import (
	"errors"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// exampleCorpus parses the published R4 examples once. Those that the
// specification's own rules refuse are left out.
var exampleCorpus = sync.OnceValue(func() map[string]*Resource {
	return map[string]*Resource{}
})

// examples gives all R4 examples that are valid, by file name.
func examples(tb testing.TB) map[string]*Resource {
	tb.Helper()
	all := exampleCorpus()
	if len(all) > 0 {
		return all
	}
	for _, f := range corpus(tb, "r4-examples.tar.zst") {
		r, err := Parse(f.data, Limits{})
		var invalid *Invalid
		switch {
		case err == nil:
			all[path.Base(f.name)] = r
		case !errors.As(err, &invalid):
			tb.Fatalf("%s: %v", f.name, err)
		}
	}
	if len(all) < 750 {
		tb.Fatalf("only %d examples are valid", len(all))
	}
	return all
}

func parseJSON(tb testing.TB, json string) *Resource {
	tb.Helper()
	r, err := Parse([]byte(json), Limits{})
	if err != nil {
		tb.Fatalf("parse: %v", err)
	}
	return r
}

// valuesOf renders the values of one parameter.
func valuesOf(tb testing.TB, r *Resource, code string) []string {
	tb.Helper()
	if LookupParam(r.Type, code) == nil {
		tb.Fatalf("%s has no parameter %s", r.Type, code)
	}
	var out []string
	for _, v := range Extract(r) {
		if v.Param.Code == code {
			out = append(out, render(v))
		}
	}
	return out
}

// render writes a value compactly: every field that is set shows.
func render(v Value) string {
	switch v.Kind {
	case ValueToken:
		s := v.Code
		if v.HasSystem {
			s = v.System + "|" + s
		}
		for _, t := range v.Types {
			s += " type=" + t.System + "|" + t.Code
		}
		return s + quoted(" text=", v.Text)
	case ValueString:
		return v.String
	case ValueURI:
		return v.URI
	case ValueDate:
		return renderTime(v.Low) + " .. " + renderTime(v.High)
	case ValueReference:
		s := v.RefURL
		if v.RefType != "" {
			s += v.RefType + "/" + v.RefID
		}
		return strings.TrimSpace(s + quoted(" version=", v.RefVersion) +
			quoted(" identifier=", strings.Trim(v.IdentSystem+"|"+v.IdentValue, "|")) + quoted(" text=", v.Text))
	case ValueNumber, ValueQuantity:
		s := v.Num + " [" + strconv.FormatFloat(v.NumLow, 'g', -1, 64) + ", " + strconv.FormatFloat(v.NumHigh, 'g', -1, 64) + ")"
		if v.UnitSystem+v.UnitCode != "" {
			s += " " + v.UnitSystem + "|" + v.UnitCode
		}
		return strings.TrimSpace(s + quoted(" unit=", v.Unit))
	case ValueComposite:
		parts := make([]string, 0, len(v.Components))
		for _, c := range v.Components {
			parts = append(parts, strconv.Itoa(int(c.Component))+": "+render(c))
		}
		return strings.Join(parts, "; ")
	}
	return "unknown kind"
}

func quoted(label, s string) string {
	if s == "" {
		return ""
	}
	return label + strconv.Quote(s)
}

func renderTime(t time.Time) string {
	if t.IsZero() {
		return "open"
	}
	return t.Format("2006-01-02T15:04:05.999999999Z07:00")
}
