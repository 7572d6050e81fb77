// Package store owns the contract of the sealed store: what one gateway asks of the database that holds its sealed
// versions, the postings of the blind index, the outbox of staged ledger transactions and the wrapped keys.
//
// Whatever reaches a store is opaque: tokens, handles, numbers, commitments and sealed bytes. A store never sees a
// FHIR type, an id, a code or a date, and no implementation may ask for one.
//
// # What is visible
//
// A store keeps what was staged. It does not know what was published: a version is visible if and only if its Pos is
// at or below the published sequence number of its writer (design: "The write protocol", step 4), and the caller
// compares. So a publication never rewrites data, and everything but heads, hints and the outbox only ever grows.
//
// # Implementations
//
// Package storetest holds the suite that every implementation passes; package pebble is the embedded one.
package store
