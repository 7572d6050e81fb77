package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chartseal/chartseal/conformance"
	"github.com/chartseal/chartseal/internal/defects"
)

var (
	defectsReport = flag.String("defects.report", "", "file that TestSeededDefects writes its table to")
	defectsOnly   = flag.String("defects.only", "", "names of defects to try, separated by commas; default all")
)

// How the defects are tried: so many at a time, and so many between two runs that must find nothing.
const (
	defectsAtOnce  = 6
	defectsInBatch = 64
)

// finding is what the suite made of a defect.
type finding struct {
	defects.Defect
	by string // the first test that failed; empty: missed
}

// TestSeededDefects proves the conformance suite: it must notice at least 57 of 60 bugs that servers have.
func TestSeededDefects(t *testing.T) {
	s := startDefective(t, "")
	p := &proof{t: t, s: s, token: s.staff()}
	list := p.chosen()
	p.clean("before")
	var found []finding
	for begin := 0; begin < len(list); begin += defectsInBatch {
		end := min(begin+defectsInBatch, len(list))
		found = append(found, p.try(list[begin:end])...)
		p.clean(fmt.Sprintf("after %d defects", end))
	}
	missed := 0
	for _, f := range found {
		if f.by == "" {
			missed++
			t.Logf("missed: %s (%s): %s; %s", f.Name, f.Area, f.Wrong, f.Section)
		}
	}
	t.Logf("caught %d of %d", len(found)-missed, len(found))
	if missed*60 > 3*len(found) {
		t.Errorf("the suite misses %d of %d defects; 3 of 60 are allowed", missed, len(found))
	}
	if *defectsReport != "" {
		if err := os.WriteFile(*defectsReport, []byte(defectTable(found, missed)), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// Defects are selected by the environment and by PUT, for all requests.
func TestDefectsAreSelected(t *testing.T) {
	s := startDefective(t, "read-without-etag")
	tok := s.staff()
	id := s.create(tok, "Patient", patientJSON)
	tagged := func(want bool, when string) {
		t.Helper()
		if got := s.do(200, "GET", "/Patient/"+id, tok, "").header.Get("ETag") != ""; got != want {
			t.Errorf("%s: ETag %v", when, got)
		}
	}
	tagged(false, "CHARTSEAL_DEFECT")
	s.choose("")
	tagged(true, "no defect")
	s.choose("read-without-etag")
	tagged(false, "PUT")
}

// startDefective runs the build with the seeded defects.
func startDefective(t *testing.T, defect string) *server {
	t.Helper()
	program := filepath.Join(t.TempDir(), "chartseal")
	build := exec.Command("go", "build", "-tags", "defects", "-o", program, "github.com/chartseal/chartseal/cmd/chartseal")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	s := &server{t: t, dir: filepath.Join(t.TempDir(), "data"), key: filepath.Join(t.TempDir(), "root.key"), addr: freePort(t), log: &lockedBuffer{}}
	s.cmd = exec.Command(program, "serve", "--data-dir", s.dir, "--key-file", s.key, "--listen", s.addr, "--log-level", "error")
	s.cmd.Env = append(os.Environ(), "CHARTSEAL_DEFECT="+defect)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.exited = make(chan error, 1)
	go func() { s.exited <- s.cmd.Wait() }()
	t.Cleanup(s.kill)
	eventually(t, "the server is ready", func() bool {
		resp, err := poller.Get("http://" + s.addr + "/readyz") //nolint:noctx // bounded by the client
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return s
}

// choose selects a defect for all requests.
func (s *server) choose(name string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPut, "http://"+s.addr+defects.Path+"?name="+name, http.NoBody) //nolint:noctx // bounded by the client
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		s.t.Fatalf("select %q: %d", name, resp.StatusCode)
	}
}

// proof is the suite against a server with defects.
type proof struct {
	t     *testing.T
	s     *server
	token string
	known []string // what fails without a defect
}

// chosen are the defects to try.
func (p *proof) chosen() []defects.Defect {
	if *defectsOnly == "" {
		if n := len(defects.All()); n < 60 {
			p.t.Errorf("there are %d defects only", n)
		}
		return defects.All()
	}
	var list []defects.Defect
	for name := range strings.SplitSeq(*defectsOnly, ",") {
		d, ok := defects.Find(name)
		if !ok {
			p.t.Fatalf("there is no defect %q", name)
		}
		list = append(list, d)
	}
	return list
}

// clean runs the whole suite against the server without a defect: what it found there would be found always.
func (p *proof) clean(when string) {
	p.t.Helper()
	if *defectsOnly != "" {
		return // somebody looks into one
	}
	begin := time.Now()
	report, err := p.run("", conformance.Options{Concurrency: 24})
	if report == nil {
		p.t.Fatal(err)
	}
	for _, name := range failures(report) {
		p.t.Errorf("%s, without a defect: %s", when, name)
		p.known = append(p.known, name)
	}
	p.t.Logf("%s: %d tests pass without a defect, %v", when, report.Count().Passed, time.Since(begin).Round(time.Millisecond))
}

// try runs the suite against defects, several at the same time: each request says which one it is to meet.
func (p *proof) try(list []defects.Defect) []finding {
	found := make([]finding, len(list))
	var wg sync.WaitGroup
	slots := make(chan struct{}, defectsAtOnce)
	for i, d := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			begin := time.Now()
			found[i] = finding{d, p.search(&d)}
			p.t.Logf("%-36s %5d ms  %s", d.Name, time.Since(begin).Milliseconds(), found[i].by)
		})
	}
	wg.Wait()
	return found
}

