//go:build linux

package crashfs

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// flat is the content as the running system should see it, the simple way.
type flat []byte

func (f flat) resized(size int) flat {
	out := make(flat, size)
	copy(out, f)
	return out
}

func (f flat) written(data []byte, off int) flat {
	out := f.resized(max(len(f), off+len(data)))
	copy(out[off:], data)
	return out
}

func live(c *content) []byte {
	out := make([]byte, c.size)
	c.readAt(out, 0)
	return out
}

func afterCut(c *content) []byte {
	r := c.restored()
	return live(&r)
}

// change draws one change and makes it in both.
func changeBoth(t *rapid.T, c *content, f flat) flat {
	off := rapid.IntRange(0, 5*pageSize).Draw(t, "off")
	switch rapid.SampledFrom([]string{"write", "truncate", "zero"}).Draw(t, "op") {
	case "write":
		data := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(1, 2*pageSize+7).Draw(t, "len"))
		c.writeAt(data, int64(off))
		return f.written(data, off)
	case "truncate":
		c.truncate(int64(off))
		return f.resized(off)
	default:
		n := rapid.IntRange(0, 2*pageSize).Draw(t, "len")
		c.zero(int64(off), int64(n))
		out := f.resized(len(f))
		if off < len(out) {
			clear(out[off:min(off+n, len(out))])
		}
		return out
	}
}

func TestContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c content
		var now, disk flat
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "sync") == 0 {
				c.sync()
				disk = now
			} else {
				now = changeBoth(t, &c, now)
			}
			if !bytes.Equal(live(&c), now) {
				t.Fatal("the running system does not see what it wrote")
			}
			if !bytes.Equal(afterCut(&c), disk) {
				t.Fatal("the disk does not hold what was synced last")
			}
			if c.unsynced() == 0 && !bytes.Equal(now, disk) {
				t.Fatal("unsynced data not reported")
			}
		}
	})
}

func TestContentKeepSome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c content
		var now flat
		for range rapid.IntRange(0, 10).Draw(t, "before") {
			now = changeBoth(t, &c, now)
		}
		c.sync()
		disk := now
		for range rapid.IntRange(0, 10).Draw(t, "after") {
			now = changeBoth(t, &c, now)
		}
		keep := rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "keep")
		c.keepSome(
			func() bool { return rapid.IntRange(0, 99).Draw(t, "chance") < keep },
			func(lo, hi int64) int64 { return rapid.Int64Range(lo, hi).Draw(t, "size") },
		)
		got := afterCut(&c)
		switch keep {
		case 0:
			if len(got) == len(disk) && !bytes.Equal(got, disk) {
				t.Fatal("kept data that no chance was given")
			}
		case 100:
			if !bytes.Equal(got, now) {
				t.Fatal("lost data although all was kept")
			}
		}
		if len(got) < min(len(now), len(disk)) || len(got) > max(len(now), len(disk)) {
			t.Fatalf("size %d, was %d on the disk and %d in memory", len(got), len(disk), len(now))
		}
		checkSectors(t, got, disk, now)
	})
}

// checkSectors demands that each sector is the old or the new one, cut off at the size.
func checkSectors(t *rapid.T, got, disk, now flat) {
	size := (len(got) + sectorSize - 1) / sectorSize * sectorSize
	old, fresh := disk.resized(max(size, len(disk))), now.resized(max(size, len(now)))
	for s := 0; s < len(got); s += sectorSize {
		end := min(s+sectorSize, len(got))
		if !bytes.Equal(got[s:end], old[s:end]) && !bytes.Equal(got[s:end], fresh[s:end]) {
			t.Fatalf("sector at %d is neither the old nor the new one", s)
		}
	}
}

func TestContentSyncRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c content
		var now flat
		for range rapid.IntRange(1, 10).Draw(t, "changes") {
			now = changeBoth(t, &c, now)
		}
		off := rapid.IntRange(0, 4*pageSize).Draw(t, "off")
		n := rapid.IntRange(1, pageSize).Draw(t, "len")
		c.syncRange(int64(off), int64(n))
		got := afterCut(&c)
		if len(got) != len(now) {
			t.Fatalf("size %d on the disk, %d in memory", len(got), len(now))
		}
		if from, to := min(off, len(now)), min(off+n, len(now)); !bytes.Equal(got[from:to], now[from:to]) {
			t.Fatal("the synced range is not on the disk")
		}
		c.sync()
		if !bytes.Equal(afterCut(&c), now) {
			t.Fatal("a later full sync misses pages")
		}
	})
}

// After a failed sync the pages count as clean: the next sync stores nothing, a new write stores its page again.
func TestContentAfterFailedSync(t *testing.T) {
	var c content
	c.writeAt([]byte("old"), 0)
	c.sync()
	c.writeAt([]byte("new"), 0)
	c.drop()
	c.sync()
	if got := string(afterCut(&c)); got != "old" {
		t.Fatalf("a retried sync stored %q, want the old data", got)
	}
	c.writeAt([]byte("w"), 2)
	c.sync()
	if got := string(afterCut(&c)); got != "new" {
		t.Fatalf("a rewritten page came back as %q", got)
	}
}
