package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// shortTimeouts are flags for time-outs that a test can wait for, if the binary has them and nobody wants to see those
// that are the default.
func shortTimeouts() []string {
	if *attacksFull {
		return nil
	}
	help, _ := exec.Command(binary, "serve", "-h").CombinedOutput() // it exits with 2
	var out []string
	for flag, value := range map[string]string{"header-timeout": "2s", "read-timeout": "4s", "write-timeout": "6s"} {
		if strings.Contains(string(help), "-"+flag) {
			out = append(out, "--"+flag, value)
		}
	}
	return out
}

// shortBody promises more than it sends, and then closes its side.
func (x *siege) shortBody() *reply {
	return x.sendAndShut(x.framed("Content-Length: 1000", patientJSON))
}

// sendAndShut sends bytes and then closes its side.
func (x *siege) sendAndShut(b []byte) *reply {
	conn, err := net.Dial("tcp", x.s.addr)
	if err != nil {
		return &reply{text: "no connection"}
	}
	defer conn.Close() //nolint:errcheck // read to the end
	_, _ = conn.Write(b)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	return receive(conn, patience)
}

// asyncPeak is what requests in the background may cost, in MB: 256 for the answers that wait, and what makes them.
const asyncPeak = 384

// asyncFlood starts more requests in the background than one client may have.
func (x *siege) asyncFlood() attack {
	return attack{name: "100 asynchronous requests, never fetched", want: []int{http.StatusTooManyRequests}, peak: asyncPeak, run: func(x *siege) *reply {
		b := x.request(&attack{path: "/fhir/Patient", fields: []string{"Prefer: respond-async"}})
		var last *reply
		for range 100 {
			last = x.send(b)
		}
		last.sent = 100 * len(b)
		return last
	}}
}

// slowAttacks hold connections: each must be cut off by a time-out, and all of them must leave room for others.
func slowAttacks(x *siege) []attack {
	n := x.size(200, 1_000)
	head := func(line string) string {
		return line + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + x.staff + "\r\n"
	}
	slow := func(name string, within time.Duration, clients int, begin, drip string) attack {
		return attack{name: fmt.Sprintf("%d clients: %s", clients, name), want: []int{0, 400, 408}, plain: true, within: within + 10*time.Second, run: func(x *siege) *reply {
			return x.drip(clients, begin, drip, within)
		}}
	}
	header, read, write := x.timeout("header-timeout", 10*time.Second), x.timeout("read-timeout", 2*time.Minute), x.timeout("write-timeout", 5*time.Minute)
	out := []attack{
		{name: fmt.Sprintf("%d connections, opened and dropped", 10*n), want: []int{200}, run: func(x *siege) *reply { return x.dropped(10 * n) }},
		{name: fmt.Sprintf("%d uploads, dropped in the middle", n), want: []int{200}, run: func(x *siege) *reply { return x.abandoned(n) }},
		{name: "64 clients that do not read their answers", want: []int{200}, within: time.Minute, run: func(x *siege) *reply { return x.unread(64, 0) }},
		slow("a header a second, for ever", header, n, head("GET /fhir/Patient"), "X: y\r\n"),
	}
	if header < 10*time.Second || x.full {
		out = append(out, slow("connected, and silent", header, n, "", ""), slow("a byte of a request line a second", header, n, "", "G"))
	}
	if read < 30*time.Second || x.full {
		out = append(out, slow("a byte of a body a second", read, n/2, head("POST /fhir/Patient")+"Content-Type: application/fhir+json\r\nContent-Length: 1000000\r\n\r\n", " "),
			slow("a chunk of a byte a second", read, n/2, head("POST /fhir/Patient")+"Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"))
	}
	if write < 30*time.Second || x.full {
		out = append(out, attack{name: "64 clients that never read, until they are cut off", want: []int{0}, within: write + time.Minute, run: func(x *siege) *reply { return x.unread(64, write+30*time.Second) }})
	}
	return out
}

// timeout is what a flag of shortTimeouts says.
func (x *siege) timeout(flag string, otherwise time.Duration) time.Duration {
	args := x.s.cmd.Args
	for i, a := range args[:len(args)-1] {
		if a == "--"+flag {
			if d, err := time.ParseDuration(args[i+1]); err == nil {
				return d
			}
		}
	}
	return otherwise
}

