package e2e

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

const attacksHead = `# Hostile input

What the server answers to input that no client sends in good faith, and what it cost. Each row is a test
(internal/e2e/attack…_test.go) against the real binary with its default limits, over a raw connection where net/http would
refuse to send it. Beside what the table says the test wants of each row: the refusal is an OperationOutcome (HTTP errors that
net/http finds before any code of ours, such as broken framing, are its own short text), it quotes nothing that was sent, nor
does the log; it tells at most 100 issues; a normal read is answered at once afterwards; no goroutine is left behind; the
process grows by less than 256 MB.

Taken %s with

    go test ./internal/e2e -run TestAttacks -timeout 30m%s -args -attacks.report FILE%s

on 2 cores, the attackers among them. *Sent* is what went over the wire, *time* from the first byte to the last of the answer
as the attacker sees it (sending included), *CPU* of the server in steps of 10 ms (its chains at rest use some of it), *memory* how far
the resident memory of the process grew above what it was before, at its peak (a server that keeps more than 96 MB of an attack
is started again before the next, so that each pays for itself). *Meanwhile* is the slowest normal read of
another client during attacks that took longer than %d ms. Rows marked **open** are not yet as they should be, and fail in the test.

`

// writeAttacks writes the table. Figures are rounded: a run differs from the next.
func writeAttacks(file string, results []result) error {
	var b bytes.Buffer
	full := ""
	if *attacksFull {
		full = " -attacks.full"
	}
	fmt.Fprintf(&b, attacksHead, time.Now().UTC().Format(time.DateOnly), "", full, pingEvery/time.Millisecond)
	group := ""
	for _, r := range results {
		if r.group != group {
			if group != "" {
				b.WriteByte('\n')
			}
			group = r.group
			fmt.Fprintf(&b, "## %s\n\n| attack | sent | answer | time | CPU | memory | meanwhile |\n|---|--:|---|--:|--:|--:|--:|\n", group)
		}
		meanwhile := ""
		if r.slowest > 0 {
			meanwhile = short(r.slowest)
		}
		answer := r.answer
		if len(r.open) > 0 {
			answer += "; **open**: " + cell(strings.Join(r.open, "; "))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", cell(r.name), bytesOf(r.sent), answer, short(r.took), short(r.cpu), megabytes(r.peak), meanwhile)
	}
	return os.WriteFile(file, b.Bytes(), 0o644) //nolint:gosec // a document
}

// cell keeps a name from being read as Markdown.
func cell(s string) string {
	s = strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`, "`", "'", "\x00", "NUL", "\r", "CR", "\n", "LF").Replace(s)
	return strings.ReplaceAll(s, marker, "…")
}

func bytesOf(n int) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%d MB", n/1_000_000)
	case n >= 10_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d B", n)
}

func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}

func megabytes(kb int) string {
	if kb < 1024 {
		return "<1 MB"
	}
	return fmt.Sprintf("%d MB", kb>>10)
}
