package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// clientFiles are FHIR clients that others wrote and applications use, pinned by a lock file, and what we do with them.
//
//go:embed clients/*.mjs clients/*.json clients/.npmrc
var clientFiles embed.FS

// everyClient is what no client may leave out. They do more; each step that they report is a test.
var everyClient = []string{
	"create", "read", "update", "patch", "delete", "history", "search", "paging", "batch", "transaction", "conditional create",
	"conditional update", "read only", "absent", "version conflict", "patch leads nowhere", "no valid token",
}

// The server serves clients that know nothing of it.
func TestRealClients(t *testing.T) {
	node, modules := installClients(t)
	s := start(t)
	dir := t.TempDir()
	copyClients(t, dir, ".mjs")
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil { // where imports are looked for
		t.Fatal(err)
	}
	for name, script := range map[string]string{"fhir-kit-client": "fhirkit.mjs", "fhirclient": "fhirclient.mjs", "medplum": "medplum.mjs"} {
		cmd := exec.Command(node, filepath.Join(dir, script))
		cmd.Env = append(os.Environ(), "FHIR_BASE="+s.base(), "STAFF_TOKEN="+s.staff(), "READER_TOKEN="+s.token("--scope", "system/*.rs"))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runClient(t, cmd)
		})
	}
}

// stepLine is what report.mjs prints: of the client, of each step, and at the end.
type stepLine struct {
	Client, Version, Node string
	Step, Error           string
	MS, Done              int
}

// runClient makes a test of each step that the client reports.
func runClient(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, messages, err := bounded(cmd, time.Minute)
	if err != nil {
		t.Errorf("%v\n%s", err, messages)
	}
	seen, announced := map[string]bool{}, -1
	for line := range strings.Lines(out) {
		var l stepLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("not a line of a report: %s", line)
		}
		switch {
		case l.Version != "":
			t.Logf("%s %s on Node %s", l.Client, l.Version, l.Node)
		case l.Step == "":
			announced = l.Done
		default:
			seen[l.Step] = true
			t.Run(l.Step, func(t *testing.T) {
				if l.Error != "" {
					t.Error(l.Error)
				}
				t.Logf("%d ms", l.MS)
			})
		}
	}
	if announced != len(seen) {
		t.Errorf("the client reported %d steps and ended with %d\n%s", len(seen), announced, messages)
	}
	for _, step := range everyClient {
		if !seen[step] {
			t.Errorf("the client did not do: %s", step)
		}
	}
}

// bounded runs a command that is killed with its children when time is up, or when we die.
func bounded(cmd *exec.Cmd, limit time.Duration) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return "", "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stop()
	err = cmd.Wait()
	if ctx.Err() != nil {
		err = fmt.Errorf("not done after %s", limit)
	}
	return out.String(), messages.String(), err
}

// installClients finds Node and the pinned packages, or gets them; the test is skipped where neither can be had. The
// packages lie in the user's cache under the hash of what names them, so that the next run needs no network.
func installClients(t *testing.T) (node, modules string) {
	t.Helper()
	out, messages, err := bounded(exec.Command("../../scripts/services", "node"), 10*time.Minute)
	if err != nil {
		t.Skipf("the clients need Node and npm: %v: %s", err, lastLines(messages, 1))
	}
	paths := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^export (\w+)=(.+)$`).FindAllStringSubmatch(out, -1) {
		paths[m[1]] = m[2]
	}
	node, npm := paths["CHARTSEAL_TEST_NODE"], paths["CHARTSEAL_TEST_NPM"]
	if node == "" || npm == "" {
		t.Fatalf("scripts/services node printed %q", out)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("the clients need a place to be kept: %v", err)
	}
	cache = filepath.Join(cache, "chartseal", "clients-"+packagesHash(t))
	modules = filepath.Join(cache, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return node, modules
	}
	fetchPackages(t, npm, cache)
	return node, modules
}

// packagesHash names what npm would install.
func packagesHash(t *testing.T) string {
	t.Helper()
	h := sha256.New()
	for _, name := range []string{".npmrc", "package.json", "package-lock.json"} {
		b := clientFile(t, name)
		_, _ = fmt.Fprintf(h, "%d\n%s", len(b), b)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// fetchPackages fills the directory with the packages of the lock file; it is there as a whole or not at all.
func fetchPackages(t *testing.T, npm, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		t.Skipf("the clients need a place to be kept: %v", err)
	}
	draft, err := os.MkdirTemp(filepath.Dir(dir), "draft-")
	if err != nil {
		t.Skipf("the clients need a place to be kept: %v", err)
	}
	defer os.RemoveAll(draft) //nolint:errcheck // a draft, gone if it was renamed
	copyClients(t, draft, ".json", ".npmrc")
	cmd := exec.Command(npm, "ci", "--ignore-scripts")
	cmd.Dir = draft
	if _, messages, err := bounded(cmd, 5*time.Minute); err != nil {
		if regexp.MustCompile(`EINTEGRITY|EUSAGE|EJSONPARSE`).MatchString(messages) { // ours to mend, or somebody's attack
			t.Fatalf("npm ci: %s", messages)
		}
		t.Skipf("npm ci could not get the clients' packages: %v: %s", err, lastLines(messages, 5))
	}
	if err := os.Rename(draft, dir); err != nil && !errors.Is(err, os.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) { // another run was first
		t.Fatal(err)
	}
}

func clientFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := clientFiles.ReadFile("clients/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// copyClients writes the files with one of the endings.
func copyClients(t *testing.T, dir string, endings ...string) {
	t.Helper()
	files, err := clientFiles.ReadDir("clients")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, ending := range endings {
			if !strings.HasSuffix(f.Name(), ending) {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, f.Name()), clientFile(t, f.Name()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The lock file pins what will be executed, by content, and names no server that others cannot reach.
func TestClientsArePinned(t *testing.T) {
	var wanted struct{ Dependencies map[string]string }
	var lock struct {
		Packages map[string]struct {
			Version, Resolved, Integrity string
			Link                         bool
		}
	}
	for name, into := range map[string]any{"package.json": &wanted, "package-lock.json": &lock} {
		if err := json.Unmarshal(clientFile(t, name), into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if len(wanted.Dependencies) != 3 {
		t.Errorf("%d clients, want 3", len(wanted.Dependencies))
	}
	for name, version := range wanted.Dependencies {
		if got := lock.Packages["node_modules/"+name].Version; got != version {
			t.Errorf("%s: package.json has %s, the lock file %s", name, version, got)
		}
	}
	for name, p := range lock.Packages {
		if name == "" { // the folder itself
			continue
		}
		if !strings.HasPrefix(p.Integrity, "sha512-") || p.Link {
			t.Errorf("%s is not pinned by its content", name)
		}
		if p.Resolved != "" && !strings.HasPrefix(p.Resolved, "https://registry.npmjs.org/") {
			t.Errorf("%s is taken from elsewhere", name)
		}
	}
}
