//go:build linux

package crashfs

import (
	"slices"
)

const (
	pageSize   = 4096
	sectorSize = 512 // the largest unit that disks promise to write whole
)

type page [pageSize]byte

// content is the data of one file, twice: as the running system sees it, and as the disk holds it. Pages are shared
// between the two until written (a nil page is a hole). Bytes of the last page beyond the size are zero in both.
type content struct {
	pages []*page
	size  int64

	safe     []*page
	safeSize int64

	dirty map[int]struct{} // pages that the next sync must store; those cut off by a truncation included
}

func pagesFor(size int64) int { return int((size + pageSize - 1) / pageSize) }

// readAt copies from the system's view and returns the number of bytes before the end of the file.
func (c *content) readAt(dst []byte, off int64) int {
	return readPages(c.pages, c.size, dst, off)
}

func readPages(pages []*page, size int64, dst []byte, off int64) int {
	if off >= size {
		return 0
	}
	dst = dst[:min(int64(len(dst)), size-off)]
	for done := 0; done < len(dst); {
		i, in := int((off+int64(done))/pageSize), int((off+int64(done))%pageSize)
		n := min(pageSize-in, len(dst)-done)
		if pages[i] == nil {
			clear(dst[done : done+n])
		} else {
			copy(dst[done:done+n], pages[i][in:])
		}
		done += n
	}
	return len(dst)
}

func (c *content) writeAt(src []byte, off int64) {
	c.grow(off + int64(len(src)))
	for done := 0; done < len(src); {
		i, in := int((off+int64(done))/pageSize), int((off+int64(done))%pageSize)
		done += copy(c.own(i)[in:], src[done:])
	}
}

// zero makes [off, off+n) read as zeros without growing the file.
func (c *content) zero(off, n int64) {
	end := min(off+n, c.size)
	for off < end {
		i, in := int(off/pageSize), int(off%pageSize)
		step := min(int64(pageSize-in), end-off)
		clear(c.own(i)[in : in+int(step)])
		off += step
	}
}

func (c *content) grow(size int64) {
	if size <= c.size {
		return
	}
	c.size = size
	if need := pagesFor(size) - len(c.pages); need > 0 {
		c.pages = append(c.pages, make([]*page, need)...)
	}
}

func (c *content) truncate(size int64) {
	if size >= c.size {
		c.grow(size)
		return
	}
	if in := size % pageSize; in != 0 {
		if i := int(size / pageSize); c.pages[i] != nil {
			clear(c.own(i)[in:])
		}
	}
	keep := pagesFor(size)
	for i := keep; i < len(c.pages); i++ {
		if c.pages[i] != nil {
			c.mark(i)
		}
	}
	clear(c.pages[keep:])
	c.pages, c.size = c.pages[:keep], size
}

// own returns page i for writing, unshared from the safe copy and marked dirty.
func (c *content) own(i int) *page {
	c.mark(i)
	switch p := c.pages[i]; {
	case p == nil:
		c.pages[i] = new(page)
	case i < len(c.safe) && c.safe[i] == p:
		fresh := *p
		c.pages[i] = &fresh
	}
	return c.pages[i]
}

func (c *content) mark(i int) {
	if c.dirty == nil {
		c.dirty = make(map[int]struct{})
	}
	c.dirty[i] = struct{}{}
}

// sync makes all dirty pages and the size safe.
func (c *content) sync() { c.syncRange(0, max(c.size, c.safeSize)) }

// syncRange makes the size and the dirty pages that touch [off, off+n) safe. Whole pages: that is what is written back.
func (c *content) syncRange(off, n int64) {
	c.setSafeSize(c.size)
	first, last := int(off/pageSize), pagesFor(off+n)
	for i := range c.dirty {
		if i < first || (i >= last && i < len(c.pages)) {
			continue
		}
		if i < len(c.pages) {
			c.safe[i] = c.pages[i]
		}
		delete(c.dirty, i)
	}
}

// drop is what a failed sync leaves behind on Linux since 4.13: the pages count as clean although the disk has not
// got them, so that a second sync succeeds and stores nothing.
func (c *content) drop() { clear(c.dirty) }

func (c *content) setSafeSize(size int64) {
	keep := pagesFor(size)
	if size < c.safeSize {
		if in := size % pageSize; in != 0 && c.safe[keep-1] != nil {
			tail := *c.safe[keep-1]
			clear(tail[in:])
			c.safe[keep-1] = &tail
		}
		for i := int(size / pageSize); i < min(len(c.pages), len(c.safe)); i++ {
			c.mark(i) // the two copies part here: the next sync must look at these pages again
		}
		clear(c.safe[keep:])
		c.safe = c.safe[:keep]
	} else if need := keep - len(c.safe); need > 0 {
		c.safe = append(c.safe, make([]*page, need)...)
	}
	c.safeSize = size
}

// unsynced estimates the bytes that a power cut takes now.
func (c *content) unsynced() int64 {
	if len(c.dirty) == 0 && c.size == c.safeSize {
		return 0
	}
	return max(int64(len(c.dirty))*pageSize, 1)
}

// keepSome stores a random part of the unsynced sectors, and a size somewhere between the safe and the current one.
func (c *content) keepSome(chance func() bool, between func(lo, hi int64) int64) {
	size := c.safeSize
	switch {
	case c.size == c.safeSize:
	case chance():
		size = c.size
	default:
		lo, hi := min(c.size, c.safeSize), max(c.size, c.safeSize)
		size = between(lo, hi)
	}
	dirty := make([]int, 0, len(c.dirty))
	for i := range c.dirty {
		dirty = append(dirty, i)
	}
	slices.Sort(dirty) // the same seed must lose the same sectors
	c.setSafeSize(size)
	for _, i := range dirty {
		if i >= len(c.pages) || i >= len(c.safe) {
			continue
		}
		var torn, now page
		if c.safe[i] != nil {
			torn = *c.safe[i]
		}
		if c.pages[i] != nil {
			now = *c.pages[i]
		}
		for s := 0; s < pageSize; s += sectorSize {
			if chance() {
				copy(torn[s:s+sectorSize], now[s:])
			}
		}
		c.safe[i] = &torn
	}
	c.clearTail()
}

// clearTail restores the invariant that bytes beyond the safe size are zero.
func (c *content) clearTail() {
	in := c.safeSize % pageSize
	if in == 0 || c.safe[len(c.safe)-1] == nil {
		return
	}
	tail := *c.safe[len(c.safe)-1]
	clear(tail[in:])
	c.safe[len(c.safe)-1] = &tail
}

// restored is the content after a power cut: both views are what was safe.
func (c *content) restored() content {
	return content{pages: slices.Clone(c.safe), size: c.safeSize, safe: slices.Clone(c.safe), safeSize: c.safeSize}
}
