// Package storetest holds what every implementation of store.Store is tested with: the suite (Run), and a wrapper that
// injects both halves of each fault (Faulty).
package storetest
