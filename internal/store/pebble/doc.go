// Package pebble is the embedded implementation of store.Store: one Pebble database in a directory of its own.
//
// # Keys
//
// A prefix byte, then tokens, handles and big endian numbers, so that bytes sort as numbers do.
//
//	'b' writer(4) seq(8)                batch of the outbox
//	'd' doc(8)                          index entry of a document
//	'f'                                 format of the database
//	'h' resource(16)                    head
//	'k' handle(16)                      key record
//	'o' token(16)                       outcome
//	'p' writer(4)                       published hint
//	's' writer(4) seq(8) index(4)       side transaction
//	't' token(16) doc(8)                posting, without a value
//	'v' resource(16) version(8)         version
//	'w' id(16)                          ordinal of a writer
//
// Values are in small encodings, each with a format byte (encode.go). Reading a resource is two gets, of its head and
// of the version.
//
// # Durability
//
// Everything is written through the write-ahead log, in one batch a call, and synced before the call returns; the
// published hint alone is not synced.
//
// Two things end the process, with the reason in the log: an error of the write-ahead log, because Pebble can then not
// tell what of it is on disk and a restart can (it is replayed up to its last whole record), and a table whose
// checksums do not hold, because what was acknowledged is lost and must be restored before anything goes on.
package pebble