// drip opens connections that send something each second until the server closes them. The answer is that of the
// connection that was held longest.
func (x *siege) drip(clients int, begin, drip string, within time.Duration) *reply {
	var wg sync.WaitGroup
	var sent, held atomic.Int64
	answers := make(chan *reply, clients)
	for range clients {
		wg.Go(func() {
			conn, err := net.Dial("tcp", x.s.addr)
			if err != nil {
				return
			}
			defer conn.Close() //nolint:errcheck // the server has closed it
			start, done := time.Now(), make(chan struct{})
			_, _ = io.WriteString(conn, begin)
			go func() {
				defer close(done)
				answers <- receive(conn, within+8*time.Second)
			}()
			for going := true; going; {
				select {
				case <-done:
					going = false
				case <-time.After(time.Second):
					n, _ := io.WriteString(conn, drip)
					sent.Add(int64(n))
				}
			}
			sent.Add(int64(len(begin)))
			held.Store(max(held.Load(), int64(time.Since(start))))
		})
	}
	wg.Wait()
	close(answers)
	var out *reply
	for r := range answers {
		if r.status == 0 && r.text != "" { // still open
			return &reply{status: -1, text: r.text}
		}
		out = r
	}
	if out == nil {
		return &reply{text: "no connection"}
	}
	out.sent, out.text = int(sent.Load()), ""
	out.text = fmt.Sprintf("%s after %d s", out.describe(), int(time.Duration(held.Load()).Seconds()+0.5))
	return out
}

// dropped opens and closes connections.
func (x *siege) dropped(n int) *reply {
	for range n {
		if conn, err := net.Dial("tcp", x.s.addr); err == nil {
			_ = conn.Close()
		}
	}
	return x.friendly()
}

// friendly is the answer that a normal client gets after it.
func (x *siege) friendly() *reply {
	if err := x.read(); err != nil {
		return &reply{text: err.Error()}
	}
	return &reply{status: http.StatusOK, text: "dropped; others are served"}
}

// abandoned uploads half a body and goes.
func (x *siege) abandoned(n int) *reply {
	half := x.framed("Content-Length: 2000000", strings.Repeat(" ", 1_000_000))
	for range n {
		conn, err := net.Dial("tcp", x.s.addr)
		if err != nil {
			continue
		}
		_, _ = conn.Write(half)
		_ = conn.Close()
	}
	out := x.friendly()
	out.sent = n * len(half)
	return out
}

// unread asks for much and reads nothing; with a patience, until the server gives up.
func (x *siege) unread(clients int, patience time.Duration) *reply {
	ask := strings.Repeat("GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n", 100) // 37 MB of answers
	var conns []net.Conn
	for range clients {
		conn, err := net.Dial("tcp", x.s.addr)
		if err != nil {
			return &reply{text: "no connection"}
		}
		defer conn.Close() //nolint:errcheck // at the end of the attack
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4 << 10)
		}
		_, _ = io.WriteString(conn, ask)
		conns = append(conns, conn)
	}
	sent := clients * len(ask)
	if patience == 0 {
		time.Sleep(2 * time.Second) // the state that is measured: nobody reads
		out := x.friendly()
		out.sent = sent
		return out
	}
	begin, held := time.Now(), make(chan bool, clients)
	for _, conn := range conns {
		go func() { held <- dropsBy(conn, begin.Add(patience)) }()
	}
	for range conns {
		if !<-held {
			return &reply{status: -1, text: "never cut off", sent: sent}
		}
	}
	return &reply{sent: sent, text: fmt.Sprintf("cut off after %d s", int(time.Since(begin).Seconds()+0.5))}
}

// dropsBy waits until the server has closed a connection: a write to it fails then.
func dropsBy(conn net.Conn, deadline time.Time) bool {
	for time.Now().Before(deadline) {
		if _, err := io.WriteString(conn, "\r\n"); err != nil {
			return true
		}
		time.Sleep(200 * time.Millisecond) // polling another process
	}
	return false
}
