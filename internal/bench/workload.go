package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	enoughPatients = 10
	enoughPairs    = 50
	mostPatients   = 50
	mostPages      = 20
	setupBundles   = 20
	probes         = 20 // searches that must find something before searching is measured
)

// workload is what the operations choose from. It does not change while they run.
type workload struct {
	client   *client
	patients map[string]bool // Patient ids
	reads    []*url.URL
	pairs    map[string]bool // query strings of searches
	searches []*url.URL
	fresh    []freshPatient
	bundles  []*bundle
	run      []byte // makes this run's identities its own
}

// prepare gathers the targets and brings the server into the state that the chosen operations need.
func prepare(ctx context.Context, cfg Config, c *client) (*workload, error) {
	w := &workload{client: c, patients: map[string]bool{}, pairs: map[string]bool{}}
	seed := make([]byte, 6)
	if _, err := rand.Read(seed); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSetup, err)
	}
	w.run = []byte("b" + hex.EncodeToString(seed) + "-")
	targets := slices.Contains(cfg.Only, Read) || slices.Contains(cfg.Only, Search)
	if targets {
		if err := w.survey(ctx); err != nil { // a server may refuse searches over everyone; loading gives targets too
			say(cfg.Out, "setup: cannot list what the server holds: %v", err)
		}
	}
	var data *dataset
	if lacking := targets && !w.enough(); lacking || slices.Contains(cfg.Only, Create) || slices.Contains(cfg.Only, Ingest) {
		var err error
		if data, err = readData(cfg.DataDir); err != nil {
			return nil, err
		}
		if err := w.prepareData(ctx, cfg, data, lacking); err != nil {
			return nil, err
		}
	}
	if targets {
		return w, w.address(ctx)
	}
	return w, nil
}

func (w *workload) prepareData(ctx context.Context, cfg Config, data *dataset, lacking bool) (err error) {
	if w.fresh, err = data.freshPatients(); err != nil {
		return fmt.Errorf("%w: %w", ErrSetup, err)
	}
	w.bundles = data.patients
	if lacking || slices.Contains(cfg.Only, Ingest) {
		if err := w.loadBase(ctx, data); err != nil {
			return fmt.Errorf("%w: load organisations and practitioners: %w", ErrSetup, err)
		}
	}
	if !lacking {
		return nil
	}
	for i, b := range data.patients[:min(setupBundles, len(data.patients))] {
		say(cfg.Out, "setup: bundle %d", i+1)
		if err := w.loadBundle(ctx, b); err != nil {
			return fmt.Errorf("%w: load bundle %d: %w", ErrSetup, i+1, err)
		}
	}
	return nil
}

func (w *workload) enough() bool {
	return len(w.patients) >= enoughPatients && len(w.pairs) >= enoughPairs
}

// survey collects targets from Observations that the server holds already.
func (w *workload) survey(ctx context.Context) error {
	next := "Observation?_count=250"
	for page := 0; next != "" && page < mostPages && len(w.patients) < mostPatients; page++ {
		var b struct {
			Link  []struct{ Relation, URL string }
			Entry []struct {
				Resource struct {
					ID      string
					Subject reference
					Code    codeable
				}
			}
		}
		if err := w.client.fetch(ctx, next, &b); err != nil {
			return err
		}
		next = ""
		for _, l := range b.Link {
			if l.Relation == "next" {
				next = l.URL
			}
		}
		for _, e := range b.Entry {
			w.note(e.Resource.Subject.Reference, "Observation/"+e.Resource.ID, e.Resource.Code)
		}
	}
	return nil
}

// note takes one Observation as a target. Subjects that are not Patients of this server are passed over.
func (w *workload) note(subject, ref string, code codeable) {
	typ, id, ok := strings.Cut(subject, "/")
	if !ok || typ != "Patient" || strings.Contains(id, "/") || code.token() == "" {
		return
	}
	if !w.patients[id] {
		w.patients[id] = true
		w.addRead("Patient/" + id)
	}
	w.addRead(ref)
	w.pairs["patient="+url.QueryEscape("Patient/"+id)+"&code="+url.QueryEscape(code.token())] = true
}

