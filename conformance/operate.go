package conformance

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const fhirJSON = "application/fhir+json"

// mediaTypes are the short codes that R4 scripts use for accept and contentType.
var mediaTypes = map[string]string{"json": fhirJSON, "xml": "application/fhir+xml", "ttl": "text/turtle", "turtle": "text/turtle", "none": ""}

func mediaType(code, fallback string) string {
	if code == "" {
		return fallback
	}
	if t, ok := mediaTypes[code]; ok {
		return t
	}
	return code
}

// operate performs an operation and keeps what it must.
func (r *scriptRun) operate(ctx context.Context, o *operation) error {
	req, err := r.request(o)
	if err != nil {
		return err
	}
	if o.RequestID != "" {
		r.stored[o.RequestID] = &message{method: req.method, url: req.url, header: req.header.Clone(), body: req.body}
	}
	r.last = nil
	res, err := r.exchange(ctx, o, req)
	if err != nil {
		return err
	}
	r.lastRequest, r.last = req, res
	if o.ResponseID != "" {
		r.stored[o.ResponseID] = res
	}
	where := r.track(req, res)
	for _, id := range []string{o.ResponseID, o.SourceID} {
		if id != "" && where != "" {
			r.located[id] = where
		}
	}
	return nil
}

// exchange sends a request, again and again if the operation polls.
func (r *scriptRun) exchange(ctx context.Context, o *operation, req *message) (*message, error) {
	if o.gzip {
		req.header.Set("Content-Encoding", "gzip")
		req.body = compress(req.body)
	}
	deadline := time.Now().Add(time.Duration(o.poll) * time.Second)
	for {
		res, x, err := r.c.send(ctx, req)
		x.Label = o.Label
		r.exchanges = append(r.exchanges, *x)
		if err != nil {
			return nil, err
		}
		if o.poll == 0 || res.status != http.StatusAccepted {
			return res, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("still 202 after %d seconds", o.poll)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("poll: %w", context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
		r.exchanges = r.exchanges[:len(r.exchanges)-1]
	}
}

// request builds what an operation describes.
func (r *scriptRun) request(o *operation) (*message, error) {
	address, err := r.address(o)
	if err != nil {
		return nil, err
	}
	m := &message{method: methodOf(o), url: address, header: http.Header{}}
	if m.body, err = r.body(o, m); err != nil {
		return nil, err
	}
	for name, v := range map[string]string{"Accept": mediaType(o.Accept, fhirJSON), "Content-Type": r.contentType(o, m)} {
		if v != "" {
			m.header.Set(name, v)
		}
	}
	r.c.authorize(m)
	for _, name := range o.omit {
		m.header.Del(name)
	}
	given := http.Header{}
	for _, h := range o.RequestHeader {
		v, err := r.fill(h.Value, asIs)
		if err != nil {
			return nil, err
		}
		given.Add(h.Field, v)
	}
	for name, list := range given { // a header that the script sends twice is sent twice
		m.header[name] = list
	}
	return m, nil
}

func (r *scriptRun) contentType(o *operation, m *message) string {
	if m.body == nil {
		return mediaType(o.ContentType, "")
	}
	return mediaType(o.ContentType, fhirJSON)
}

// methodOf is the method of an operation: as given, or that of its type (R4 testscript-operation-codes).
func methodOf(o *operation) string {
	switch {
	case o.method != "":
		return o.method
	case o.Method != "":
		return strings.ToUpper(o.Method)
	}
	switch o.Type.Code {
	case "read", "vread", "search", "capabilities", "history":
		return http.MethodGet
	case "create", "batch", "transaction":
		return http.MethodPost
	case "update", "updateCreate":
		return http.MethodPut
	case "patch":
		return http.MethodPatch
	case "delete", "deleteCondSingle", "deleteCondMultiple":
		return http.MethodDelete
	}
	if o.SourceID != "" || o.body != nil {
		return http.MethodPost // the named operations
	}
	return http.MethodGet
}

// body is what is sent: nil for nothing.
func (r *scriptRun) body(o *operation, m *message) ([]byte, error) {
	switch {
	case len(o.raw) > 0:
		return o.raw, nil
	case o.body != nil:
		q := asIs
		if strings.Contains(mediaType(o.ContentType, fhirJSON), "json") {
			q = inJSON
		}
		text, err := r.fill(*o.body, q)
		return []byte(text), err
	case o.SourceID == "":
		return nil, nil
	}
	src, err := r.source(o.SourceID)
	if err != nil {
		return nil, err
	}
	if f := r.s.fixtures[o.SourceID]; f != nil && f.contained && m.method == http.MethodPut {
		if parts := strings.Split(r.path(m.url), "/"); len(parts) == 2 {
			return setID(src.body, parts[1])
		}
	}
	return src.body, nil
}

// path is what follows the base in a URL, without the query.
func (r *scriptRun) path(address string) string {
	bare, _, _ := strings.Cut(address, "?")
	return strings.Trim(strings.TrimPrefix(bare, r.c.base), "/")
}

// address completes the URL of an operation (R4 testscript.html section 4.4.6).
func (r *scriptRun) address(o *operation) (string, error) {
	text := o.URL
	switch {
	case o.URL != "":
	case o.TargetID != "":
		where, err := r.target(o)
		if err != nil {
			return "", err
		}
		text = where
	default:
		text = r.level(o) + o.Params
	}
	text, err := r.fill(text, asIs)
	if err != nil {
		return "", err
	}
	if *o.Encode {
		text = encodeURL(text)
	}
	if strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") {
		return text, nil
	}
	if text == "" || text[0] == '?' {
		return r.c.base + text, nil
	}
	return r.c.base + "/" + strings.TrimPrefix(text, "/"), nil
}

// level is the address that params are added to.
func (r *scriptRun) level(o *operation) string {
	switch o.Type.Code {
	case "capabilities":
		return "metadata"
	case "batch", "transaction":
		return ""
	}
	typ := o.Resource
	if f := r.s.fixtures[o.SourceID]; typ == "" && f != nil && o.Params == "" {
		typ = memberText(f.raw, "resourceType")
	}
	return typ
}

// target is the address of the resource that targetId means: where its fixture or response was stored.
func (r *scriptRun) target(o *operation) (string, error) {
	where := r.located[o.TargetID]
	if where == "" {
		return "", fmt.Errorf("targetId %s: it is not known where that was stored", o.TargetID)
	}
	switch o.Type.Code {
	case "history":
		return where + "/_history", nil
	case "read", "vread", "update", "updateCreate", "patch", "delete", "":
		return where, nil
	}
	return where + "/$" + o.Type.Code, nil
}

// track notes what the server stored, so that it can be deleted in the end, and gives the Type/id of a single one.
func (r *scriptRun) track(req, res *message) string {
	if req.method == http.MethodDelete && res.status < 300 {
		r.deleted[r.path(req.url)] = true
	}
	if job := res.header.Get("Content-Location"); res.status == http.StatusAccepted && req.method != http.MethodDelete && job != "" {
		r.jobs = append(r.jobs, job)
	}
	var where string
	if location := res.header.Get("Location"); location != "" {
		where = r.typeAndID(location)
	}
	if path := r.path(req.url); where == "" && strings.Count(path, "/") == 1 && res.status < 300 {
		where = path
	}
	if req.method != http.MethodDelete && res.status < 300 {
		delete(r.deleted, where) // it may have come back
	}
	if where != "" && res.status == http.StatusCreated && req.method != http.MethodGet {
		r.created = append(r.created, where)
	}
	if req.method == http.MethodPost && res.status == http.StatusOK && bytes.Contains(res.body, []byte("-response")) {
		found, err := evaluate(res.body, "Bundle.entry.response.where(status.startsWith('201')).location")
		if err == nil {
			for _, l := range found {
				r.created = append(r.created, r.typeAndID(l.String()))
			}
		}
	}
	return where
}

// typeAndID cuts a location down to Type/id; empty if it is no such thing.
func (r *scriptRun) typeAndID(location string) string {
	bare, _, _ := strings.Cut(r.path(location), "/_history")
	list := strings.Split(bare, "/")
	if len(list) < 2 {
		return ""
	}
	return strings.Join(list[len(list)-2:], "/")
}

// encodeURL escapes what may not stand in a URL and leaves escapes alone.
func encodeURL(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f || strings.IndexByte(`|"<>^{}\`+"`", c) >= 0:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
