//go:build unix

package main

import "syscall"

// closeNewFiles makes every file, directory and socket of this process private from the moment that it exists.
func closeNewFiles() { syscall.Umask(0o077) }
