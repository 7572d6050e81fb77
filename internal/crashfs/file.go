//go:build linux

package crashfs

import (
	"context"
	"math"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

var (
	_ fs.NodeOpener    = (*node)(nil)
	_ fs.NodeReader    = (*node)(nil)
	_ fs.NodeWriter    = (*node)(nil)
	_ fs.NodeFsyncer   = (*node)(nil)
	_ fs.NodeSetattrer = (*node)(nil)
	_ fs.NodeAllocater = (*node)(nil)
)

func (n *node) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_TRUNC != 0 {
		if errno := n.resize(0); errno != 0 {
			return nil, 0, errno
		}
	}
	return &handle{flags: flags}, fuse.FOPEN_KEEP_CACHE, 0
}

func (n *node) Read(_ context.Context, _ fs.FileHandle, dst []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	var got int
	errno := n.mount.view(func() syscall.Errno {
		got = n.in.content.readAt(dst, off)
		return 0
	})
	return fuse.ReadResultData(dst[:got]), errno
}

func (n *node) Write(_ context.Context, f fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	errno := n.mount.do(operation{
		event: Event{Op: OpWrite, Bytes: len(data)}, paths: n.in.paths,
		effect: func(*Event) syscall.Errno {
			n.mount.disk.write(n.in, data, off)
			if h, ok := f.(*handle); ok && h.flags&syscall.O_DSYNC != 0 { // O_SYNC includes it
				h.owe(off, off+int64(len(data)))
			}
			return 0
		},
	})
	if errno != 0 {
		return 0, errno
	}
	return uint32(len(data)), 0
}

func (h *handle) owe(from, to int64) {
	if h.from == h.to {
		h.from, h.to = from, to
		return
	}
	h.from, h.to = min(h.from, from), max(h.to, to)
}

// due returns the range that a sync through the handle is for: all of the file, if the program asked for it.
func (h *handle) due() (off, length int64) {
	if h == nil || h.from == h.to {
		return 0, math.MaxInt64 - pageSize
	}
	off, length = h.from, h.to-h.from
	h.from, h.to = 0, 0
	return off, length
}

// Fsync is also the one of directories.
func (n *node) Fsync(_ context.Context, f fs.FileHandle, flags uint32) syscall.Errno {
	const fdatasync = 1
	op := OpSync
	if n.in.isDir() {
		op = OpSyncDir
	}
	h, _ := f.(*handle) // of a directory: none
	return n.mount.do(operation{
		event: Event{Op: op}, paths: n.in.paths,
		effect: func(e *Event) syscall.Errno {
			off, length := h.due()
			if e.Ignored = n.mount.fs.ignoresAny(n.in.paths); e.Ignored {
				n.mount.fs.ignored++
				return 0
			}
			n.mount.disk.sync(n.in, off, length, flags&fdatasync != 0)
			return 0
		},
		hurt: n.in.content.drop,
	})
}

func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if size > math.MaxInt64-pageSize {
			return syscall.EFBIG
		}
		if errno := n.resize(int64(size)); errno != 0 {
			return errno
		}
	}
	return n.mount.view(func() syscall.Errno {
		a := &n.in.now
		if mode, ok := in.GetMode(); ok {
			a.mode = mode & 0o7777
		}
		if uid, ok := in.GetUID(); ok {
			a.uid = uid
		}
		if gid, ok := in.GetGID(); ok {
			a.gid = gid
		}
		if mtime, ok := in.GetMTime(); ok {
			a.mtime = mtime
		}
		n.mount.disk.stamp(n.in, false)
		n.in.fill(&out.Attr)
		return 0
	})
}

func (n *node) resize(size int64) syscall.Errno {
	return n.mount.do(operation{
		event: Event{Op: OpTruncate}, paths: n.in.paths,
		effect: func(*Event) syscall.Errno {
			n.mount.disk.truncate(n.in, size)
			return 0
		},
	})
}

// Allocate is fallocate: space is always there, so only the modes that change size or data do anything.
func (n *node) Allocate(_ context.Context, _ fs.FileHandle, off, size uint64, mode uint32) syscall.Errno {
	const known = unix.FALLOC_FL_KEEP_SIZE | unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_ZERO_RANGE
	if mode&^known != 0 {
		return syscall.EOPNOTSUPP
	}
	if off > math.MaxInt64-pageSize || size > math.MaxInt64-pageSize-off {
		return syscall.EFBIG
	}
	from, length := int64(off), int64(size)
	return n.mount.do(operation{
		event: Event{Op: OpTruncate}, paths: n.in.paths,
		effect: func(*Event) syscall.Errno {
			if mode&unix.FALLOC_FL_KEEP_SIZE == 0 && from+length > n.in.content.size {
				n.mount.disk.truncate(n.in, from+length)
			}
			if mode&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) != 0 {
				n.mount.disk.zero(n.in, from, length)
			}
			return 0
		},
	})
}
