//go:build linux

package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/chartseal/chartseal/internal/crashfs"
)

// rounds of kill and of power cut. The figures in docs/ are of 30.
var rounds = flag.Int("rounds", 6, "rounds of the crash tests")

// Killed at random moments under mixed load, the server loses nothing that it acknowledged and shows nothing by half.
func TestKill(t *testing.T) {
	s := start(t)
	var all []*workload
	for round := range *rounds {
		w := newWorkload(s, s.token("--scope", "system/*.cruds", "--ttl", "10h"), round)
		wg := w.run(8)
		time.Sleep(time.Duration(100+rand.IntN(900)) * time.Millisecond) //nolint:gosec // the moment of the kill
		s.kill()
		w.stop.Store(true)
		wg.Wait()
		s.run()
		for _, wrong := range w.check() {
			t.Errorf("round %d: %s", round, wrong)
		}
		w.checkReceipts(t, 2)
		all = append(all, w)
		if t.Failed() {
			t.FailNow()
		}
	}
	acked := 0
	for _, w := range all {
		acked += len(w.acked) + len(w.early) + len(w.txs)
		for _, wrong := range w.check() {
			t.Errorf("after all rounds: %s", wrong)
		}
	}
	t.Logf("%d rounds, %d writes checked", *rounds, acked)
}

// powerCut runs rounds of load on a file system that loses what was not synced. It returns what went wrong, at the
// first round in which anything did.
func powerCut(t *testing.T, disk *crashfs.FS, n int) []string {
	t.Helper()
	s := &server{t: t, dir: filepath.Join(disk.Dir(), "data"), key: filepath.Join(t.TempDir(), "root.key"), addr: freePort(t), log: &lockedBuffer{}}
	t.Cleanup(func() { s.kill() })
	if err := s.launch(); err != nil {
		return []string{"first start: " + err.Error()}
	}
	for round := range n {
		w := newWorkload(s, s.token("--scope", "system/*.cruds", "--ttl", "10h"), round)
		wg := w.run(6)
		time.Sleep(time.Duration(100+rand.IntN(700)) * time.Millisecond) //nolint:gosec // the moment of the power cut
		disk.Cut()
		w.stop.Store(true)
		if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		loss := crashfs.Loss{Keep: float64(round%3) * 0.4, Seed: uint64(round)} //nolint:gosec // a small number
		if _, err := disk.Restart(loss); err != nil {
			t.Fatal(err)
		}
		s.kill()
		wg.Wait()
		if err := s.launch(); err != nil {
			return []string{fmt.Sprintf("round %d: start after the power cut: %v\n%s", round, err, lastLines(s.log.String(), 3))}
		}
		if wrong := w.check(); len(wrong) > 0 {
			return append([]string{fmt.Sprintf("round %d", round)}, wrong...)
		}
	}
	return nil
}

// The same on a file system that discards unsynced writes: store, both chains, their write-ahead logs and signer state.
func TestPowerCut(t *testing.T) {
	disk := crashfs.ForTest(t, crashfs.Config{Names: crashfs.Ext4})
	for _, wrong := range powerCut(t, disk, *rounds) {
		t.Error(wrong)
	}
}

// A power cut test that does not notice a missing sync tests nothing: each of these removed makes it fail.
func TestPowerCutNoticesMissingSync(t *testing.T) {
	for name, patterns := range map[string][]string{
		"store write-ahead log":    {"data/store/*.log"},
		"private consensus log":    {"data/private/data/cs.wal/*"},
		"private block store":      {"data/private/blocks/*.log"},
		"private application":      {"data/private/state/*.log"},
		"consortium block store":   {"data/consortium/blocks/*.log"},
		"consortium application":   {"data/consortium/state/*.log"},
		"consortium consensus log": {"data/consortium/data/cs.wal/*"},
		"all of the private chain": {"data/private/**"},
		"all of the store":         {"data/store/**"},
	} {
		t.Run(name, func(t *testing.T) {
			disk := crashfs.ForTest(t, crashfs.Config{Names: crashfs.Ext4})
			disk.IgnoreSync(patterns...)
			wrong := powerCut(t, disk, 10)
			if len(wrong) == 0 {
				t.Errorf("ignoring %d syncs of %v went unnoticed", disk.IgnoredSyncs(), patterns)
			} else {
				t.Logf("noticed: %.300s", wrong[min(1, len(wrong)-1)])
			}
		})
	}
}