func (w *workload) addRead(ref string) {
	if u, err := url.Parse(w.client.base + "/" + ref); err == nil {
		w.reads = append(w.reads, u)
	}
}

// loadBase posts the Bundles without patients if conditional references need them and find nothing yet.
func (w *workload) loadBase(ctx context.Context, data *dataset) error {
	criteria := data.conditional()
	if criteria == "" {
		return nil
	}
	var found struct{ Total int }
	if err := w.client.fetch(ctx, criteria+"&_summary=count", &found); err != nil {
		return err
	}
	if found.Total > 0 {
		return nil
	}
	for _, b := range data.base {
		if _, err := w.store(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// loadBundle posts a patient's Bundle and takes its Observations as targets.
func (w *workload) loadBundle(ctx context.Context, b *bundle) error {
	locations, err := w.store(ctx, b)
	if err != nil {
		return err
	}
	byURL := map[string]string{}
	for i, e := range b.entries {
		byURL[e.FullURL] = locations[i]
	}
	for i, e := range b.entries {
		if e.Resource.ResourceType == "Observation" {
			w.note(byURL[e.Resource.Subject.Reference], locations[i], e.Resource.Code)
		}
	}
	return nil
}

// store posts a Bundle and returns where its entries went, as Type/id.
func (w *workload) store(ctx context.Context, b *bundle) ([]string, error) {
	u, err := url.Parse(w.client.base)
	if err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	var buf bytes.Buffer
	status, err := w.client.exchange(request(ctx, http.MethodPost, u, w.client.load, b.raw), &buf)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Entry []struct {
			Response struct{ Status, Location string }
		}
	}
	if status != http.StatusOK || json.Unmarshal(buf.Bytes(), &answer) != nil || len(answer.Entry) != len(b.entries) {
		return nil, fmt.Errorf("the transaction was answered with %d and %d of %d entries", status, len(answer.Entry), len(b.entries))
	}
	list := make([]string, len(b.entries))
	for i, e := range answer.Entry {
		if !strings.HasPrefix(e.Response.Status, "2") {
			return nil, fmt.Errorf("entry %d was answered with status %.3q", i, e.Response.Status)
		}
		list[i] = typeAndID(e.Response.Location, w.client.base)
	}
	return list, nil
}

// typeAndID cuts a Location, absolute or relative, down to Type/id.
func typeAndID(location, base string) string {
	location = strings.TrimPrefix(location, base)
	bare, _, _ := strings.Cut(location, "/_history")
	parts := strings.Split(strings.Trim(bare, "/"), "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// address makes the search URLs in a stable order and makes sure that searching finds what it should: timing empty answers would mislead.
func (w *workload) address(ctx context.Context) error {
	queries := make([]string, 0, len(w.pairs))
	for q := range w.pairs {
		queries = append(queries, q)
	}
	slices.Sort(queries)
	for _, q := range queries {
		u, err := url.Parse(w.client.base + "/Observation?" + q)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSetup, err)
		}
		w.searches = append(w.searches, u)
	}
	if len(w.reads) == 0 || len(w.searches) == 0 {
		return fmt.Errorf("%w: no Observation of a Patient on the server or in the data", ErrSetup)
	}
	for i := 0; i < len(w.searches); i += max(1, len(w.searches)/probes) {
		var b struct{ Entry []json.RawMessage }
		err := w.client.fetch(ctx, w.searches[i].String(), &b)
		if err == nil && len(b.Entry) == 0 {
			err = errors.New("an Observation that is there was not found by patient and code")
		}
		if err != nil {
			return fmt.Errorf("%w: search: %w", ErrSetup, err)
		}
	}
	return nil
}
