package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once for the run.
var binary string

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chartseal-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	binary = filepath.Join(dir, "chartseal")
	build := exec.Command("go", "build", "-o", binary, "github.com/chartseal/chartseal/cmd/chartseal")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the binary:", err)
		return 1
	}
	return m.Run()
}

// server is one running chartseal serve.
type server struct {
	t      *testing.T
	dir    string // data directory
	key    string // root key file
	addr   string
	cmd    *exec.Cmd
	log    *lockedBuffer
	exited chan error
	tokens sync.Map // arguments -> token

	patience time.Duration // how long a start may take
}

// lockedBuffer collects the log while the process writes it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freePort asks the system for one.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its number was wanted
	return l.Addr().String()
}

// start runs a server on a fresh data directory and stops it when the test ends.
func start(t *testing.T, flags ...string) *server {
	t.Helper()
	s := &server{t: t, dir: filepath.Join(t.TempDir(), "data"), key: filepath.Join(t.TempDir(), "root.key"), addr: freePort(t), log: &lockedBuffer{}, patience: time.Minute}
	s.run(flags...)
	t.Cleanup(func() { s.kill() })
	return s
}

// run starts the process and waits until it is ready.
func (s *server) run(flags ...string) {
	s.t.Helper()
	if err := s.launch(flags...); err != nil {
		s.t.Fatalf("%v\n%s", err, s.log)
	}
}

func (s *server) launch(flags ...string) error {
	args := append([]string{"serve", "--data-dir", s.dir, "--key-file", s.key, "--listen", s.addr, "--log-level", "debug"}, flags...)
	s.cmd = exec.Command(binary, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.exited = make(chan error, 1)
	go func(c *exec.Cmd, done chan error) { done <- c.Wait() }(s.cmd, s.exited)
	deadline := time.Now().Add(s.patience)
	for time.Now().Before(deadline) {
		resp, err := poller.Get("http://" + s.addr + "/readyz") //nolint:noctx // bounded by the client
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("server ended early: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("server was not ready in time")
}

// kill ends the process as a power cut would end it, but for the page cache.
func (s *server) kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	err := <-s.exited
	s.exited <- err
}

// stop asks the process to end and wants exit 0.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.exited:
		s.exited <- err
		if err != nil {
			s.t.Fatalf("SIGTERM: %v\n%s", err, s.log)
		}
	case <-time.After(60 * time.Second):
		s.t.Fatalf("the server did not stop\n%s", s.log)
	}
}

func (s *server) base() string { return "http://" + s.addr + "/fhir" }

// chartseal runs a command of the binary and returns what it printed.
func chartseal(args ...string) (stdout, stderr string, code int) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String(), msg.String(), exit.ExitCode()
	}
	if err != nil {
		return out.String(), msg.String() + err.Error(), -1
	}
	return out.String(), msg.String(), 0
}

// token mints one with the flags of chartseal token.
func (s *server) token(flags ...string) string {
	s.t.Helper()
	key := strings.Join(flags, "\x00")
	if v, ok := s.tokens.Load(key); ok {
		return v.(string)
	}
	out, msg, code := chartseal(append([]string{"token", "--data-dir", s.dir}, flags...)...)
	if code != 0 {
		s.t.Fatalf("token: %s", msg)
	}
	tok := strings.TrimSpace(out)
	s.tokens.Store(key, tok)
	return tok
}

// staff is a token of the custodian's own system with every right.
func (s *server) staff() string { return s.token("--scope", "system/*.cruds") }

// payer is a token of another organisation.
func (s *server) payer() string {
	return s.token("--scope", "user/*.cruds", "--user", "Organization/payer", "--client", "payer", "--purpose", "HPAYMT")
}

// answer is an HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) json(t *testing.T) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("answer %d is not JSON: %v: %s", a.status, err, a.body)
	}
	return v
}

// poller asks a server that may be recovering, and not answer yet.
var poller = &http.Client{Timeout: time.Second}

var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// send makes one request; headers are name, value pairs.
func (s *server) send(method, path, token, body string, headers ...string) (*answer, error) {
	req, err := http.NewRequest(method, s.base()+path, strings.NewReader(body)) //nolint:noctx // bounded by the client
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to the end
	b, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, b}, err
}

// do is send that must be answered, with one of the wanted statuses if any are given.
func (s *server) do(want int, method, path, token, body string, headers ...string) *answer {
	s.t.Helper()
	a, err := s.send(method, path, token, body, headers...)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	if want != 0 && a.status != want {
		s.t.Fatalf("%s %s: got %d, want %d: %s\n%s", method, path, a.status, want, a.body, lastLines(s.log.String(), 5))
	}
	return a
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// create posts a resource and returns its id.
func (s *server) create(token, typ, body string) string {
	s.t.Helper()
	a := s.do(http.StatusCreated, http.MethodPost, "/"+typ, token, body)
	id, ok := a.json(s.t)["id"].(string)
	if !ok {
		s.t.Fatalf("created %s has no id: %s", typ, a.body)
	}
	return id
}

// eventually polls until ok, for what takes effect when the consortium has committed it.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond) // polling another process
	}
	t.Fatalf("not in time: %s", what)
}
