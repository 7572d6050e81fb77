// Package consortium owns the application of the consortium chain: members and their keys, anchors of private
// chains, and the status of consents.
//
// State that may change lies in an IAVL tree with ICS-23 proofs; anchors and consent changes are also appended to
// RFC 6962 logs, so that a receipt proves inclusion under any later header although old versions of the tree are
// pruned. The application hash covers the tree's root and both logs' roots and sizes, and nothing that changes by
// itself: no height, no time, no block hash. An empty block leaves it as it is.
//
// Everything here is deterministic: no clock, no randomness, no iteration over maps. What one block changes is
// written in Commit by a single synchronous Pebble batch, so a crash leaves the state before or after it, and
// CometBFT replays the block in the first case.
//
// Keys of the state tree (numbers are 8 bytes big endian, texts after their length in one byte):
//
//	governance/member/  text name            Member
//	governance/key/     key id (16 bytes)    Key
//	governance/params                        Params
//	anchors/chain/      text chain id        Chain
//	anchors/proof/      text chain id, kind, number height   Misbehaviour
//	consent/            consent id (32)      tx.ConsentEntry
//	nonce/              key id, number kind  Nonce
//
// The application holds no secret and trusts no single member: whoever owns a node can stop it, not forge for it.
package consortium

//go:generate protoc --go_out=../.. --go_opt=module=github.com/chartseal/chartseal --proto_path=../.. abci/consortium/state.proto
