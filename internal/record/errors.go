package record

import (
	"errors"
	"fmt"

	"github.com/chartseal/chartseal/fhir"
)

// Kind classifies an error for the one table that turns it into an HTTP status and an OperationOutcome.
type Kind uint8

// The kinds of the architecture's error section.
const (
	Internal Kind = iota
	Invalid
	Unauthenticated
	Forbidden
	Absent // also: withheld. A caller must not learn which of the two it is
	Gone
	Conflict
	Precondition
	TooLarge
	Throttled
	Unavailable
	NotSupported
	Unprocessable
)

// Error is what a use case reports to a client. Msg and Issues hold no value that the client did not send in
// this request and no internal text; the wrapped error is for the log only.
type Error struct {
	Kind     Kind
	Msg      string
	Code     string // OperationOutcome.issue.code when the kind's default does not fit
	Issues   []fhir.Issue
	Location string // where an outcome that is not known yet will appear
	err      error
}

func (e *Error) Error() string {
	if e.err != nil {
		return fmt.Sprintf("%s: %v", e.Msg, e.err)
	}
	return e.Msg
}

// Unwrap gives the internal cause.
func (e *Error) Unwrap() error { return e.err }

// KindOf classifies any error; what is not ours is Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

func fail(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Msg: fmt.Sprintf(format, args...)}
}

// internalError hides the cause from the client and keeps it for the log.
func internalError(step string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Kind: Internal, Msg: step, err: err}
}

// FromParser turns what package fhir reports into an Error.
func FromParser(err error) error { return invalid(err) }

// invalid turns a parser's findings into an Error.
func invalid(err error) error {
	var inv *fhir.Invalid
	if errors.As(err, &inv) {
		k := Invalid
		if len(inv.Issues) > 0 && inv.Issues[0].Code == "too-long" && len(inv.Issues[0].Expression) == 0 {
			k = TooLarge
		}
		return &Error{Kind: k, Msg: "the resource is not valid", Issues: inv.Issues}
	}
	return internalError("parse", err)
}

// unprocessable is invalid for what this server made of a well-formed request, such as a patched resource.
func unprocessable(err error) error {
	err = invalid(err)
	var e *Error
	if errors.As(err, &e) && e.Kind == Invalid {
		e.Kind = Unprocessable
	}
	return err
}
