package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A form is read only if it is one, and only so far.
func TestSearchForm(t *testing.T) {
	const (
		form = "application/x-www-form-urlencoded"
		read = http.StatusNotFound // the form was read: then the type is looked at, and there is none
	)
	for _, tc := range []struct {
		name, contentType, body string
		chunked                 bool
		status                  int
		code                    string
	}{
		{name: "no body", status: read, code: "not-supported"},
		{name: "no body, chunked", chunked: true, status: read, code: "not-supported"},
		{name: "no body, another type", contentType: "text/plain", status: read, code: "not-supported"},
		{name: "form", contentType: form, body: "name=x", status: read, code: "not-supported"},
		{name: "form with charset", contentType: form + "; charset=UTF-8", body: "name=x", chunked: true, status: read, code: "not-supported"},
		{name: "JSON", contentType: "application/fhir+json", body: "{}", status: 415, code: "not-supported"},
		{name: "JSON, chunked", contentType: "application/fhir+json", body: "{}", chunked: true, status: 415, code: "not-supported"},
		{name: "multipart", contentType: "multipart/form-data; boundary=x", body: "--x--", status: 415, code: "not-supported"},
		{name: "no type", body: "name=x", status: 415, code: "not-supported"},
		{name: "broken type", contentType: "/;", body: "name=x", status: 415, code: "not-supported"},
		{name: "broken form", contentType: form, body: "name=%zz", status: 400, code: "invalid"},
		{name: "too large", contentType: form, body: "name=" + strings.Repeat("x", 1<<20), chunked: true, status: 413, code: "too-long"},
		{name: "as large as can be", contentType: form, body: "name=" + strings.Repeat("x", 1<<20-5), status: read, code: "not-supported"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := authenticated(t)
			var body io.Reader = strings.NewReader(tc.body)
			if tc.chunked {
				body = io.MultiReader(body) // hides the length
			}
			r := httptest.NewRequest(http.MethodPost, "/fhir/Nothing/_search", body)
			if tc.contentType != "" {
				r.Header.Set("Content-Type", tc.contentType)
			}
			w := ask(s, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), `"code":"`+tc.code+`"`) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, tc.status, tc.code)
			}
			if tc.status == 415 && !strings.Contains(w.Body.String(), form) {
				t.Errorf("the answer does not say what to send: %s", w.Body)
			}
		})
	}
}
