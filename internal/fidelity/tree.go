package fidelity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The kinds of difference.
const (
	Missing   = "missing"   // sent, not given back
	Added     = "added"     // given back, not sent
	Changed   = "changed"   // another value, type, or array length
	Reference = "reference" // a link that does not lead where it should
)

// parse decodes one JSON object with its number literals. It refuses anything after it.
func parse(raw []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) || m == nil {
		return nil, fmt.Errorf("not one JSON object")
	}
	return m, nil
}

// finding is a difference before it has a source.
type finding struct{ path, kind, sent, got string }

// condition is a conditional reference and what became of it, to be checked against the server.
type condition struct{ path, criteria, got string }

// comparison compares one resource.
type comparison struct {
	// target is what a link to another entry must have become; ok is false for links that must stay as they are.
	target     func(ref string) (want string, ok bool)
	checkID    bool // the id was chosen by the client
	findings   []finding
	conditions []condition
	refs       int // references that the server had to resolve
}

// compare compares a whole resource.
func (c *comparison) compare(sent, got map[string]any) {
	typ, _ := sent["resourceType"].(string)
	s, g := withoutServerMeta(sent), withoutServerMeta(got)
	if !c.checkID || s["id"] == nil { // a conditional update without an id gets the match's
		delete(s, "id")
		delete(g, "id")
	}
	c.object(typ, s, g)
}

// withoutServerMeta copies the top of a resource without the parts of meta that belong to the server.
func withoutServerMeta(res map[string]any) map[string]any {
	out := make(map[string]any, len(res))
	for k, v := range res {
		out[k] = v
	}
	meta, ok := res["meta"].(map[string]any)
	if !ok {
		return out
	}
	kept := map[string]any{}
	for k, v := range meta {
		if k != "versionId" && k != "lastUpdated" {
			kept[k] = v
		}
	}
	if out["meta"] = kept; len(kept) == 0 {
		delete(out, "meta")
	}
	return out
}

func (c *comparison) add(path, kind string, sent, got any) {
	c.findings = append(c.findings, finding{path: path, kind: kind, sent: show(sent), got: show(got)})
}

// show renders a value for a report, cut to a line.
func show(v any) string {
	if v == nil {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	const most = 120
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), "") + "…"
	}
	return string(b)
}

func (c *comparison) value(path, member string, sent, got any) {
	switch s := sent.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			c.object(path, s, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok {
			c.array(path, member, s, g)
			return
		}
	case string:
		if g, ok := got.(string); ok {
			c.text(path, member, s, g)
			return
		}
	default: // json.Number (its literal), bool, nil
		if sent == got {
			return
		}
	}
	c.add(path, Changed, sent, got)
}

func (c *comparison) object(path string, sent, got map[string]any) {
	for _, k := range names(sent, got) {
		s, inSent := sent[k]
		g, inGot := got[k]
		switch at := path + "." + k; {
		case !inGot:
			c.add(at, Missing, s, nil)
		case !inSent:
			c.add(at, Added, nil, g)
		default:
			c.value(at, k, s, g)
		}
	}
}

// names lists the members of both objects once, in order.
func names(a, b map[string]any) []string {
	list := make([]string, 0, len(a)+len(b))
	for k := range a {
		list = append(list, k)
	}
	for k := range b {
		if _, twice := a[k]; !twice {
			list = append(list, k)
		}
	}
	slices.Sort(list)
	return list
}

func (c *comparison) array(path, member string, sent, got []any) {
	if len(sent) != len(got) {
		c.add(path, Changed, fmt.Sprintf("%d elements", len(sent)), fmt.Sprintf("%d elements", len(got)))
	}
	for i := range min(len(sent), len(got)) {
		c.value(fmt.Sprintf("%s[%d]", path, i), member, sent[i], got[i])
	}
}

func (c *comparison) text(path, member, sent, got string) {
	switch {
	case member == "reference":
		c.reference(path, sent, got)
	case sent == got:
	case mayLink(member):
		if want, ok := c.target(sent); !ok || want != got {
			c.add(path, Changed, sent, got)
		}
	case member == "div":
		if c.relinked(sent) != got {
			c.add(path, Changed, sent, got)
		}
	default:
		c.add(path, Changed, sent, got)
	}
}

func (c *comparison) reference(path, sent, got string) {
	if want, ok := c.target(sent); ok {
		c.refs++
		if got != want {
			c.add(path, Reference, sent, got)
		}
		return
	}
	if isConditional(sent) {
		c.refs++
		c.conditions = append(c.conditions, condition{path: path, criteria: sent, got: got})
		return
	}
	if sent != got {
		c.add(path, Reference, sent, got)
	}
}

// mayLink lists the members that hold uri, url, oid or uuid values, which a transaction rewrites like references.
func mayLink(member string) bool {
	switch member {
	case "url", "uri", "source", "system", "valueUri", "valueUrl", "valueUuid", "valueOid":
		return true
	}
	return false
}

// relinked is narrative with the links (href, src) to other entries replaced.
func (c *comparison) relinked(div string) string {
	var b strings.Builder
	for {
		i := strings.Index(div, `="`)
		if i < 0 {
			break
		}
		attribute, rest := div[:i+2], div[i+2:]
		b.WriteString(attribute)
		end := strings.IndexByte(rest, '"')
		if end < 0 {
			div = rest
			break
		}
		link := rest[:end]
		if strings.HasSuffix(attribute, `href="`) || strings.HasSuffix(attribute, `src="`) {
			if want, ok := c.target(link); ok {
				link = want
			}
		}
		b.WriteString(link)
		div = rest[end:]
	}
	b.WriteString(div)
	return b.String()
}

// isConditional recognizes Type?criteria.
func isConditional(ref string) bool {
	typ, _, ok := strings.Cut(ref, "?")
	return ok && typ != "" && typ[0] >= 'A' && typ[0] <= 'Z' && !strings.ContainsAny(typ, ":/#")
}
