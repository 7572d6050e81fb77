package load

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second
	barWidth  = 24
)

// progress tells how far a run is: a bar that rewrites itself on a terminal, a plain line now and then elsewhere.
type progress struct {
	out   io.Writer
	bar   bool
	total int64 // input bytes
	start time.Time
	quit  chan struct{}
	ended sync.WaitGroup

	mu                      sync.Mutex
	bytes, resources, fails int64 // guarded by mu
}

func startProgress(out io.Writer, total int64) *progress {
	p := &progress{out: out, bar: isTerminal(out), total: total, start: time.Now(), quit: make(chan struct{})}
	p.ended.Go(p.loop)
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

func (p *progress) loop() {
	every := lineEvery
	if p.bar {
		every = barEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			p.print(now, false)
		case <-p.quit:
			p.print(time.Now(), true)
			return
		}
	}
}

func (p *progress) add(bytes, resources, fails int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes += bytes
	p.resources += resources
	p.fails += fails
}

// stop prints the last state and returns when nothing more will be written.
func (p *progress) stop() {
	close(p.quit)
	p.ended.Wait()
}

func (p *progress) print(now time.Time, last bool) {
	text := p.text(now.Sub(p.start))
	switch {
	case !p.bar:
		text += "\n"
	case last:
		text = "\r\x1b[K" + text + "\n"
	default:
		text = "\r\x1b[K" + text
	}
	_, _ = io.WriteString(p.out, text) // progress that cannot be shown does not stop the load
}

// text is one state: bar (on a terminal), share, counts, rate, and the time that the rest takes at the rate so far.
func (p *progress) text(elapsed time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	share := 1.0
	if p.total > 0 {
		share = min(1, float64(p.bytes)/float64(p.total))
	}
	var b strings.Builder
	if p.bar {
		full := int(share * barWidth)
		b.WriteString("[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "] ")
	}
	rate := 0.0
	if elapsed > 0 {
		rate = float64(p.resources) / elapsed.Seconds()
	}
	fmt.Fprintf(&b, "%3.0f %%  %d resources  %.0f/s", share*100, p.resources, rate)
	if p.fails > 0 {
		fmt.Fprintf(&b, "  %d failed", p.fails)
	}
	if share > 0 && share < 1 {
		left := time.Duration(float64(elapsed) * (1 - share) / share)
		fmt.Fprintf(&b, "  %s left", left.Round(time.Second))
	}
	return b.String()
}
