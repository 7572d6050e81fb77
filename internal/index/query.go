package index

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chartseal/chartseal/fhir"
)

// Query is a parsed search on one type (R4 section 3.1.1).
type Query struct {
	Type     string
	Criteria []Criterion // all must hold
	Count    int         // _count; -1 if not given
	Used     url.Values  // the parameters that were understood, for the self link
	Ignored  []string    // parameters that were not, in order
}

// Criterion is one parameter with its alternatives: Values are joined by OR.
type Criterion struct {
	Param    *fhir.Param
	Code     string // as sent, without modifier
	Modifier string // without the colon; for references possibly a type name
	Values   []Operand
}

// Operand is one alternative of a criterion, parsed by the parameter's type.
type Operand struct {
	Prefix string // dates and numbers: eq ne gt lt ge le sa eb ap

	System, Code string // token
	HasSystem    bool   // the | was there: System "" then means "no system"

	Text string // string: as sent, unescaped; uri: the URI

	Low, High time.Time // date: implicit range of the value

	RefType, RefID, RefVersion, RefURL string // reference

	Missing bool // operand of :missing
}

// Options say how a query is read.
type Options struct {
	Base     string         // public FHIR base URL; absolute references below it are local
	Location *time.Location // zone of dates without one
	Strict   bool           // Prefer: handling=strict: unknown parameters are errors
}

// QueryError is a query that the server refuses (400); it names the parameter, never its value.
type QueryError struct{ Param, Reason string }

func (e *QueryError) Error() string { return fmt.Sprintf("search parameter %q: %s", e.Param, e.Reason) }

// MaxCount bounds _count (facade design, Limits).
const MaxCount = 1000

// resultParams are parameters that shape the answer and are handled by the caller.
var resultParams = []string{"_count", "_format", "_pretty"}

// ParseQuery reads the parameters of a search on typ. Unknown parameters are reported in Ignored, or refused
// when the options are strict; an unknown modifier or a malformed value is always refused (R4 section 3.1.1.3).
func ParseQuery(typ string, values url.Values, opt Options) (*Query, error) {
	q := &Query{Type: typ, Count: -1, Used: url.Values{}}
	names := make([]string, 0, len(values))
	for n := range values {
		names = append(names, n)
	}
	slices.Sort(names)
	left := budget{params: maxParams, operands: maxOperands, nodes: maxNodes}
	for _, name := range names {
		for _, raw := range values[name] {
			if left.params--; left.params < 0 {
				return nil, &QueryError{name, "brings the query to too many parameters"}
			}
			if err := q.add(name, raw, opt, &left); err != nil {
				return nil, err
			}
		}
	}
	return q, nil
}

func (q *Query) add(name, raw string, opt Options, left *budget) error {
	code, modifier, _ := strings.Cut(name, ":")
	if slices.Contains(resultParams, code) {
		return q.addResult(code, raw)
	}
	p := fhir.LookupParam(q.Type, code)
	if p == nil || !supported(p) {
		if opt.Strict {
			return &QueryError{name, "not supported for " + q.Type}
		}
		q.Ignored = append(q.Ignored, name)
		return nil
	}
	if raw == "" {
		if opt.Strict {
			return &QueryError{name, "has no value"}
		}
		q.Ignored = append(q.Ignored, name)
		return nil
	}
	c := Criterion{Param: p, Code: code, Modifier: modifier}
	if err := checkModifier(&c); err != nil {
		return err
	}
	if err := c.parse(name, raw, opt, left); err != nil {
		return err
	}
	q.Criteria = append(q.Criteria, c)
	q.Used.Add(name, raw)
	return nil
}

