//go:build race

package seal

// raceEnabled: under the race detector a sync.Pool drops what is put into it at random, so allocations prove nothing.
const raceEnabled = true
