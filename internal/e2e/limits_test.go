package e2e

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const formType = "application/x-www-form-urlencoded"

// A search takes bounded memory and names what was too much.
func TestSearchLimits(t *testing.T) {
	s := start(t)
	tok := s.staff()
	id := s.create(tok, "Patient", patientJSON)
	dates := strings.TrimSuffix(strings.Repeat("birthdate=ge1960-05-17&", 1000), "&")
	for _, tc := range []struct {
		name, contentType, body string
		status                  int
		code                    string
	}{
		{"long list", formType, "_id=" + id + strings.Repeat(",x", 999), 200, ""},
		{"no parameters", formType, "", 200, ""},
		{"too many values", formType, "_id=" + id + strings.Repeat(",x", 500) + "&identifier=x" + strings.Repeat(",y", 500), 400, "invalid"},
		{"too many parameters", formType, strings.Repeat("nonsense=1&", 1001), 400, "invalid"},
		{"too many dates", formType, dates, 400, "invalid"},
		{"too large", formType, "_id=" + strings.Repeat("x", 1<<20), 413, "too-long"},
		{"not a form", "application/fhir+json", "{}", 415, "not-supported"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.do(tc.status, "POST", "/Patient/_search", tok, tc.body, "Content-Type", tc.contentType)
			if tc.code != "" && !strings.Contains(string(a.body), `"code":"`+tc.code+`"`) {
				t.Errorf("the answer lacks the code %s: %s", tc.code, a.body)
			}
		})
	}
}

// Metrics and log hold no word that a client chose.
func TestClientChoosesNoLabel(t *testing.T) {
	s := start(t)
	const secret = "Testperson"
	s.do(0, secret, "/Patient/"+secret, s.staff(), "", "X-Request-Id", secret)
	s.do(0, "GET", "/"+secret+"/x?name="+secret, s.staff(), "", "X-Request-Id", secret)
	resp, err := http.Get("http://" + s.addr + "/metrics") //nolint:noctx // bounded by the test
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to the end
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `method="other"`) || strings.Contains(string(b), secret) {
		t.Errorf("the metrics name the method of a client")
	}
	if strings.Contains(s.log.String(), secret) {
		t.Errorf("the log shows what a client sent: %s", lastLines(s.log.String(), 3))
	}
}

// A client that stalls in the middle of its upload does not keep the server from a clean end.
func TestStopWithStalledUpload(t *testing.T) {
	s := start(t, "--shutdown-grace", "1s")
	tok := s.staff()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the server has closed it
	_, err = fmt.Fprintf(conn, "POST /fhir/Patient HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		s.addr, tok, len(patientJSON))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // 100 Continue: the handler has begun to read
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, patientJSON[:len(patientJSON)/2]); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	s.stop()
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("the stop took %s", took)
	}
	if strings.Contains(s.log.String(), `"level":"ERROR"`) {
		t.Errorf("the stop logged an error: %s", lastLines(s.log.String(), 5))
	}
	s.run()
	s.do(http.StatusOK, "GET", "/Patient", tok, "")
}

// Nothing of a data directory is open to other users, even if the directory was.
func TestFilesArePrivate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	s := &server{t: t, dir: t.TempDir(), key: filepath.Join(t.TempDir(), "keys", "root.key"), addr: freePort(t), log: &lockedBuffer{}, patience: time.Minute}
	if err := os.Chmod(s.dir, 0o755); err != nil { //nolint:gosec // as a careless operator makes it
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	s.run()
	s.create(s.staff(), "Patient", patientJSON)
	n := 0
	for _, root := range []string{s.dir, filepath.Dir(s.key)} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return nil //nolint:nilerr // a file of the running store that has gone since
			}
			n++
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: mode %o", strings.TrimPrefix(path, root), info.Mode().Perm())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 20 {
		t.Errorf("only %d files were found", n)
	}
}
