package defects

const (
	form      = "\nContent-Type: application/x-www-form-urlencoded\n\n"
	bundleTwo = `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneMatch":"x"}},` +
		`{"resource":{"resourceType":"Observation","instantiatesUri":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a","subject":{"reference":"Patient?refused"}},"request":{"method":"PUT","url":"Observation/1","ifMatch":"x","ifNoneExist":"y"}},` +
		`{"resource":{"resourceType":"Observation"},"request":{"method":"PUT","url":"Observation/1"}}]}`
)

var two = []string{"POST /fhir\n\n" + bundleTwo}

var more = map[string][]effect{
	"conditional-update-id-ignored": {loses(send("PUT /fhir/Practitioner?a=1\n\n"+`{"id":"other"}`), "other")},

	"next-link-missing":        {loses(search, `"next"`)},
	"next-link-repeats":        {swaps(search, "_cursor=2", `"url":"http://example.com/fhir/Patient?a=1,2"`)},
	"total-of-page":            {swaps(search, `"total":7`, `"total":2`)},
	"search-mode-missing":      {loses(search, `"mode"`)},
	"search-full-url-relative": {swaps(search, `"fullUrl":"http://example.com/fhir/Patient/1"`, `"fullUrl":"Patient/1"`)},
	"self-link-missing":        {loses(search, `"self"`)},
	"search-form-ignored":      {loses(send("POST /fhir/Patient/_search"+form+"family=x"), "family=x")},
	"search-url-ignored":       {loses(send("POST /fhir/Patient/_search?family=x"+form), "family=x")},
	"strict-handling-ignored":  {swaps(send("GET /fhir/Patient?a=1\nPrefer: handling=strict"), "strict", "lenient")},
	"self-link-echoes":         {gains(send("GET /fhir/Patient?bogus=1"), "Patient?bogus=1\"")},
	"search-type-missing":      {swaps(search, `"searchset"`, `"collection"`)},

	"batch-fails-as-one":                  {swaps(batch, "got 200", "got 400")},
	"batch-answers-reversed":              {gains(batch, `"entry":[{"response":{"status":"404`)},
	"batch-failure-unexplained":           {loses(batch, `"outcome"`)},
	"transaction-applied-in-part":         {gains(two, `"type":"batch"`)},
	"transaction-urns-left":               {gains(two, "c5e300945f00\"")},
	"transaction-type-of-batch":           {swaps(atomic, "transaction-response", "batch-response")},
	"transaction-without-locations":       {loses(atomic, `"location"`)},
	"conditional-reference-first-of-many": {gains(two, `{"reference":"Patient/1"}`, "saw GET /fhir/Patient?refused")},
	"canonicals-rewritten":                {gains(two, `"instantiatesUri":"Patient/61ebe359-bfdc-4613-8bf2-c5e300945f0a"`)},
	"entry-if-match-ignored":              {loses(two, `"ifMatch"`)},
	"entry-if-none-exist-ignored":         {loses(two, `"ifNoneExist"`)},
	"transaction-repeats-accepted":        {gains(two, `"entry":[{"fullUrl":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneMatch":"x"}},{"resource":{"resourceType":"Observation"}`)},

	"part-without-subsetted":     {loses(read, "SUBSETTED")},
	"elements-without-mandatory": {loses(send("GET /fhir/Observation/1?_elements=status"), `"code":{`)},
	"elements-ignored":           {loses(send("GET /fhir/Patient/1?_elements=name"), "_elements")},
	"summary-ignored":            {loses(send("GET /fhir/Patient/1?_summary=true"), "_summary")},
	"summary-data-as-true":       {swaps(send("GET /fhir/Patient/1?_summary=data"), "_summary=data", "_summary=true")},
	"summary-count-with-entries": {loses(send("GET /fhir/Patient?_summary=count"), "_summary=count")},
	"pretty-trims-decimals":      {swaps(send("GET /fhir/Patient/1?_pretty=true"), "70.50", "70.5}")},

	"content-type-of-json":      {swaps(read, "application/fhir+json", "application/json")},
	"format-xml-as-json":        {loses(send("GET /fhir/Patient/1?_format=xml"), "_format")},
	"format-ignored":            {loses(send("GET /fhir/Patient/1?_format=json\nAccept: text/html"), "_format")},
	"accept-ignored":            {swaps(send("GET /fhir/Patient/1\nAccept: text/html"), "text/html", "saw Accept: application/fhir+json")},
	"charset-ignored":           {loses(send("POST /fhir/Patient\nContent-Type: application/json; charset=latin1\n\n{}"), "latin1")},
	"fhir-version-ignored":      {loses(send("POST /fhir/Patient\nContent-Type: application/json; fhirVersion=3.0\n\n{}"), "3.0")},
	"xml-answers-400":           {swaps(send("POST /fhir/Patient\nContent-Type: application/xml\n\n<a/>"), "got 415", "got 400")},
	"not-allowed-without-allow": {loses(send("DELETE /fhir/metadata"), "Allow")},
	"unknown-type-400":          {swaps(send("GET /fhir/Nonsense/1"), "got 404", "got 400")},
	"errors-in-plain-text":      {swaps(send("GET /fhir/Nonsense/1"), "OperationOutcome", "404 Not Found")},
	"outcome-without-code":      {loses(send("GET /fhir/Nonsense/1"), `"code"`)},
	"gzip-in-name-only":         {swaps(send("GET /fhir/Patient/1\nAccept-Encoding: gzip"), "got (gzip)", `got {"resourceType"`)},
	"gzip-body-unread":          {loses(send("POST /fhir/Patient\nContent-Encoding: gzip\n\nx"), "Content-Encoding")},

	"cors-missing":           {loses(send("GET /fhir/Patient/1\nOrigin: http://a"), "Access-Control-Allow-Origin")},
	"cors-exposes-nothing":   {loses(send("GET /fhir/Patient/1\nOrigin: http://a"), "Access-Control-Expose-Headers")},
	"head-of-another-length": {gains(send("HEAD /fhir/Patient/1"), "Content-Length: 0")},
	"head-without-etag":      {loses(send("HEAD /fhir/Patient/1"), "got Etag")},
	"options-405":            {swaps(send("OPTIONS /fhir/Patient"), "got 204", "got 405")},
	"request-id-not-echoed":  {loses(send("GET /fhir/Patient/1\nX-Request-Id: me"), "got X-Request-Id: me")},

	"metadata-of-r4b":                 {swaps(send("GET /fhir/metadata"), "4.0.1", "4.3.0")},
	"metadata-without-date":           {loses(send("GET /fhir/metadata"), `"date"`)},
	"metadata-promises-deleting-many": {swaps(send("GET /fhir/metadata"), `"single"`, `"multiple"`)},
	"metadata-promises-a-parameter":   {gains(send("GET /fhir/metadata"), `"name":"patron"`)},
	"metadata-promises-system-search": {gains(send("GET /fhir/metadata"), "search-system")},

	"everything-without-focus":       {loses(send("GET /fhir/Patient/1/$everything"), `"Patient"`)},
	"everything-type-ignored":        {loses(send("GET /fhir/Patient/1/$everything?_type=a"), "_type")},
	"validate-answers-400":           {swaps(send("POST /fhir/Patient/$validate"), "got 200", "got 400")},
	"validate-finds-nothing":         {swaps(send("POST /fhir/Patient/$validate"), `"error"`, "no issues")},
	"meta-delete-keeps-tags":         {swaps(send("POST /fhir/Patient/1/$meta-delete"), "$meta-delete", "saw GET /fhir/Patient/1/$meta\n")},
	"meta-add-answers-nothing":       {swaps(send("POST /fhir/Patient/1/$meta-add"), "got 200", "got 204")},
	"lastn-max-ignored":              {loses(send("GET /fhir/Observation/$lastn?max=3"), "max=3")},
	"async-never-ends":               {swaps(send("GET /fhir/$async-status/1"), "got 200", "got 202")},
	"async-without-content-location": {loses(send("GET /fhir/Patient\nPrefer: respond-async"), "Content-Location")},
	"binary-as-resource":             {gains(send("GET /fhir/Binary/1"), "saw Accept: application/fhir+json")},
	"binary-as-octets":               {swaps(send("GET /fhir/Binary/1"), "text/plain", "application/octet-stream")},
	"binary-security-context-lost":   {loses(send("POST /fhir/Binary\nX-Security-Context: Patient/1\n\nx"), "X-Security-Context")},
}
