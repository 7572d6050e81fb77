// Package record owns the use cases of the gateway: create, read, update, delete, history, search, batch and
// transaction. It is the only code that knows the order decide -> validate -> seal -> stage -> commit -> publish,
// and it follows "The write protocol" of the ledger design to the letter:
//
//   - a unit (one request, or a whole transaction Bundle) holds the locks of its resources from before its
//     conditions are evaluated until it is published or has failed;
//   - a batch of units is one durable store transaction that also holds the signed ledger transaction;
//   - a version is visible if and only if its batch's seq is at most the published seq of its writer.
//
// Nothing leaves this package without a decision for the caller. What a caller may not see is reported as
// absent; package gateway renders both alike.
package record
