// Package ledger owns the two CometBFT nodes of a gateway: the organisation's private chain, which orders its
// records in milliseconds, and the consortium chain, which binds that order in seconds. Both run inside this process.
//
// A caller signs a transaction once (BatchTx, ConsentTx), keeps the bytes, and submits them as often as it takes
// (Submit, SubmitConsortium): what was committed already is not committed twice. Acknowledgement comes from the
// application's own Commit, after the block and the state are durable (OnCommit, OnConsent). In the background every
// state of the private chain is anchored in the consortium.
//
// Nothing here knows FHIR: the package sees salted commitments, roots, pseudonymous tokens and hashes.
//
// Below Config.Dir lie private/ and consortium/, each with config/ (genesis, node key, validator key), data/ (what the
// validator signed last, the consensus write-ahead log), blocks/ (CometBFT's stores) and state/ (the application's).
// A backup must hold all of it: a validator that forgot what it signed could sign twice, and Open refuses a private
// chain that is behind what the consortium has seen of it.
//
// Whoever owns this process can stop both chains and write what he likes from then on; he cannot change what is
// anchored without being noticed by the other members. The nodes listen on a loopback port, because CometBFT must,
// and let nobody in.
package ledger
