// Package crashfs is a file system for tests that can lose power. It is mounted through FUSE, so that whole
// unmodified programs (the gateway with its stores and both chains) run on it, and it knows at every moment what a
// disk would hold if the power went away now:
//
//   - File data is safe once the file was fsynced or fdatasynced (or written through O_SYNC or O_DSYNC), page by page.
//   - A name (created, linked, renamed, removed) is safe once its directory was fsynced ([Strict]), or, as on ext4, once
//     anything was synced after it ([Ext4]).
//   - All else is volatile. [FS.Crash] discards it ([Loss] zero), or discards a random part of it, torn at sector
//     boundaries, because a disk may also have stored what nobody asked it to store.
//
// Process death is another thing: after kill -9 the operating system still writes what it was given. That needs no
// support here; kill the program and start it again on the same mount. It is a power cut that needs this package.
//
// Everything lives in the memory of the process that called [Mount]; no disk is touched, so a sync costs a round trip
// through the kernel and nothing more. [Config.From] fills a new file system from a directory, [FS.Export] writes the
// durable image to one.
//
// # What it can do to a program
//
//   - [FS.Crash], or [FS.Cut] and [FS.Restart] around the killing of the processes that used the mount.
//   - [FS.Inject]: the n-th write, sync, rename, … of files that match a pattern fails with EIO, ENOSPC or any other
//     error, either before it took effect (failed) or after (failed but stored), or is the moment of the power cut.
//   - [FS.IgnoreSync]: syncs of matching files succeed and store nothing. A durability test that still passes then does
//     not test durability.
//
// # Use
//
// The example shows a drill: a program on the mount, the power cut at each of its syncs in turn, and the check that all
// it has acknowledged is there. Order matters at the cut: wait for [FS.Down], kill, [FS.Restart], and only then wait for
// the process, since a thread of it may hang in a call that ends with the restart.
//
// # Limits
//
// Writes through a shared writable mapping are volatile until msync, as they should be, but the kernel decides when
// those without msync arrive. sync(2) and syncfs(2) are not passed on by the kernel to such a mount and make nothing
// safe. Extended attributes are not supported. A test process that is killed leaves a dead mount behind, which answers
// ENOTCONN until `umount -l`. A page that is written several times between two syncs is lost or kept
// in its last state only.
//
// It needs Linux, /dev/fuse and the right to mount ([ErrUnsupported] otherwise). The other files of the package are
// built on Linux only.
package crashfs
