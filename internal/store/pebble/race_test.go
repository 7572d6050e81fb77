//go:build race

package pebble

// slower divides the work of the long tests: a race build of Pebble checks its invariants all the time, and takes a
// hundred times as long.
const slower = 6
