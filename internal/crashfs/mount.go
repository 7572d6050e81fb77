//go:build linux

package crashfs

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

const maxWrite = 1 << 20

// mount is the file system between two power cuts: one connection to the kernel.
type mount struct {
	fs     *FS
	disk   *disk
	server *fuse.Server
	down   chan struct{} // closed when the power has gone; under fs.mu
	gone   chan struct{} // closed when hanging operations may end
}

// attach mounts d. It opens the device itself, because the connection must not leak into the programs that a test
// starts (they would keep it alive), and go-fuse opens it without close-on-exec.
func attach(f *FS, d *disk) (*mount, error) {
	m := &mount{fs: f, disk: d, down: make(chan struct{}), gone: make(chan struct{})}
	if err := unix.Stat(f.dir, new(unix.Stat_t)); errors.Is(err, unix.ENOTCONN) {
		_ = unix.Unmount(f.dir, unix.MNT_DETACH) // left behind by a test process that was killed
	}
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: open /dev/fuse: %w", ErrUnsupported, err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d,default_permissions,allow_other,max_read=%d",
		fd, os.Geteuid(), os.Getegid(), maxWrite)
	if err := unix.Mount("crashfs", f.dir, "fuse.crashfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(fd)
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENODEV) {
			return nil, fmt.Errorf("%w: mount: %w", ErrUnsupported, err)
		}
		return nil, fmt.Errorf("crashfs: mount: %w", err)
	}
	long := time.Hour // nobody but the kernel changes anything: it may trust what it has seen
	quiet := log.New(io.Discard, "", 0)
	raw := fs.NewNodeFS(&node{mount: m, in: d.root}, &fs.Options{
		EntryTimeout: &long, AttrTimeout: &long, NegativeTimeout: &long, NullPermissions: true, Logger: quiet,
		RootStableAttr: &fs.StableAttr{Ino: d.root.ino, Gen: 1},
	})
	m.server, err = fuse.NewServer(raw, fmt.Sprintf("/dev/fd/%d", fd), &fuse.MountOptions{
		Name: "crashfs", MaxWrite: maxWrite, MaxBackground: 64, DisableXAttrs: true, Logger: quiet,
	})
	if err != nil {
		_ = unix.Unmount(f.dir, unix.MNT_DETACH|unix.MNT_FORCE)
		return nil, fmt.Errorf("crashfs: serve: %w", err)
	}
	go m.server.Serve() // detach waits for it
	if err := refusePoll(f.dir); err != nil {
		return nil, errors.Join(fmt.Errorf("crashfs: %w", err), m.detach(f.dir))
	}
	return m, nil
}

// refusePoll makes the kernel learn at once that files here cannot be polled. Otherwise the Go runtime of a test that
// opens files of its own mount asks that itself, on a thread that it does not release, and may wait for itself for
// ever. go-fuse keeps a file of this name for it, and does the same where it mounts on its own.
func refusePoll(dir string) error {
	fd, err := unix.Open(filepath.Join(dir, ".go-fuse-epoll-hack"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the poll file: %w", err)
	}
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return unix.Close(fd)
}

// detach takes the mount from its place, ends all that hangs or runs in it, and waits for the server to end.
func (m *mount) detach(dir string) error {
	select {
	case <-m.gone:
		return nil
	default:
	}
	err := unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH)
	close(m.gone)
	if err != nil {
		return fmt.Errorf("crashfs: unmount: %w", err)
	}
	m.server.Wait()
	return nil
}

func (m *mount) isDown() bool {
	select {
	case <-m.down:
		return true
	default:
		return false
	}
}

func (m *mount) cut() {
	if !m.isDown() {
		close(m.down)
	}
}

// hang is what an operation does that has met the power cut.
func (m *mount) hang() syscall.Errno {
	<-m.gone
	return syscall.ENOTCONN
}

// view runs a reading operation.
func (m *mount) view(read func() syscall.Errno) syscall.Errno {
	m.fs.mu.Lock()
	if m.isDown() {
		m.fs.mu.Unlock()
		return m.hang()
	}
	defer m.fs.mu.Unlock()
	return read()
}

// operation is a changing operation: what it is, which paths a fault may know it by, and what it does. hurt, if not nil,
// is what a failure leaves behind.
type operation struct {
	event  Event
	paths  func() []string
	effect func(*Event) syscall.Errno
	hurt   func()
}

// do carries out one changing operation, or lets a fault have it.
func (m *mount) do(o operation) syscall.Errno {
	f := m.fs
	f.mu.Lock()
	if m.isDown() {
		f.mu.Unlock()
		return m.hang()
	}
	hit := f.hit(o.event.Op, o.paths)
	if hit == nil || hit.Stored {
		o.event.Err = o.effect(&o.event)
	} else if o.hurt != nil {
		o.hurt()
	}
	if hit != nil && o.event.Err == 0 {
		o.event.Err = hit.Err
	}
	f.done[o.event.Op]++
	if f.observe != nil {
		o.event.Path = o.paths()[0]
		f.observe(o.event)
	}
	if hit != nil && hit.Cut {
		m.cut()
		f.mu.Unlock()
		return m.hang()
	}
	f.mu.Unlock()
	return o.event.Err
}

// hit counts the operation against all faults and returns the first that strikes.
func (f *FS) hit(op Op, paths func() []string) *Fault {
	if len(f.faults) == 0 {
		return nil
	}
	var first *Fault
	p := paths()
	for _, i := range f.faults {
		if i.strike(op, p) && first == nil {
			first = &i.fault
		}
	}
	return first
}
