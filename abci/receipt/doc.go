// Package receipt owns the receipt and trust file formats: how a receipt is put together from what the ledgers hold,
// and how anyone checks it alone, without network, gateway or secret. docs/receipt-format.md describes both formats
// and every check for implementers in other languages.
//
// A receipt claims one of two things. Anchored: the leaf was recorded no later than T, the consortium's block time of
// the anchor. Committed: the organisation signed it, and nothing about time. Everything else in a leaf is what the
// organisation stated.
//
// Verify is safe for input from an attacker. It refuses every byte sequence but the canonical one, so that a receipt
// cannot be altered in any byte and stay valid.
package receipt
