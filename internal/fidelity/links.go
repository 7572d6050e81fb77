package fidelity

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
)

// unlinked is the target function of resources that went alone.
func unlinked(string) (string, bool) { return "", false }

// bundleLinks knows where the entries of one Bundle went.
type bundleLinks struct {
	byURL map[string]string // fullUrl -> Type/id
	at    map[string]string // Type/id -> version, for versioned references
}

// target follows FHIR R4 bundle.html#references: the fullUrl itself, or a relative reference completed by the base of the referrer's own
// fullUrl. A versioned reference stays versioned.
func (l bundleLinks) target(base, ref string) (string, bool) {
	bare, _, versioned := strings.Cut(ref, "/_history/")
	for _, url := range []string{bare, base + bare} {
		if to, ok := l.byURL[url]; ok && url != "" {
			if versioned {
				to += "/_history/" + l.at[to]
			}
			return to, true
		}
	}
	return "", false
}

// restBase is the part of a fullUrl before Type/id, empty for URNs.
func restBase(fullURL string) string {
	if !strings.HasPrefix(fullURL, "http://") && !strings.HasPrefix(fullURL, "https://") {
		return ""
	}
	cut := strings.TrimSuffix(fullURL, "/")
	for range 2 {
		i := strings.LastIndexByte(cut, '/')
		if i < 0 {
			return ""
		}
		cut = cut[:i]
	}
	return cut + "/"
}

// conditions checks conditional references against the server, each pair of criteria and target once.
type conditions struct {
	client *client

	mu      sync.Mutex
	results map[[2]string]*result // guarded by mu
}

type result struct {
	once sync.Once
	err  error
}

// meets says why got cannot be what the criteria mean; nil: it is.
func (c *conditions) meets(ctx context.Context, criteria, got string) error {
	c.mu.Lock()
	r := c.results[[2]string{criteria, got}]
	if r == nil {
		r = &result{}
		c.results[[2]string{criteria, got}] = r
	}
	c.mu.Unlock()
	r.once.Do(func() { r.err = c.check(ctx, criteria, got) })
	return r.err
}

var (
	errUnresolved = errors.New("not resolved to a literal reference")
	errNoMatch    = errors.New("the target does not meet the criteria")
)

func (c *conditions) check(ctx context.Context, criteria, got string) error {
	typ, query, _ := strings.Cut(criteria, "?")
	gotType, id, ok := strings.Cut(got, "/")
	if !ok || gotType != typ || id == "" || strings.ContainsAny(id, "/?") {
		return errUnresolved
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the criteria cannot be parsed")
	}
	if list := values["identifier"]; len(values) == 1 && len(list) == 1 {
		res, err := c.client.get(ctx, got)
		if err != nil {
			return fmt.Errorf("the target cannot be read: %w", err)
		}
		if !hasIdentifier(res, list[0]) {
			return errNoMatch
		}
		return nil
	}
	found, err := c.client.get(ctx, criteria)
	if err != nil {
		return fmt.Errorf("the criteria cannot be searched: %w", err)
	}
	entries, _ := found["entry"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		if res, _ := entry["resource"].(map[string]any); res["id"] == id {
			return nil
		}
	}
	return errNoMatch
}

// hasIdentifier matches a token: system|value, |value (no system), or value with any system.
func hasIdentifier(res map[string]any, token string) bool {
	list, ok := res["identifier"].([]any)
	if !ok {
		list = []any{res["identifier"]}
	}
	system, value, withSystem := strings.Cut(token, "|")
	if !withSystem {
		value = token
	}
	for _, e := range list {
		m, _ := e.(map[string]any)
		s, _ := m["system"].(string)
		if m["value"] == value && (!withSystem || s == system) {
			return true
		}
	}
	return false
}
