package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/chartseal/chartseal/internal/leakscan"
	"github.com/chartseal/chartseal/internal/seal/dict"
)

const demo = "../../testdata/demo"

var demoTypes = []string{
	"Patient", "Practitioner", "Organization", "Encounter", "Observation", "Condition", "Procedure", "Immunization", "Claim",
	"ExplanationOfBenefit", "DiagnosticReport", "MedicationRequest", "CarePlan", "Consent",
}

// leakRun is the state of TestNothingInTheClear.
type leakRun struct {
	*server
	scratch string // what the environment points to: home, temporary files
	needles *needles
	cli     strings.Builder // what commands printed
	refused []byte          // bodies of refusals
	metrics []byte
}

// Nothing clinical lies in the clear (architecture, promise 3): a server is loaded, searched, misused, killed and started
// again; then every byte that it and its commands wrote is searched for what went in.
func TestNothingInTheClear(t *testing.T) {
	r := newLeakRun(t)
	r.needles.bundles(t, demo)
	r.stop()
	t.Run("nothing is found before anything is loaded", func(t *testing.T) {
		r.clean(t, "data directory", tree(t, r.scanner(t), r.dir))
	})
	r.run()
	r.killedWhileLoading(t)
	staff := r.staff()
	r.needles.stored(t, r.server, staff, demoTypes)
	r.needles.rootKey(t, r.key)
	r.needles.enough(t)
	t.Run("after kill -9", func(t *testing.T) {
		r.clean(t, "data directory", tree(t, r.scanner(t), filepath.Join(r.scratch, "killed")))
	})
	r.traffic(t, staff)
	r.needles.stored(t, r.server, staff, []string{"Patient", "Consent"})
	r.needles.text("name out of place", oddName)
	t.Run("open files", r.writesNowhereElse)
	if err := r.cmd.Process.Signal(syscall.SIGQUIT); err != nil { // the stacks of all goroutines go to stderr
		t.Fatal(err)
	}
	r.exited <- <-r.exited
	if !strings.Contains(r.log.String(), "goroutine ") {
		t.Error("SIGQUIT wrote no stacks")
	}
	r.everywhere(t)
}

func newLeakRun(t *testing.T) *leakRun {
	t.Helper()
	r := &leakRun{scratch: t.TempDir(), needles: newNeedles()}
	for _, name := range []string{"HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"} {
		dir := filepath.Join(r.scratch, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, dir)
	}
	r.server = start(t)
	return r
}

// killedWhileLoading loads the demonstration data twice, with a kill in the middle of the first time.
func (r *leakRun) killedWhileLoading(t *testing.T) {
	t.Helper()
	staff := r.staff()
	patient := r.create(staff, "Patient", patientJSON)
	var written atomic.Int32
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		_, _, _ = r.load(staff) // is cut short
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			a, err := r.send("POST", "/Observation", staff, observation(patient))
			if err != nil {
				return // killed
			}
			if a.status == http.StatusCreated {
				written.Add(1)
			}
		}
	}()
	eventually(t, "writes are under way", func() bool { return written.Load() > 10 && strings.Contains(r.log.String(), `"route":"/fhir",`) })
	r.kill()
	<-done
	if err := os.Remove(filepath.Join(r.dir, "admin.sock")); err != nil { // cannot be copied
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(r.scratch, "killed"), os.DirFS(r.dir)); err != nil {
		t.Fatal(err)
	}
	r.run()
	<-done
	out, msg, code := r.load(staff)
	if code != 0 {
		t.Fatalf("load: %s", msg)
	}
	r.cli.WriteString(out + msg)
}

func (r *leakRun) load(token string) (stdout, stderr string, code int) {
	return chartseal("load", demo, "--base", r.base(), "--token", token)
}

// traffic is the normal and the abnormal use.
func (r *leakRun) traffic(t *testing.T, staff string) {
	t.Helper()
	patient := r.find(t, staff, "Patient")
	v := victimOf(t, r.needles, patient, r.find(t, staff, "Encounter"))
	payer := r.payer()
	own := r.token("--scope", "patient/*.rs", "--patient", patient, "--client", "phone")
	r.do(http.StatusOK, "GET", "/Patient?family="+query(v.family)+"&_count=5", staff, "")
	r.do(http.StatusOK, "POST", "/Patient/_search", staff, "identifier="+query(v.ssn), "Content-Type", "application/x-www-form-urlencoded")
	r.do(http.StatusOK, "GET", "/Observation?patient="+patient+"&code="+query(v.code), own, "")
	r.do(http.StatusCreated, "PUT", "/Consent/leak-consent", staff, permit("leak-consent", patient, "Organization/payer", "HPAYMT", "active"))
	eventually(t, "the permit takes effect", func() bool { return r.do(0, "GET", "/Patient/"+patient, payer, "").status == http.StatusOK })
	r.do(http.StatusOK, "GET", "/Patient/"+patient+"/_history", staff, "")
	eventually(t, "a receipt", func() bool { return r.do(0, "GET", "/Patient/"+patient+"/$receipt", staff, "").status == http.StatusOK })
	keyed := `{"resourceType":"Patient","name":[{"family":"` + v.family + `"}],"birthDate":"` + v.birth + `"}`
	r.do(http.StatusCreated, "POST", "/Patient", staff, keyed, "Idempotency-Key", v.phone)
	r.do(http.StatusCreated, "POST", "/Patient", staff, keyed, "Idempotency-Key", v.phone)
	r.needles.request("Patient", keyed)
	r.refused = r.misbehave(v, staff, payer)
	r.cli.WriteString(loadBadFiles(t, r, v, staff))
	r.do(http.StatusOK, "PUT", "/Consent/leak-consent", staff, permit("leak-consent", patient, "Organization/payer", "HPAYMT", "inactive"))
	resp, err := client.Get("http://" + r.addr + "/metrics") //nolint:noctx // bounded by the client
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if r.metrics, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
}

