//go:build linux

package crashfs

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestScratchServe(t *testing.T) {
	names := Ext4
	if os.Getenv("STRICT") != "" {
		names = Strict
	}
	disk := ForTest(t, Config{Names: names, })
	key := filepath.Join(t.TempDir(), "root.key")
	data := filepath.Join(disk.Dir(), "data")
	addr := "127.0.0.1:18099"
	bin := "/work/main/bin/chartseal"
	acked := map[string]bool{}
	var mu sync.Mutex
	log, _ := os.Create("/tmp/scratch.log")
	rounds := 30
	for round := 0; round < rounds; round++ {
		fmt.Fprintf(log, "=== round %d\n", round)
		srv := exec.Command(bin, "serve", "--data-dir", data, "--listen", addr, "--key-file", key)
		srv.Stderr = log
		must(t, srv.Start())
		done := make(chan error, 1)
		go func() { done <- srv.Wait() }()
		begin := time.Now()
		ready := false
		for time.Since(begin) < 20*time.Second && !ready {
			select {
			case err := <-done:
				t.Fatalf("round %d: server ended: %v", round, err)
			default:
			}
			r, err := http.Get("http://" + addr + "/readyz")
			if err == nil {
				ready = r.StatusCode == 200
				r.Body.Close()
			}
			time.Sleep(20 * time.Millisecond)
		}
		if !ready {
			t.Fatalf("round %d: not ready", round)
		}
		tookReady := time.Since(begin)
		tok, err := exec.Command(bin, "token", "--data-dir", data, "--scope", "system/*.cruds").Output()
		must(t, err)
		token := strings.TrimSpace(string(tok))
		do := func(method, url, body string) (int, string, string) {
			req, _ := http.NewRequest(method, url, strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Content-Type", "application/fhir+json")
			c := http.Client{Timeout: 30 * time.Second}
			r, err := c.Do(req)
			if err != nil {
				return 0, err.Error(), ""
			}
			b, _ := io.ReadAll(r.Body)
			r.Body.Close()
			return r.StatusCode, string(b), r.Header.Get("Location")
		}
		missing := 0
		for url := range acked {
			if code, body, _ := do("GET", url, ""); code != 200 {
				missing++
				t.Errorf("round %d: %s: %d %.200s", round, url, code, body)
				if missing > 5 {
					t.FailNow()
				}
			}
		}
		if missing > 0 {
			t.FailNow()
		}
		if os.Getenv("SYNCALL") == "" && round == 0 {
			for _, u := range disk.Unsynced() {
				t.Log("unsynced when ready: ", u)
			}
		}
		if os.Getenv("SYNCALL") != "" && round == 0 {
			must(t, filepath.WalkDir(disk.Dir(), func(p string, e fs.DirEntry, err error) error {
				if err == nil && (e.Type().IsRegular() || e.IsDir()) {
					syncPath(t, p)
				}
				return err
			}))
		}
		if round == 0 {
			for _, u := range disk.Unsynced() {
				t.Log("unsynced when ready: ", u)
			}
			disk.IgnoreSync(strings.Fields(os.Getenv("IGNORE"))...)
		}
		fault := disk.Inject(Fault{Ops: OpSync | OpSyncDir, Skip: 3 + round*5, Cut: true, Stored: round%2 == 0})
		syncs := disk.Count(OpSync | OpSyncDir)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		n := 0
		for w := range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					code, _, loc := do("POST", "http://"+addr+"/fhir/Patient", fmt.Sprintf(`{"resourceType":"Patient","name":[{"family":"r%dw%di%d"}]}`, round, w, i))
					if code == 201 {
						mu.Lock()
						acked[loc] = true
						n++
						mu.Unlock()
					}
				}
			}()
		}
		select {
		case <-disk.Down():
		case <-time.After(20 * time.Second):
			t.Log("no cut")
			disk.Cut()
		}
		close(stop)
		must(t, srv.Process.Kill())
		stake, err := disk.Restart(Loss{Keep: float64(round%3) / 2, Seed: uint64(round)})
		must(t, err)
		<-done
		wg.Wait()
		fault.Remove()
		t.Logf("round %d: ready in %v, %d acked (%d in all), %d syncs, %d at stake, ignored %d", round, tookReady.Round(time.Millisecond), n, len(acked), disk.Count(OpSync|OpSyncDir)-syncs, len(stake), disk.IgnoredSyncs())
	}
}
