package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// siege is a server under attack and the friend who reads from it meanwhile.
type siege struct {
	t       *testing.T
	s       *server
	full    bool
	staff   string // token
	patient string // id
	friend  *http.Client
	flags   []string // of the server
	calm    int      // goroutines of the server at rest
	rss     int      // resident memory at rest, in kB
}

func newSiege(t *testing.T, flags ...string) *siege {
	t.Helper()
	s := start(t, flags...)
	x := &siege{t: t, s: s, full: *attacksFull, staff: s.staff(), flags: flags, friend: &http.Client{Timeout: maxRead}}
	x.patient = s.create(x.staff, "Patient", patientJSON)
	x.settle()
	return x
}

// settle takes the measure of a server at rest.
func (x *siege) settle() {
	x.t.Helper()
	for range 20 {
		if err := x.read(); err != nil {
			x.t.Fatal(err)
		}
	}
	n, err := x.goroutines()
	if err != nil {
		x.t.Fatal(err)
	}
	x.calm, x.rss = n, x.memory("VmRSS:")
}

// kept is how much memory a server may hold on to from one attack to the next, in kB. With more, the next would find
// room that it does not have to ask for, and look cheaper than it is.
const kept = 96 << 10

// refresh starts the server again, on its data, if it holds memory of an attack before.
func (x *siege) refresh() {
	x.t.Helper()
	if x.rss == 0 || x.memory("VmRSS:") < x.rss+kept {
		return
	}
	x.friend.CloseIdleConnections()
	x.s.stop()
	x.s.run(x.flags...)
	x.settle()
}

// size gives the number for the run: small by default, so that the whole table takes seconds.
func (x *siege) size(small, full int) int {
	if x.full {
		return full
	}
	return small
}

// read is what a normal client does.
func (x *siege) read() error {
	req, err := http.NewRequest(http.MethodGet, x.s.base()+"/Patient/"+x.patient, http.NoBody) //nolint:noctx // bounded by the client
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+x.staff)
	resp, err := x.friend.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to the end
	b, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK || !bytes.Contains(b, []byte("Testperson")):
		return fmt.Errorf("a normal read was answered %d", resp.StatusCode)
	}
	return nil
}

// slack is how many goroutines more than at rest are none left behind: idle connections, and what comes and goes.
const slack = 12

// unharmed: a normal read is answered at once, and nothing of the attack goes on.
func (x *siege) unharmed() error {
	if err := x.read(); err != nil {
		return err
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		n, err := x.goroutines()
		if err != nil {
			return err
		}
		if n <= x.calm+slack {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d goroutines, %d before", n, x.calm)
		}
		time.Sleep(20 * time.Millisecond) // polling another process
	}
}

func (x *siege) goroutines() (int, error) {
	resp, err := x.friend.Get("http://" + x.s.addr + "/metrics") //nolint:noctx // bounded by the client
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to the end
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	_, after, ok := strings.Cut(string(b), "\ngo_goroutines ")
	line, _, _ := strings.Cut(after, "\n")
	if !ok {
		return 0, errors.New("no go_goroutines in the metrics")
	}
	return strconv.Atoi(line)
}

func (x *siege) logSize() int {
	x.s.log.mu.Lock()
	defer x.s.log.mu.Unlock()
	return x.s.log.b.Len()
}

func (x *siege) loggedSince(from int, word string) bool {
	x.s.log.mu.Lock()
	defer x.s.log.mu.Unlock()
	return bytes.Contains(x.s.log.b.Bytes()[from:], []byte(word))
}

// measurement watches the process while an attack runs.
type measurement struct {
	x     *siege
	begin time.Time
	cpu   time.Duration
	rss   int
	done  chan struct{}
	wg    sync.WaitGroup
	slow  time.Duration
}

// pingEvery is how often a normal read is tried during an attack. The first comes after as much time, so that short
// attacks are measured alone.
const pingEvery = 100 * time.Millisecond

func (x *siege) measure() *measurement {
	m := &measurement{x: x, done: make(chan struct{})}
	_ = os.WriteFile(x.proc("clear_refs"), []byte("5"), 0) // sets VmHWM back (proc(5))
	m.rss, m.cpu, m.begin = x.memory("VmRSS:"), x.cpuTime(), time.Now()
	m.wg.Go(func() {
		for {
			select {
			case <-m.done:
				return
			case <-time.After(pingEvery): // polling another process
			}
			begin := time.Now()
			if err := x.read(); err != nil {
				m.slow = max(m.slow, maxRead)
			}
			m.slow = max(m.slow, time.Since(begin))
		}
	})
	return m
}

func (m *measurement) end() result {
	r := result{took: time.Since(m.begin), cpu: m.x.cpuTime() - m.cpu, peak: max(0, m.x.memory("VmHWM:")-m.rss)}
	close(m.done)
	m.wg.Wait()
	r.slowest = m.slow
	return r
}

func (x *siege) proc(file string) string {
	return "/proc/" + strconv.Itoa(x.s.cmd.Process.Pid) + "/" + file
}

// memory reads a line of /proc/PID/status, in kB.
func (x *siege) memory(name string) int {
	b, err := os.ReadFile(x.proc("status"))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(b), name)
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(fields[0])
	return n
}

// tick is the unit of /proc/PID/stat: USER_HZ is 100 wherever Go runs on Linux.
const tick = 10 * time.Millisecond

// cpuTime is what the process has used, in user and kernel mode.
func (x *siege) cpuTime() time.Duration {
	b, err := os.ReadFile(x.proc("stat"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // from the state on, which is field 3
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}
