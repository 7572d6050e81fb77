package gateway

import "net/http"

// refusal is an answer of HTTP itself rather than of a record: a media type, a method, a URL.
type refusal struct {
	status     int
	code, text string      // of the OperationOutcome
	header     [][2]string // further headers
}

func (e *refusal) Error() string { return e.text }

// unsupportedMedia is 415; accept names what could be sent (RFC 9110 section 15.5.16).
func unsupportedMedia(accept, text string) *refusal {
	return &refusal{status: http.StatusUnsupportedMediaType, code: "not-supported", text: text, header: [][2]string{{"Accept", accept}}}
}

// notAllowed is 405 with the methods that are there.
func notAllowed(allow, text string) *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, code: "not-supported", text: text, header: [][2]string{{"Allow", allow}}}
}

func badRequest(text string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "invalid", text: text}
}
