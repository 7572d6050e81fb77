package private

// Codespace names this application in transaction results.
const Codespace = "chartseal-private"

// Result codes of CheckTx and FinalizeBlock. A block that holds a transaction with one of the codes from
// CodeMalformed to CodeSignature is refused by ProcessProposal; with the others it is valid and the transaction has
// no effect, except that CodeConflict is counted at the writer.
const (
	CodeOK           uint32 = 0  // executed; from CheckTx: may enter the mempool
	CodeCommitted    uint32 = 1  // success: the same batch (or writer change) is committed already, nothing was done
	CodeMalformed    uint32 = 2  // does not decode, or is longer than MaxTxBytes
	CodeWrongChain   uint32 = 3  // made for another chain
	CodeUnknown      uint32 = 4  // batch of a writer that was never admitted: nothing to verify it with
	CodeSignature    uint32 = 5  // not signed by the writer, or not by the admin key
	CodeBatchSize    uint32 = 6  // more leaves than the parameters allow
	CodeConflict     uint32 = 7  // this seq is committed with another root: the writer misbehaved
	CodeClosed       uint32 = 8  // the writer is closed
	CodeGap          uint32 = 9  // seq is not the writer's last + 1
	CodeOutstanding  uint32 = 10 // CheckTx only: another batch of this writer with this seq is in the mempool
	CodeWriterExists uint32 = 11 // the writer id was admitted with another key, or is closed
	CodeLastSeq      uint32 = 12 // close names another seq than the committed one
	CodeTooMany      uint32 = 13 // as many writers as the parameters allow exist
	CodeNoWriter     uint32 = 14 // close names a writer that was never admitted
	CodeUnsupported  uint32 = 15 // ABCI method that this application does not serve
)

// MaxTxBytes bounds a transaction; the longest valid one has about 260 bytes.
const MaxTxBytes = 1024

// Refused tells whether a proposal with a transaction of this result is refused: it does not decode or verify.
func Refused(code uint32) bool { return code >= CodeMalformed && code <= CodeSignature }
