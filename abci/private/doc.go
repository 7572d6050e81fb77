// Package private owns the application of an organisation's private chain: who may write, and the append-only log
// of the batches that they wrote. It knows roots and sequence numbers, and nothing of what was recorded.
//
// The application hash is tx.PrivateState.Hash over format, log root, log size, writers root and parameters. No
// clock, height or block hash is in it, so an empty block leaves it as it was and the chain can rest.
//
// A block is executed on a candidate copy of the state and an uncommitted Pebble batch; Commit applies that batch
// in one synchronous step and nothing else is ever written. After a crash the store holds the state of one height,
// which Info reports, and CometBFT replays the blocks after it.
//
// Records in Pebble, numbers in big endian:
//
//	g                    genesis, JSON
//	m                    format (1 byte), height (8), log size (8), application hash (32)
//	w writer(16)         tx.WriterEntry
//	b index(8)           tx.BatchEntry
//	i writer(16) seq(8)  index (8), height (8) of that batch
//	n level(1) index(8)  node of the log (package mlog)
//	h height(8)          tx.PrivateState after that height, only if the height changed it
//
// Who owns this process can stop the chain, but cannot write a batch without a writer's key, and what was anchored
// cannot be changed unnoticed.
package private
