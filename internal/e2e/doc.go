// Package e2e tests the real binary from outside: over HTTP, by its commands, by killing it, and by reading every
// byte that it wrote. It holds tests only.
package e2e
