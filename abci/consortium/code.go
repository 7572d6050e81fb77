package consortium

import "fmt"

// Code is the result of a transaction, as in ABCI's ExecTxResult.Code. 0 is success. The numbers are part of the
// wire format: they never change their meaning.
type Code uint32

// A code below 100 means that the transaction changed nothing. From 100 on, an anchor was refused and recorded as
// proof of misbehaviour: the member is flagged and the nonce is used, the anchor log is not touched.
const (
	CodeOK Code = 0

	CodeMalformed Code = 1 // does not decode, or is not in the canonical encoding
	CodeChainID   Code = 2 // made for another consortium chain
	CodeKey       Code = 3 // signed by an unknown key, or by one that may not sign this message
	CodeSignature Code = 4 // the signature does not hold
	CodeNonce     Code = 5 // nonce not above the last one of this key and kind of message
	CodeExpired   Code = 6 // expiry height passed
	CodeMethod    Code = 7 // no module handles this kind of message
	CodeStopped   Code = 8 // CheckTx only: this node's store failed, it takes nothing before a restart

	CodeAnchorChain       Code = 20 // private chain not registered, or header of another chain
	CodeAnchorMalformed   Code = 21 // header, commit or validators do not decode or contradict each other
	CodeAnchorValidators  Code = 22 // validators are not those of the header, or two thirds of the trusted set did not sign
	CodeAnchorSignatures  Code = 23 // not more than two thirds of the header's validators signed
	CodeAnchorPreimage    Code = 24 // the state is not the preimage of the header's application hash
	CodeAnchorStale       Code = 25 // not above the last anchored height, and no contradiction to an anchor
	CodeAnchorConsistency Code = 26 // no valid consistency proof from the last anchored log
	CodeAnchorKnown       Code = 27 // proves a misbehaviour that is recorded already

	CodeConsentVersion Code = 40 // version not above the recorded one
	CodeConsentOwner   Code = 41 // consent belongs to another member
	CodeConsentMark    Code = 42 // not marked as recorded by the member, without which a patient's signature is needed

	CodeConflictingHeaders Code = 100 // recorded: two signed headers at one height
	CodeShrunkLog          Code = 101 // recorded: a later signed header with a shorter log
	CodeConflictingRoots   Code = 102 // recorded: two signed roots at one size of the log
)

// Codespace names the code table in ABCI results.
const Codespace = "chartseal-consortium"

// Recorded tells whether the result changed the state although the transaction was refused.
func (c Code) Recorded() bool { return c >= 100 }

// refusal is an expected failure of a transaction. Any other error of an execution stops the node.
type refusal struct {
	code   Code
	reason string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s (code %d)", r.reason, r.code) }

func refuse(code Code, format string, args ...any) error {
	return &refusal{code: code, reason: fmt.Sprintf(format, args...)}
}
