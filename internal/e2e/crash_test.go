//go:build linux

package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
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
	s := &server{t: t, dir: filepath.Join(disk.Dir(), "data"), key: filepath.Join(t.TempDir(), "root.key"), addr: freePort(t), log: &lockedBuffer{}, patience: 15 * time.Second}
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
			return []string{fmt.Sprintf("round %d: %s: %v\n%s", round, notStarted, err, lastLines(s.log.String(), 3))}
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

// Syncs of the running server, by what they make durable. A power cut test that does not notice a missing sync tests
// nothing: each needed one, removed, makes it fail. The others protect what can be rebuilt (an application replays the block
// store), or the way back only: without its consensus log a chain may stand still at a height that it had begun.
var syncs = []struct {
	name, pattern string
	without       consequence
}{
	{"store", "data/store/*.log", fails},
	{"private block store", "data/private/blocks/*.log", fails},
	{"private application", "data/private/state/*.log", fails},
	{"consortium block store", "data/consortium/blocks/*.log", fails},
	{"private consensus log", "data/private/data/cs.wal/*", mayNotStart},
	{"consortium consensus log", "data/consortium/data/cs.wal/*", mayNotStart},
	{"consortium application", "data/consortium/state/*.log", harmless},
	{"all of the private chain", "data/private/**", fails},
}

// consequence is what becomes of the power cut drill without a sync.
type consequence int

const (
	fails       consequence = iota // something acknowledged is lost, or the server refuses the disk: always noticed
	mayNotStart                    // the chain may stand still after the start, depending on the moment; nothing is lost
	harmless                       // it is rebuilt: nothing is lost
)

// notStarted begins the finding that the server did not come back.
const notStarted = "start after the power cut"

func TestPowerCutNoticesMissingSync(t *testing.T) {
	for _, tc := range syncs {
		t.Run(tc.name, func(t *testing.T) {
			disk := crashfs.ForTest(t, crashfs.Config{Names: crashfs.Ext4})
			disk.IgnoreSync(tc.pattern)
			n := 12 // ends at the first loss
			if tc.without != fails {
				n = *rounds / 2
			}
			wrong := powerCut(t, disk, n)
			stands := tc.without == mayNotStart && len(wrong) == 1 && strings.Contains(wrong[0], notStarted)
			switch {
			case disk.IgnoredSyncs() == 0:
				t.Errorf("nothing was ever synced at %s", tc.pattern)
			case tc.without == fails && len(wrong) == 0:
				t.Errorf("ignoring %d syncs of %s went unnoticed", disk.IgnoredSyncs(), tc.pattern)
			case tc.without != fails && len(wrong) > 0 && !stands:
				t.Errorf("lost without the syncs of %s: %.400s", tc.pattern, wrong[min(1, len(wrong)-1)])
			}
		})
	}
}
