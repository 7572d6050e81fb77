package index

import (
	"time"

	"github.com/chartseal/chartseal/fhir"
	"github.com/chartseal/chartseal/internal/store"
)

// Build makes the index row of a version, and its tokens. The server's own values (_id, _lastUpdated) come from
// the arguments, not from what the client sent; absolute references below base are local ones. A row of more than
// fhir.MaxValues values is not whole, has no tokens, and must not be stored.
func Build(t Tokenizer, r *fhir.Resource, base, id string, lastUpdated time.Time) (*Row, []store.Token) {
	row := NewRow(r, base, id, lastUpdated)
	if len(row.Values) > fhir.MaxValues {
		return row, nil
	}
	b := tokenBuilder{t: t, typ: r.Type, seen: make(map[store.Token]struct{}, 4*len(row.Values))}
	b.add("", "all", "") // AllToken
	b.date("_lastUpdated", lastUpdated, lastUpdated.Add(time.Millisecond))
	b.add("_lastUpdated", "p", "")
	b.add("_id", "p", "")
	for i := range row.Values {
		b.value(&row.Values[i])
	}
	return row, b.tokens
}

// NewRow makes the row alone: for matching a resource that is not stored yet.
func NewRow(r *fhir.Resource, base, id string, lastUpdated time.Time) *Row {
	at := lastUpdated.UTC().Truncate(time.Millisecond)
	row := &Row{
		Type: r.Type, ID: id, LastUpdated: at, Created: at,
		Security: fhir.SecurityLabels(r), Authors: fhir.AuthorsOf(r), Related: related(r.JSON, base), Values: fhir.Extract(r),
	}
	localise(row.Values, base)
	var types []string
	row.Codes, types = fhir.Codings(r.JSON)
	for _, t := range types {
		row.Classes = append(row.Classes, fhir.Coding{System: "urn:ietf:bcp:13", Code: t})
	}
	for i := range row.Values {
		if v := &row.Values[i]; v.Param.Code == "_profile" && v.Kind == fhir.ValueURI {
			row.Classes = append(row.Classes, fhir.Coding{System: "urn:ietf:rfc:3986", Code: v.URI})
		}
	}
	return row
}

// related lists the local resources that a resource refers to, each once, without versions.
func related(json []byte, base string) (out []string) {
	seen := map[string]bool{}
	_ = fhir.EachReference(json, func(ref string) error { // the callback returns no error, and the JSON is accepted
		b, typ, id, _, ok := fhir.SplitReference(ref)
		if target := typ + "/" + id; ok && (b == "" || b == base) && !seen[target] {
			seen[target] = true
			out = append(out, target)
		}
		return nil
	})
	return out
}

// localise turns absolute references below base into local ones, so that every spelling finds the resource.
func localise(values []fhir.Value, base string) {
	for i := range values {
		v := &values[i]
		localise(v.Components, base)
		if v.Kind != fhir.ValueReference || v.RefURL == "" || base == "" {
			continue
		}
		if b, typ, id, version, ok := fhir.SplitReference(v.RefURL); ok && b == base {
			v.RefType, v.RefID, v.RefVersion, v.RefURL = typ, id, version, ""
		}
	}
}

type tokenBuilder struct {
	t      Tokenizer
	typ    string
	tokens []store.Token
	seen   map[store.Token]struct{}
}

func (b *tokenBuilder) add(param, kind, value string) {
	tok := b.t.Token(b.typ, param, kind, value)
	if _, ok := b.seen[tok]; ok {
		return
	}
	b.seen[tok] = struct{}{}
	b.tokens = append(b.tokens, tok)
}

func (b *tokenBuilder) value(v *fhir.Value) {
	code := v.Param.Code
	if !supported(v.Param) {
		return
	}
	b.add(code, "p", "")
	switch v.Kind {
	case fhir.ValueToken:
		b.tokenValue(code, v)
	case fhir.ValueString:
		folded := fhir.Fold(v.String)
		b.add(code, "w", folded)
		eachPrefix(folded, func(kind, prefix string) { b.add(code, kind, prefix) })
	case fhir.ValueDate:
		b.date(code, v.Low, v.High)
	case fhir.ValueReference:
		b.reference(code, v)
	case fhir.ValueURI:
		b.add(code, "u", v.URI)
	}
}

func (b *tokenBuilder) tokenValue(code string, v *fhir.Value) {
	if v.Code != "" {
		b.add(code, "c", v.Code)
		if v.System == "" {
			b.add(code, "nc", v.Code)
		} else {
			b.add(code, "sc", v.System+"|"+v.Code)
		}
	}
	if v.System != "" {
		b.add(code, "s", v.System)
	}
}

func (b *tokenBuilder) reference(code string, v *fhir.Value) {
	switch {
	case v.RefType != "":
		ref := v.RefType + "/" + v.RefID
		b.add(code, "r", ref)
		b.add(code, "i", v.RefID)
		if v.RefVersion != "" {
			b.add(code, "rv", ref+"/_history/"+v.RefVersion)
		}
	case v.RefURL != "":
		b.add(code, "u", v.RefURL)
		if v.RefVersion != "" {
			b.add(code, "u", v.RefURL+"|"+v.RefVersion)
		}
	}
}

func (b *tokenBuilder) date(code string, low, high time.Time) {
	lowDay, highDay := ends(low, high)
	eachDayPrefix("l", lowDay, func(kind, prefix string) { b.add(code, kind, prefix) })
	eachDayPrefix("h", highDay, func(kind, prefix string) { b.add(code, kind, prefix) })
}
