//go:build linux

package crashfs

import (
	"context"
	"path"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node is an inode as go-fuse sees it. Its methods are called by the kernel, concurrently.
type node struct {
	fs.Inode
	mount *mount
	in    *inode
}

// handle is an open file. The kernel follows each write through O_SYNC or O_DSYNC with a sync that does not say which
// range it is for, so the handle remembers what was written since.
type handle struct {
	flags    uint32
	from, to int64 // under fs.mu; empty if no such sync is due
}

var (
	_ fs.NodeLookuper   = (*node)(nil)
	_ fs.NodeReaddirer  = (*node)(nil)
	_ fs.NodeGetattrer  = (*node)(nil)
	_ fs.NodeReadlinker = (*node)(nil)
	_ fs.NodeStatfser   = (*node)(nil)
	_ fs.NodeCreater    = (*node)(nil)
	_ fs.NodeMkdirer    = (*node)(nil)
	_ fs.NodeMknoder    = (*node)(nil)
	_ fs.NodeSymlinker  = (*node)(nil)
	_ fs.NodeLinker     = (*node)(nil)
	_ fs.NodeUnlinker   = (*node)(nil)
	_ fs.NodeRmdirer    = (*node)(nil)
	_ fs.NodeRenamer    = (*node)(nil)
)

func (n *node) Lookup(ctx context.Context, base string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	var child *inode
	errno := n.mount.view(func() syscall.Errno {
		if child = n.in.entries[base]; child == nil {
			return syscall.ENOENT
		}
		child.fill(&out.Attr)
		return 0
	})
	if errno != 0 {
		return nil, errno
	}
	return n.wrap(ctx, child), 0
}

func (n *node) wrap(ctx context.Context, child *inode) *fs.Inode {
	return n.NewInode(ctx, &node{mount: n.mount, in: child}, fs.StableAttr{Mode: child.typ, Ino: child.ino, Gen: 1})
}

func (n *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	var list []fuse.DirEntry
	errno := n.mount.view(func() syscall.Errno {
		for base, child := range n.in.entries {
			list = append(list, fuse.DirEntry{Name: base, Mode: child.typ, Ino: child.ino})
		}
		return 0
	})
	if errno != 0 {
		return nil, errno
	}
	return fs.NewListDirStream(list), 0
}

func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	return n.mount.view(func() syscall.Errno {
		n.in.fill(&out.Attr)
		return 0
	})
}

// fill reports the attributes. Times of access and of attribute changes are not kept: the one of the data stands in.
func (n *inode) fill(out *fuse.Attr) {
	out.Ino = n.ino
	out.Mode = n.typ | n.now.mode
	out.Uid, out.Gid = n.now.uid, n.now.gid
	out.Nlink = 1
	if !n.isDir() {
		out.Nlink = uint32(len(n.links))
	}
	switch n.typ {
	case syscall.S_IFREG:
		out.Size = uint64(n.content.size)
	case syscall.S_IFLNK:
		out.Size = uint64(len(n.target))
	}
	out.SetTimes(&n.now.mtime, &n.now.mtime, &n.now.mtime)
}

func (n *node) Readlink(context.Context) ([]byte, syscall.Errno) { return []byte(n.in.target), 0 }

// Statfs claims a disk of 1 TiB, half of it free: programs stop early on a full disk, and faults inject real ones.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	const blocks = 1 << 40 / pageSize
	*out = fuse.StatfsOut{
		Blocks: blocks, Bfree: blocks / 2, Bavail: blocks / 2, Files: 1 << 32, Ffree: 1 << 31,
		Bsize: pageSize, Frsize: pageSize, NameLen: 255,
	}
	return 0
}

// entry carries out an operation that gives a name in this directory, and returns the inode that now has it.
func (n *node) entry(ctx context.Context, op Op, base string, child func() *inode, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	var made *inode
	errno := n.mount.do(operation{
		event: Event{Op: op}, paths: n.name(base),
		effect: func(*Event) syscall.Errno {
			made = child()
			if errno := n.mount.disk.add(n.in, base, made); errno != 0 {
				return errno
			}
			made.fill(&out.Attr)
			return 0
		},
	})
	if errno != 0 {
		return nil, errno
	}
	return n.wrap(ctx, made), 0
}

// name gives the path of a name in this directory.
func (n *node) name(base string) func() []string {
	return func() []string { return []string{path.Join(n.in.path(), base)} }
}

func (n *node) fresh(ctx context.Context, typ, mode uint32) *inode {
	var uid, gid uint32
	if caller, ok := fuse.FromContext(ctx); ok {
		uid, gid = caller.Uid, caller.Gid
	}
	return n.mount.disk.newInode(typ, mode, uid, gid)
}

func (n *node) Create(ctx context.Context, base string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	file, errno := n.entry(ctx, OpCreate, base, func() *inode { return n.fresh(ctx, syscall.S_IFREG, mode) }, out)
	return file, &handle{flags: flags}, fuse.FOPEN_KEEP_CACHE, errno
}

func (n *node) Mkdir(ctx context.Context, base string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return n.entry(ctx, OpCreate, base, func() *inode { return n.fresh(ctx, syscall.S_IFDIR, mode) }, out)
}

// Mknod makes files, and the names of sockets and pipes, which are nothing but names.
func (n *node) Mknod(ctx context.Context, base string, mode, _ uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	typ := mode & syscall.S_IFMT
	if typ != syscall.S_IFREG && typ != syscall.S_IFSOCK && typ != syscall.S_IFIFO {
		return nil, syscall.EPERM
	}
	return n.entry(ctx, OpCreate, base, func() *inode { return n.fresh(ctx, typ, mode) }, out)
}

func (n *node) Symlink(ctx context.Context, target, base string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return n.entry(ctx, OpCreate, base, func() *inode {
		link := n.fresh(ctx, syscall.S_IFLNK, 0o777)
		link.target = target
		return link
	}, out)
}

func (n *node) Link(ctx context.Context, target fs.InodeEmbedder, base string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	file, ok := target.(*node)
	if !ok {
		return nil, syscall.EXDEV
	}
	return n.entry(ctx, OpLink, base, func() *inode { return file.in }, out)
}

func (n *node) Unlink(_ context.Context, base string) syscall.Errno {
	return n.mount.do(operation{
		event: Event{Op: OpRemove}, paths: n.name(base),
		effect: func(*Event) syscall.Errno { return n.mount.disk.unlink(n.in, base) },
	})
}

func (n *node) Rmdir(_ context.Context, base string) syscall.Errno {
	return n.mount.do(operation{
		event: Event{Op: OpRemove}, paths: n.name(base),
		effect: func(*Event) syscall.Errno { return n.mount.disk.rmdir(n.in, base) },
	})
}

func (n *node) Rename(_ context.Context, base string, newParent fs.InodeEmbedder, newBase string, flags uint32) syscall.Errno {
	to, ok := newParent.(*node)
	if !ok {
		return syscall.EXDEV
	}
	paths := func() []string { return append(to.name(newBase)(), n.name(base)()...) }
	return n.mount.do(operation{
		event: Event{Op: OpRename}, paths: paths,
		effect: func(*Event) syscall.Errno {
			return n.mount.disk.rename(n.in, base, to.in, newBase, flags, !n.mount.fs.ignoresAny(to.name(newBase)))
		},
	})
}