// find gives the id of a loaded resource.
func (r *leakRun) find(t *testing.T, token, typ string) string {
	t.Helper()
	list := entries(t, r.do(http.StatusOK, "GET", "/"+typ+"?_count=1", token, ""))
	if len(list) == 0 {
		t.Fatalf("no %s was loaded", typ)
	}
	return list[0]["resource"].(map[string]any)["id"].(string)
}

// loadBadFiles has the loader complain.
func loadBadFiles(t *testing.T, r *leakRun, v *victim, token string) string {
	t.Helper()
	dir := t.TempDir()
	for i, body := range badBodies(v) {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.ndjson", i)), []byte(body+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, msg, code := chartseal("load", dir, "--base", r.base(), "--token", token)
	if code == 0 {
		t.Error("the loader took files that are not FHIR")
	}
	return out + msg
}

// writesNowhereElse looks at the files that the process has open.
func (r *leakRun) writesNowhereElse(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	dir := fmt.Sprintf("/proc/%d/fd", r.cmd.Process.Pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, fd := range fds {
		path, err := os.Readlink(filepath.Join(dir, fd.Name()))
		if err != nil || !filepath.IsAbs(path) || strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/") || strings.HasPrefix(path, "/sys/") {
			continue
		}
		if files++; !strings.HasPrefix(path, r.dir) && !strings.HasPrefix(path, r.scratch) {
			t.Errorf("the server has %s open", path)
		}
	}
	if files < 5 {
		t.Errorf("only %d open files seen", files)
	}
}

// everywhere searches all that was written, part by part.
func (r *leakRun) everywhere(t *testing.T) {
	s := r.scanner(t)
	t.Logf("%d byte strings are searched", s.Patterns())
	t.Run("data directory", func(t *testing.T) {
		got := tree(t, s, r.dir)
		r.clean(t, "data directory", got)
		for kind, least := range map[string]int{"table": 1, "table entry": 1000, "pebble database": 5, "pebble key": 1000, "log record": 100, "consensus record": 20} {
			if got.Opened[kind] < least {
				t.Errorf("only %d of %q were read, want %d: %v", got.Opened[kind], kind, least, got.Opened)
			}
		}
	})
	t.Run("home and temporary files", func(t *testing.T) { r.clean(t, "scratch", tree(t, s, r.scratch)) })
	if !strings.Contains(string(r.metrics), "chartseal_http_requests_total") {
		t.Error("these are not the metrics")
	}
	for name, text := range map[string][]byte{
		"log": withoutNumbers(r.log.String()), "metrics": sample.ReplaceAll(r.metrics, nil),
		"answers to refused requests": bytes.ReplaceAll(r.refused, []byte(oddName), nil), "output of commands": []byte(strings.ReplaceAll(r.cli.String(), oddName, "")),
	} {
		t.Run(name, func(t *testing.T) {
			got := s.Blob(name, text)
			for _, f := range got.Findings[:min(len(got.Findings), 25)] {
				t.Logf("%s: %s", f.Needle, lineAt(text, f.Offset))
			}
			r.clean(t, name, got)
		})
	}
	t.Run("control: the data itself", func(t *testing.T) { r.needles.allIn(t, tree(t, s, demo)) })
}

// lineAt is the part of a text around an offset. It is shown, because the demonstration data is synthetic and public.
func lineAt(text []byte, at int) string {
	if at >= len(text) {
		return ""
	}
	from, to := bytes.LastIndexByte(text[:at], '\n')+1, len(text)
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		to = at + i
	}
	return string(text[max(from, at-200):min(to, at+200)])
}

var (
	// A count of nanoseconds or a time stamp of the log's own could be a code or a date by chance.
	logTime   = regexp.MustCompile(`(?m)^\{"time":"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)"`)
	logNumber = regexp.MustCompile(`"(took|bytes)":\d+`)
	sample    = regexp.MustCompile(`(?m) [0-9.eE+-]+$`)
)

func withoutNumbers(log string) []byte {
	return []byte(logNumber.ReplaceAllString(logTime.ReplaceAllString(log, `{"time":""`), `"$1":0`))
}

func (r *leakRun) scanner(t *testing.T) *leakscan.Scanner {
	t.Helper()
	s, err := leakscan.New(leakscan.Config{Needles: r.needles.list, Dictionaries: [][]byte{dict.V1()}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tree(t *testing.T, s *leakscan.Scanner, dir string) *leakscan.Report {
	t.Helper()
	r, err := s.Tree(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// clean fails for every leak and for everything that could not be searched.
func (r *leakRun) clean(t *testing.T, what string, got *leakscan.Report) {
	t.Helper()
	const shown = 25 // a server that leaks, leaks everything
	for _, f := range got.Findings[:min(len(got.Findings), shown)] {
		t.Error("leak: ", f)
	}
	for _, u := range got.Unread {
		t.Error("not searched: ", u)
	}
	for _, n := range got.Notes {
		t.Log("note: ", n)
	}
	t.Logf("%s: %d files, %d bytes with what was unpacked, %v, %d findings and %d more like them", what, got.Files, got.Bytes, got.Opened, len(got.Findings), got.More)
}
