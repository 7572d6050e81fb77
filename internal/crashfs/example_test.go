//go:build linux

package crashfs_test

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chartseal/chartseal/internal/crashfs"
)

// A drill over every sync of a program, which writes below its argument and prints a line for each write that it
// acknowledges. check starts it again and looks for all of them.
func Example() {
	drill := func(t *testing.T, program string, check func(dir string, acknowledged []string) error) {
		disk := crashfs.ForTest(t, crashfs.Config{Names: crashfs.Ext4})
		dir := filepath.Join(disk.Dir(), "data")
		for step := 0; ; step++ {
			fault := disk.Inject(crashfs.Fault{Ops: crashfs.OpSync | crashfs.OpSyncDir, Skip: step, Cut: true, Stored: step%2 == 1})
			cmd := exec.Command(program, dir)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var acknowledged []string
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for lines := bufio.NewScanner(stdout); lines.Scan(); {
					acknowledged = append(acknowledged, lines.Text())
				}
			}()

			select {
			case <-disk.Down(): // the power has gone: kill what hangs, then let the disk come back
				_ = cmd.Process.Kill()
				stake, err := disk.Restart(crashfs.Loss{Keep: 0.5, Seed: uint64(step)})
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("step %d: at stake were %v", step, stake)
			case <-ended: // it ended by itself
			}
			<-ended
			_ = cmd.Wait()
			fault.Remove()
			if err := check(dir, acknowledged); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
			if fault.Hits() == 0 {
				return // the program makes fewer syncs than that: every step was tried
			}
		}
	}
	fmt.Println(drill != nil)
	// Output: true
}
