// Package smart owns who is asking: the keys and discovery documents of the built-in issuer, the verification of
// access tokens through go-oidc, and SMART App Launch 2.2.0 scopes.
//
// It mints tokens only for operators on the machine; the interactive flows of SMART App Launch come with the
// authorization server.
package smart
