// Package tx owns the wire format of both ledgers: transactions, leaves, log entries and the preimages of the
// application hashes, with the one way in which each is hashed and signed.
//
// Nothing here knows FHIR: a ledger carries keys, salted commitments, roots and hashes of sealed bytes.
package tx

//go:generate protoc --go_out=../.. --go_opt=module=github.com/chartseal/chartseal --proto_path=../.. abci/tx/chartseal.proto