func (q *Query) addResult(code, raw string) error {
	if code != "_count" {
		q.Used.Set(code, raw)
		return nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 {
		return &QueryError{code, "is not a number of entries"}
	}
	q.Count = min(n, MaxCount)
	q.Used.Set(code, strconv.Itoa(q.Count))
	return nil
}

// supported names the types of parameter that this index answers.
func supported(p *fhir.Param) bool {
	switch p.Type {
	case fhir.ParamToken, fhir.ParamReference, fhir.ParamString, fhir.ParamDate, fhir.ParamURI:
		return true
	}
	return false
}

// Params lists the parameters of a type that this index answers.
func Params(typ string) []*fhir.Param {
	return slices.DeleteFunc(fhir.Params(typ), func(p *fhir.Param) bool { return !supported(p) })
}

func checkModifier(c *Criterion) error {
	ok := c.Modifier == "" || c.Modifier == "missing"
	switch c.Param.Type {
	case fhir.ParamString:
		ok = ok || c.Modifier == "exact" || c.Modifier == "contains"
	case fhir.ParamReference:
		ok = ok || fhir.Storable(c.Modifier)
	}
	if !ok {
		return &QueryError{c.Code + ":" + c.Modifier, "this modifier is not supported"}
	}
	return nil
}

func parseOperand(c *Criterion, s string, opt Options) (Operand, error) {
	if c.Modifier == "missing" {
		if s != "true" && s != "false" {
			return Operand{}, &QueryError{c.Code + ":missing", "takes true or false"}
		}
		return Operand{Missing: s == "true"}, nil
	}
	switch c.Param.Type {
	case fhir.ParamToken:
		return parseToken(c, s)
	case fhir.ParamReference:
		return parseReference(c, s, opt)
	case fhir.ParamDate:
		return parseDate(c, s, opt)
	default:
		v := unescape(s)
		if v == "" {
			return Operand{}, &QueryError{c.Code, "has an empty value"}
		}
		return Operand{Text: v}, nil
	}
}

func parseToken(c *Criterion, s string) (Operand, error) {
	parts := splitEscaped(s, '|', 3)
	switch len(parts) {
	case 1:
		if code := unescape(parts[0]); code != "" {
			return Operand{Code: code}, nil
		}
	case 2:
		op := Operand{System: unescape(parts[0]), Code: unescape(parts[1]), HasSystem: true}
		if op.System != "" || op.Code != "" {
			return op, nil
		}
	}
	return Operand{}, &QueryError{c.Code, "is not of the form [system]|[code]"}
}

func parseReference(c *Criterion, s string, opt Options) (Operand, error) {
	v := unescape(s)
	if rest, ok := strings.CutPrefix(v, opt.Base+"/"); ok && opt.Base != "" {
		v = rest
	}
	typ := ""
	if c.Modifier != "" {
		typ = c.Modifier
	}
	segments := strings.Split(v, "/")
	switch {
	case v == "":
		return Operand{}, &QueryError{c.Code, "has an empty value"}
	case strings.Contains(v, ":") || strings.Contains(v, "|"):
		return Operand{RefURL: v}, nil
	case len(segments) == 1:
		return Operand{RefType: typ, RefID: v}, nil
	case len(segments) == 2 && fhir.Storable(segments[0]) && (typ == "" || typ == segments[0]):
		return Operand{RefType: segments[0], RefID: segments[1]}, nil
	case len(segments) == 4 && fhir.Storable(segments[0]) && segments[2] == "_history":
		return Operand{RefType: segments[0], RefID: segments[1], RefVersion: segments[3]}, nil
	}
	return Operand{}, &QueryError{c.Code, "is not a reference"}
}

func parseDate(c *Criterion, s string, opt Options) (Operand, error) {
	op := Operand{Prefix: "eq"}
	v := unescape(s)
	if len(v) > 2 && v[0] >= 'a' && v[0] <= 'z' {
		op.Prefix, v = v[:2], v[2:]
	}
	if !slices.Contains([]string{"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"}, op.Prefix) {
		return op, &QueryError{c.Code, "has an unknown prefix"}
	}
	v = strings.Replace(v, " ", "+", 1) // an unescaped + of a zone arrives as a space
	low, high, err := fhir.ParseDateRange(v, opt.Location)
	if err != nil {
		return op, &QueryError{c.Code, "is not a FHIR date"}
	}
	op.Low, op.High = low, high
	return op, nil
}

// splitEscaped splits at sep where it is not escaped by a backslash (R4 section 3.1.1.4.6), into at most limit
// parts; escapes are kept.
func splitEscaped(s string, sep byte, limit int) []string {
	var parts []string
	start := 0
	for i := 0; i < len(s) && len(parts) < limit-1; i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// unescape removes the backslash before , | $ and \.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`,|$\`, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