// search names the first test that fails: of the script where one is expected, of its area, of all.
func (p *proof) search(d *defects.Defect) string {
	area, script, _ := strings.Cut(d.Area, "/")
	stages := []conformance.Options{{Areas: []string{area}, Concurrency: 4}, {Concurrency: 8}}
	if script != "" {
		stages = append([]conformance.Options{{Scripts: oneScript{conformance.Scripts(), d.Area}, Concurrency: 1}}, stages...)
	}
	for _, opt := range stages {
		opt.StopOnFailure = len(p.known) == 0 || (len(opt.Areas) == 0 && opt.Scripts != nil && !p.knownIn(d.Area))
		report, err := p.run(d.Name, opt)
		if err != nil && !errors.Is(err, conformance.ErrFailed) {
			p.t.Errorf("%s: %v", d.Name, err)
			return ""
		}
		if len(report.Scripts) == 0 {
			return "the CapabilityStatement cannot be read"
		}
		for _, name := range failures(report) {
			if !slices.Contains(p.known, name) {
				return name
			}
		}
	}
	return ""
}

// knownIn tells whether a script fails without a defect.
func (p *proof) knownIn(script string) bool {
	return slices.ContainsFunc(p.known, func(name string) bool { return strings.HasPrefix(name, script+":") })
}

// run runs the suite with a defect; none if the name is empty.
func (p *proof) run(defect string, opt conformance.Options) (*conformance.Report, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}
	defer transport.CloseIdleConnections()
	opt.Base, opt.Token, opt.Client = p.s.base(), p.token, &http.Client{Transport: &choosing{defect, transport}}
	return conformance.Run(context.Background(), opt)
}

// choosing tells the server which defect a request is to meet.
type choosing struct {
	defect string
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c *choosing) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.defect != "" {
		r = r.Clone(r.Context())
		r.Header.Set(defects.Header, c.defect)
	}
	return c.next.RoundTrip(r)
}

// failures names the tests that failed, as area/script: test.
func failures(r *conformance.Report) []string {
	var out []string
	for _, s := range r.Scripts {
		for _, test := range s.Tests {
			if test.Outcome == conformance.Failed {
				out = append(out, s.Area+"/"+s.File+": "+test.Name)
			}
		}
	}
	return out
}

// oneScript is the suite cut down to one script and the fixtures beside it.
type oneScript struct {
	fs.FS
	name string // area/script
}

// ReadDir implements fs.ReadDirFS.
func (o oneScript) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(o.FS, name)
	var out []fs.DirEntry
	for _, e := range list {
		at := strings.TrimPrefix(name+"/"+e.Name(), "./")
		if at == filepath.Dir(o.name) || at == o.name+".json" || strings.HasSuffix(at, ".fixture.json") {
			out = append(out, e)
		}
	}
	return out, err
}

// defectTable is the page of the documentation.
func defectTable(found []finding, missed int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What the conformance suite notices\n\n`internal/defects` breaks the server in %d ways, each a bug that FHIR servers have. The suite notices %d of them", len(found), len(found)-missed)
	fmt.Fprintf(&b, " and misses %d. Without a defect it passes.\nThis page is written by\n\n    go test ./internal/e2e -run TestSeededDefects -args -defects.report $PWD/docs/conformance-defects.md\n\n", missed)
	fmt.Fprintf(&b, "The test named is the first that failed; others may notice the same defect.\n\n| defect | what is wrong | specification | noticed by |\n|---|---|---|---|\n")
	for _, f := range found {
		by := f.by
		if by == "" {
			by = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Name, f.Wrong, f.Section, strings.ReplaceAll(by, "|", "\\|"))
	}
	return b.String()
}
