//go:build linux

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// demoData is the small data set that make run loads.
const demoData = "../../testdata/demo"

// load loads files with the real command.
func (s *server) load(paths ...string) {
	s.t.Helper()
	args := append([]string{"load", "--base", s.base(), "--token", s.staff()}, paths...)
	if out, msg, code := chartseal(args...); code != 0 {
		s.t.Fatalf("load: exit %d\n%s%s", code, out, msg)
	}
}

// everyPath lists Type/id of everything that a caller finds of some types.
func (s *server) everyPath(token string, types ...string) (paths []string) {
	s.t.Helper()
	for _, typ := range types {
		next := "/" + typ + "?_count=500"
		for next != "" {
			a := s.do(http.StatusOK, "GET", next, token, "")
			for _, e := range entries(s.t, a) {
				r := e["resource"].(map[string]any)
				paths = append(paths, r["resourceType"].(string)+"/"+r["id"].(string))
			}
			next = link(s.t, s, a, "next")
		}
	}
	return paths
}

// verifyOffline runs the verifier in a network namespace without interfaces.
func verifyOffline(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"verify"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return string(out), exit.ExitCode()
	case errors.Is(err, syscall.EPERM):
		t.Skip("a network namespace is not permitted here (CLONE_NEWNET)")
	case err != nil:
		t.Fatal(err)
	}
	return string(out), 0
}

// Fifty receipts of a loaded record verify without a network, with the resource; every one that is altered does not.
func TestReceiptsVerifyOffline(t *testing.T) {
	s := start(t)
	s.load(demoData)
	tok := s.staff()
	dir := t.TempDir()
	trustFile := filepath.Join(dir, "trust.json")
	trusted, msg, code := chartseal("trust", "--data-dir", s.dir)
	if code != 0 {
		t.Fatal(msg)
	}
	writeFile(t, trustFile, trusted)
	paths := s.everyPath(tok, "Patient", "Observation", "Claim", "Encounter", "Practitioner", "Organization")
	rand.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	var receipts [][]byte
	for i, p := range paths[:50] {
		file, resource := filepath.Join(dir, fmt.Sprintf("r%d.json", i)), filepath.Join(dir, fmt.Sprintf("resource%d.json", i))
		writeFile(t, resource, string(s.do(http.StatusOK, "GET", "/"+p, tok, "").body))
		var out string
		eventually(t, "the receipt of "+p+" is anchored", func() bool {
			r := s.do(http.StatusOK, "GET", "/"+p+"/$receipt", tok, "").body
			writeFile(t, file, string(r))
			out, code = verifyOffline(t, file, "--trust", trustFile, "--resource", resource)
			if code == 0 {
				receipts = append(receipts, r)
			}
			return code != 3
		})
		if code != 0 {
			t.Fatalf("%s: exit %d\n%s", p, code, out)
		}
	}
	other := filepath.Join(dir, "resource1.json")
	if out, code := verifyOffline(t, filepath.Join(dir, "r0.json"), "--trust", trustFile, "--resource", other); code != 1 || !strings.Contains(out, "FAIL resource") {
		t.Errorf("a receipt with another resource: exit %d\n%s", code, out)
	}
	alter(t, dir, trustFile, receipts)
}

// alter changes receipts, a byte or an element at a time, and wants each refused with the step named. Package
// abci/receipt does it for every byte and element; this is the same through the command, in one run of the verifier.
func alter(t *testing.T, dir, trustFile string, receipts [][]byte) {
	t.Helper()
	bad := filepath.Join(dir, "altered")
	if err := os.Mkdir(bad, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		b := append([]byte(nil), receipts[i%len(receipts)]...)
		b[rand.IntN(len(b))] ^= 1 << rand.IntN(8) //nolint:gosec // a test's choice
		writeFile(t, filepath.Join(bad, fmt.Sprintf("byte%d.json", i)), string(b))
	}
	var one, two map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(receipts[0], &one), json.Unmarshal(receipts[1], &two)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for name := range one {
		if string(one[name]) == string(two[name]) {
			continue
		}
		swapped := strings.Replace(string(receipts[0]), string(one[name]), string(two[name]), 1)
		writeFile(t, filepath.Join(bad, "swap-"+name+".json"), swapped)
		n++
	}
	if n == 0 {
		t.Fatal("two receipts share everything")
	}
	out, code := verifyOffline(t, bad, "--trust", trustFile, "--output", "csv")
	if code != 1 {
		t.Errorf("altered receipts: exit %d", code)
	}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n")[1:] {
		if !strings.HasPrefix(line, bad) {
			continue
		}
		if f := strings.Split(line, ","); f[1] != "invalid" || f[2] == "" {
			t.Errorf("accepted: %s", line)
		}
	}
}
