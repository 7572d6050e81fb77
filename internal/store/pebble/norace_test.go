//go:build !race

package pebble

const slower = 1
