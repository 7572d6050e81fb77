package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// workload writes to a server that may vanish at any moment, and remembers what was acknowledged.
type workload struct {
	s     *server
	token string
	round int
	stop  atomic.Bool

	mu    sync.Mutex
	acked []ackedVersion // answered 200 or 201
	txs   []triedTx      // transactions, answered or not
	sent  map[string]bool
	early []string // status URLs of writes answered 202
}

// ackedVersion is a version that must be there, with its marker, for good.
type ackedVersion struct{ path, marker string }

// triedTx is a transaction of one Patient and two Observations under one marker: all or none, all if acknowledged.
type triedTx struct {
	marker string
	acked  bool
}

func newWorkload(s *server, token string, round int) *workload {
	return &workload{s: s, token: token, round: round, sent: map[string]bool{}}
}

func (w *workload) run(clients int) *sync.WaitGroup {
	var wg sync.WaitGroup
	for c := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; !w.stop.Load(); n++ {
				w.step(fmt.Sprintf("r%d-c%d-%d", w.round, c, n), n)
			}
		}()
	}
	return &wg
}

func (w *workload) step(marker string, n int) {
	switch n % 5 {
	case 0:
		w.transaction(marker)
	case 1:
		w.update(marker)
	case 2:
		w.durable(marker)
	default:
		w.create(marker)
	}
}

func markedPatient(marker string) string {
	return `{"resourceType":"Patient","identifier":[{"system":"urn:crash","value":"` + marker + `"}]}`
}

func (w *workload) create(marker string) {
	w.note(marker)
	a, err := w.s.send("POST", "/Patient", w.token, markedPatient(marker))
	if err == nil && a.status == http.StatusCreated {
		w.ack(a, marker)
	}
}

func (w *workload) note(marker string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[marker] = true
}

func (w *workload) ack(a *answer, marker string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked = append(w.acked, ackedVersion{strings.TrimPrefix(a.header.Get("Location"), w.s.base()), marker})
}

// update writes a new version of one of a few shared resources.
func (w *workload) update(marker string) {
	id := fmt.Sprintf("shared-%d", rand.IntN(4)) //nolint:gosec // a test's choice
	body := strings.Replace(markedPatient(marker), `"Patient",`, `"Patient","id":"`+id+`",`, 1)
	a, err := w.s.send("PUT", "/Patient/"+id, w.token, body)
	if err == nil && (a.status == http.StatusCreated || a.status == http.StatusOK) {
		w.ack(a, marker)
	}
}

func (w *workload) durable(marker string) {
	a, err := w.s.send("POST", "/Patient", w.token, markedPatient(marker), "Chartseal-Ack", "durable")
	if err == nil && a.status == http.StatusAccepted {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.early = append(w.early, strings.TrimPrefix(a.header.Get("Content-Location"), w.s.base()))
	}
}

func (w *workload) transaction(marker string) {
	obs := `{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"identifier":[{"system":"urn:crash","value":"` + marker + `"}],"subject":{"reference":"urn:uuid:0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a"}},"request":{"method":"POST","url":"Observation"}}`
	body := `{"resourceType":"Bundle","type":"transaction","entry":[` + obs + `,{"fullUrl":"urn:uuid:0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a","resource":` +
		markedPatient("tx-"+marker) + `,"request":{"method":"POST","url":"Patient"}},` + obs + `]}`
	a, err := w.s.send("POST", "", w.token, body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.txs = append(w.txs, triedTx{marker: marker, acked: err == nil && a.status == http.StatusOK})
}

// check looks for all that was acknowledged, and for anything half visible. It returns what is wrong.
func (w *workload) check() (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, v := range w.acked {
		a, err := w.s.send("GET", v.path, w.token, "")
		if err != nil || a.status != http.StatusOK || !strings.Contains(string(a.body), `"`+v.marker+`"`) {
			say("acknowledged %s is lost: %v", v.path, describe(a, err))
		}
	}
	for _, url := range w.early {
		if a, err := w.s.send("GET", url, w.token, ""); err != nil || a.status != http.StatusOK {
			say("durable write %s is lost: %v", url, describe(a, err))
		}
	}
	for marker := range w.sent {
		w.checkVisible(marker, say)
	}
	for _, tx := range w.txs {
		patients, observations := w.found("Patient", "tx-"+tx.marker), w.found("Observation", tx.marker)
		whole, absent := patients == 1 && observations == 2, patients == 0 && observations == 0
		if !whole && (!absent || tx.acked) {
			say("transaction %s (acknowledged %v) shows %d patients and %d observations", tx.marker, tx.acked, patients, observations)
		}
	}
	return wrong
}

// checkVisible wants a single create to be found at most once, and what is found to be readable.
func (w *workload) checkVisible(marker string, say func(string, ...any)) {
	a, err := w.s.send("GET", "/Patient?identifier=urn:crash|"+marker, w.token, "")
	if err != nil || a.status != http.StatusOK {
		say("search for %s: %v", marker, describe(a, err))
		return
	}
	var bundle struct {
		Entry []struct{ Resource struct{ ID string } }
	}
	if err := json.Unmarshal(a.body, &bundle); err != nil || len(bundle.Entry) > 1 {
		say("search for %s found %d", marker, len(bundle.Entry))
	}
	for _, e := range bundle.Entry {
		if r, err := w.s.send("GET", "/Patient/"+e.Resource.ID, w.token, ""); err != nil || r.status != http.StatusOK {
			say("%s is found but not readable: %v", marker, describe(r, err))
		}
	}
}

func (w *workload) found(typ, marker string) int {
	a, err := w.s.send("GET", "/"+typ+"?identifier=urn:crash|"+marker, w.token, "")
	if err != nil || a.status != http.StatusOK {
		return -1
	}
	return strings.Count(string(a.body), `"mode":"match"`)
}

func describe(a *answer, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", a.status, a.body)
}

// checkReceipts verifies the receipts of a few acknowledged versions with the offline verifier.
func (w *workload) checkReceipts(t *testing.T, n int) {
	t.Helper()
	dir := t.TempDir()
	trustFile := filepath.Join(dir, "trust")
	out, msg, code := chartseal("trust", "--data-dir", w.s.dir)
	if code != 0 {
		t.Fatalf("trust: %s", msg)
	}
	writeFile(t, trustFile, out)
	for i := range min(n, len(w.acked)) {
		v := w.acked[rand.IntN(len(w.acked))] //nolint:gosec // a test's choice
		a := w.s.do(http.StatusOK, "GET", v.path+"/$receipt", w.token, "")
		file := filepath.Join(dir, fmt.Sprintf("r%d.json", i))
		writeFile(t, file, string(a.body))
		if out, msg, code := chartseal("verify", file, "--trust", trustFile); code != 0 && code != 3 {
			t.Errorf("receipt of %s: exit %d\n%s%s", v.path, code, out, msg)
		}
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
