package defects

import (
	"encoding/json"
	"net/http"
	"strings"
)

// statements are lies of the CapabilityStatement.
func statements() []Defect {
	return []Defect{
		{"metadata-of-r4b", "capabilities/statement", "the statement says FHIR 4.3.0", "R4 capabilitystatement.html", inStatement(constant(`"4.3.0"`), "fhirVersion")},
		{"metadata-without-date", "capabilities/statement", "the statement lacks its date", "R4 capabilitystatement.html", inStatement(gone, "date")},
		{"metadata-promises-deleting-many", "conditional-delete/basic", "conditionalDelete says multiple, and one is what is done", "R4 capabilitystatement.html", inStatement(constant(`"multiple"`), "rest", "*", "resource", "*", "conditionalDelete")},
		{"metadata-promises-a-parameter", "capabilities/truth", "a search parameter is stated that no search knows", "R4 capabilitystatement.html", inStatement(func(list json.RawMessage) json.RawMessage {
			return writeList(append(readList(list), json.RawMessage(`{"name":"patron","definition":"http://example.org/SearchParameter/patron","type":"string"}`)))
		}, "rest", "*", "resource", "*", "searchParam")},
		{"metadata-promises-system-search", "capabilities/truth", "search-system is stated, and is not there", "R4 capabilitystatement.html", inStatement(func(list json.RawMessage) json.RawMessage {
			return writeList(append(readList(list), json.RawMessage(`{"code":"search-system"}`)))
		}, "rest", "*", "interaction")},
	}
}

func inStatement(change func(json.RawMessage) json.RawMessage, path ...string) func(http.Handler) http.Handler {
	return answered(on("metadata"), func(_ *http.Request, a *answer) {
		a.edit(nil, func(raw json.RawMessage) json.RawMessage {
			if text(raw, "resourceType") != "CapabilityStatement" {
				return raw
			}
			return edited(raw, change, path...)
		})
	})
}

func operations() []Defect {
	return []Defect{
		{"everything-without-focus", "operations/everything", "$everything gives the compartment without the patient", "R4 patient-operation-everything.html", inEntries("$everything", func(e json.RawMessage) json.RawMessage {
			if text(e, "resource", "resourceType") == "Patient" {
				return nil
			}
			return e
		})},
		{"everything-type-ignored", "operations/everything", "$everything does not look at _type", "R4 patient-operation-everything.html", ignoring([]string{"_type"}, "$everything")},
		{"validate-answers-400", "operations/validate", "$validate of an invalid resource answers 400", "R4 operations.html#executing", answered(on("$validate"), func(_ *http.Request, a *answer) {
			if a.status == http.StatusOK && strings.Contains(string(a.body), `"severity":"error"`) {
				a.status = http.StatusBadRequest
			}
		})},
		{"validate-finds-nothing", "operations/validate", "$validate says that all is well", "R4 resource-operation-validate.html", answered(on("$validate"), func(_ *http.Request, a *answer) {
			if a.status == http.StatusOK {
				a.body = []byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational","diagnostics":"no issues"}]}`)
			}
		})},
		{"meta-delete-keeps-tags", "operations/meta", "$meta-delete gives the meta back as it was", "R4 resource-operation-meta-delete.html", replaced(on("$meta-delete"), func(next http.Handler, r *http.Request) *answer {
			return ask(next, another(r, http.MethodGet, strings.TrimSuffix(r.URL.Path, "-delete"), nil))
		})},
		{"meta-add-answers-nothing", "operations/meta", "$meta-add answers 204 without the meta", "R4 resource-operation-meta-add.html", answered(on("$meta-add"), func(_ *http.Request, a *answer) {
			if a.ok() {
				a.status, a.body = http.StatusNoContent, nil
				a.header.Del("Content-Length")
			}
		})},
		{"lastn-max-ignored", "operations/lastn", "$lastn gives one a code, whatever max says", "R4 observation-operation-lastn.html", ignoring([]string{"max"}, "$lastn")},
	}
}

// longAndRaw are defects of asynchronous requests and of Binary.
func longAndRaw() []Defect {
	return []Defect{
		{"async-never-ends", "async/basic", "an asynchronous request is never done", "R4 async.html", replaced(job, func(next http.Handler, r *http.Request) *answer {
			a := ask(next, r)
			if a.status == http.StatusOK {
				a.status, a.body = http.StatusAccepted, nil
				a.header.Del("Content-Length")
			}
			return a
		})},
		{"async-without-content-location", "async/basic", "202 does not say where to ask", "R4 async.html", answered(func(r *http.Request) bool {
			return anything(r) && strings.Contains(r.Header.Get("Prefer"), "respond-async")
		}, func(_ *http.Request, a *answer) { a.header.Del("Content-Location") })},
		{"binary-as-resource", "binary/basic", "a read of a Binary gives the resource, not its content", "R4 binary.html#rest", asked(binary, func(r *http.Request) {
			r.Header.Set("Accept", "application/fhir+json")
		})},
		{"binary-as-octets", "binary/basic", "the content of a Binary is application/octet-stream", "R4 binary.html#rest", answered(binary, func(_ *http.Request, a *answer) {
			if t := a.header.Get("Content-Type"); a.ok() && !strings.Contains(t, "json") {
				a.header.Set("Content-Type", "application/octet-stream")
			}
		})},
		{"binary-security-context-lost", "binary/basic", "X-Security-Context is not kept", "R4 binary.html#security-context", asked(anything, func(r *http.Request) {
			r.Header.Del("X-Security-Context")
		})},
	}
}

// job tells whether a request asks for the state of an asynchronous one.
func job(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, base+"/$async-status/")
}

func binary(r *http.Request) bool {
	list := segments(r)
	return len(list) >= 2 && list[0] == "Binary" && (kindOf(r) == "read" || kindOf(r) == "vread")
}
