package fidelity

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// files lists .json and NDJSON files: paths as given, folders walked in name order.
func files(paths []string) ([]string, error) {
	var list []string
	for _, path := range paths {
		err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && (p == path || isNDJSON(p) || strings.EqualFold(filepath.Ext(p), ".json")) {
				list = append(list, p)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
	}
	return list, nil
}

func isNDJSON(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".ndjson" || ext == ".jsonl"
}

func readTree(path string) ([]byte, map[string]any, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read: %w", err)
	}
	tree, err := parse(raw)
	if err != nil {
		return nil, nil, err
	}
	return raw, tree, nil
}

// loaded submits the comparisons of one file that the loader has sent.
func (r *runner) loaded(ctx context.Context, path string, submit func(func())) {
	if isNDJSON(path) {
		if err := r.lines(ctx, path, submit); err != nil {
			r.problem(path, 0, err.Error())
		}
		return
	}
	submit(func() { r.file(ctx, path) })
}

func (r *runner) file(ctx context.Context, path string) {
	raw, tree, err := readTree(path)
	if err != nil {
		r.problem(path, 0, err.Error())
		return
	}
	typ, id := identity(tree)
	switch {
	case typ == "":
		r.skip(path)
	case typ == "Bundle" && (tree["type"] == "transaction" || tree["type"] == "batch"):
		r.bundle(ctx, path, raw, tree)
	case id == "":
		r.problem(path, 0, "a resource without an id cannot be found again")
	default:
		r.check(ctx, stored{source: path, sent: tree, ref: typ + "/" + id, checkID: true, target: unlinked})
	}
}

// batchSize is how many lines one worker takes at once.
const batchSize = 64

type numbered struct {
	number int
	text   []byte
}

// lines reads an NDJSON file and submits its lines in batches.
func (r *runner) lines(ctx context.Context, path string, submit func(func())) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer file.Close()
	var batch []numbered
	flush := func() {
		work := batch
		batch = nil
		submit(func() {
			for _, l := range work {
				r.line(ctx, fmt.Sprintf("%s:%d", path, l.number), l.text)
			}
		})
	}
	in := bufio.NewReaderSize(file, 256<<10)
	for number := 1; ; number++ {
		text, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read: %w", err)
		}
		if len(bytes.TrimSpace(text)) > 0 {
			if tree, perr := parse(text); number == 1 && perr == nil && tree["resourceType"] == nil {
				r.skip(path)
				return nil
			}
			batch = append(batch, numbered{number: number, text: text})
		}
		if len(batch) == batchSize || err != nil && len(batch) > 0 {
			flush()
		}
		if err != nil {
			return nil
		}
	}
}

func (r *runner) line(ctx context.Context, source string, text []byte) {
	tree, err := parse(text)
	if err != nil {
		r.problem(source, 0, err.Error())
		return
	}
	typ, id := identity(tree)
	if typ == "" || id == "" {
		r.problem(source, 0, "a resource without type or id cannot be found again")
		return
	}
	r.check(ctx, stored{source: source, sent: tree, ref: typ + "/" + id, checkID: true, target: unlinked})
}

// sentEntry is one entry of a Bundle and what became of it.
type sentEntry struct {
	index            int
	fullURL, method  string
	resource         map[string]any
	status, ref, ver string
}

// bundle asks for the first outcome of a Bundle and compares every resource in it.
func (r *runner) bundle(ctx context.Context, path string, raw []byte, tree map[string]any) {
	ans, err := r.client.do(ctx, http.MethodPost, "", key(raw), raw)
	if err != nil {
		r.problem(path, 0, err.Error())
		return
	}
	if ans.status != http.StatusOK {
		r.problem(path, ans.status, fmt.Sprintf("the Bundle was answered with %d", ans.status))
		return
	}
	if !ans.replayed {
		r.problem(path, 0, "the Bundle was not answered from an earlier run: it had not been loaded, or the server does not keep Idempotency-Keys")
		return
	}
	response, err := parse(ans.body)
	if err != nil {
		r.problem(path, 0, "answer: "+err.Error())
		return
	}
	entries, err := r.pair(tree, response)
	if err != nil {
		r.problem(path, 0, err.Error())
		return
	}
	links := bundleLinks{byURL: map[string]string{}, at: map[string]string{}}
	for _, e := range entries {
		if e.fullURL != "" && e.ref != "" {
			links.byURL[e.fullURL], links.at[e.ref] = e.ref, e.ver
		}
	}
	for _, e := range entries {
		r.entry(ctx, fmt.Sprintf("%s#entry[%d]", path, e.index), e, links)
	}
}

func (r *runner) entry(ctx context.Context, source string, e sentEntry, links bundleLinks) {
	base := restBase(e.fullURL)
	switch {
	case e.resource == nil || e.method != http.MethodPost && e.method != http.MethodPut:
	case e.status == "" || e.status[0] != '2':
		r.problem(source, 0, fmt.Sprintf("the entry was answered with %.3q", e.status))
	case e.ref == "":
		r.problem(source, 0, "the answer names no location")
	case e.method == http.MethodPost && strings.HasPrefix(e.status, "200"):
		r.existing.Add(1)
	default:
		r.check(ctx, stored{
			source: source, sent: e.resource, ref: e.ref, checkID: e.method == http.MethodPut,
			target: func(ref string) (string, bool) { return links.target(base, ref) },
		})
	}
}

// pair joins the entries of a Bundle with those of its answer.
func (r *runner) pair(sent, response map[string]any) ([]sentEntry, error) {
	asked, _ := sent["entry"].([]any)
	answered, _ := response["entry"].([]any)
	if len(asked) != len(answered) {
		return nil, fmt.Errorf("%d entries sent, %d answered", len(asked), len(answered))
	}
	list := make([]sentEntry, len(asked))
	for i := range asked {
		a, _ := asked[i].(map[string]any)
		request, _ := a["request"].(map[string]any)
		b, _ := answered[i].(map[string]any)
		res, _ := b["response"].(map[string]any)
		e := sentEntry{index: i}
		e.fullURL, _ = a["fullUrl"].(string)
		e.method, _ = request["method"].(string)
		e.resource, _ = a["resource"].(map[string]any)
		e.status, _ = res["status"].(string)
		location, _ := res["location"].(string)
		e.ref, e.ver = locationOf(location)
		list[i] = e
	}
	return list, nil
}

// locationOf splits a location, absolute or relative, into Type/id and version.
func locationOf(location string) (ref, version string) {
	bare, version, _ := strings.Cut(location, "/_history/")
	parts := strings.Split(strings.Trim(bare, "/"), "/")
	if len(parts) < 2 {
		return "", ""
	}
	return strings.Join(parts[len(parts)-2:], "/"), version
}
