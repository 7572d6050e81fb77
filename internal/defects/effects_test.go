package defects

// read and others are requests to the scripted server.
var (
	read    = []string{"GET /fhir/Patient/1"}
	search  = []string{"GET /fhir/Patient?a=1,2"}
	history = []string{"GET /fhir/Patient/1/_history?_since=2026&_at=2025&_count=1"}
	create  = []string{"POST /fhir/Patient\nContent-Type: application/fhir+json\n\n" + patient}
	update  = []string{"PUT /fhir/Patient/1\nContent-Type: application/fhir+json\n\n" + patient}
	batch   = []string{"POST /fhir\n\n" + `{"resourceType":"Bundle","type":"batch"}`}
	atomic  = []string{"POST /fhir\n\n" + `{"resourceType":"Bundle","type":"transaction"}`}
)

func send(requests ...string) []string     { return requests }
func gains(r []string, s ...string) effect { return effect{r, s, nil} }
func loses(r []string, s ...string) effect { return effect{r, nil, s} }
func swaps(r []string, from, to string) effect {
	return effect{r, []string{to}, []string{from}}
}

// effects are what each defect does to the scripted server.
var effects = map[string][]effect{
	"read-without-etag":             {loses(read, "got Etag")},
	"etag-not-weak":                 {swaps(read, `Etag: W/"2"`, `Etag: "2"`)},
	"read-without-last-modified":    {loses(read, "Last-Modified")},
	"if-none-match-ignored":         {swaps(send("GET /fhir/Patient/1\nIf-None-Match: *"), "got 304", "got 200")},
	"if-modified-since-ignored":     {loses(send("GET /fhir/Patient/1\nIf-Modified-Since: x"), "saw If-Modified-Since")},
	"not-modified-without-etag":     {loses(send("GET /fhir/Patient/1\nIf-None-Match: *"), "got Etag")},
	"deleted-reads-404":             {swaps(send("GET /fhir/Patient/gone"), "got 410", "got 404")},
	"vread-gives-current":           {swaps(send("GET /fhir/Patient/1/_history/2"), "saw GET /fhir/Patient/1/_history/2", "saw GET /fhir/Patient/1\n")},
	"version-id-frozen":             {swaps(read, `"versionId":"2"`, `"versionId":"1"`)},
	"last-updated-frozen":           {loses(send("GET /fhir/Patient/later?day=2026-01-02", "GET /fhir/Patient/later?day=2026-01-03"), "2026-01-03T")},
	"contained-lost":                {loses(read, "contained"), gains(read, `},"extension":[`)},
	"supplementary-characters-lost": {swaps(read, "😀", `"family":"?"`)},
	"primitive-extensions-lost":     {loses(read, "_birthDate")},
	"decimals-trimmed":              {swaps(read, "70.50", `"valueDecimal":70.5}`)},

	"create-answers-200":            {swaps(create, "got 201", "got 200")},
	"location-without-version":      {loses(create, "/_history/")},
	"location-of-another-host":      {swaps(create, "Location: http://example.com/fhir/Patient/1", "Location: http://backend.invalid:8080/fhir/Patient/1")},
	"client-id-kept":                {swaps(create, "saw POST", "saw PUT /fhir/Patient/1")},
	"if-none-exist-ignored":         {swaps(send("POST /fhir/Patient\nIf-None-Exist: many\n\n{}"), "got 412", "got 201")},
	"if-none-exist-many-creates":    {swaps(send("POST /fhir/Patient\nIf-None-Exist: many\n\n{}"), "got 412", "got 201")},
	"return-minimal-ignored":        {swaps(send("POST /fhir/Patient\nPrefer: return=minimal\n\n{}"), "return=minimal", "return=representation")},
	"return-representation-ignored": {swaps(send("PUT /fhir/Patient/1\nPrefer: respond-sync, return=representation\n\n{}"), "return=representation", "respond-sync, return=minimal")},
	"return-outcome-ignored":        {swaps(send("POST /fhir/Patient\nPrefer: return=OperationOutcome\n\n{}"), "return=OperationOutcome", "return=representation")},
	"bad-elements-skipped":          {swaps(send("POST /fhir/Patient\n\n"+`{"resourceType":"Patient","active":true,"refused":1}`), "got 400", "got 201")},
	"duplicate-members-accepted":    {swaps(send("POST /fhir/Patient\n\n"+`{"active":true,"active":false}`), `"active":true`, `saw {"active":false}`)},
	"parameters-stored":             {swaps(send("POST /fhir/Parameters\n\n"+`{"resourceType":"Parameters"}`), "got 404", "got 201")},
	"bundle-create-processed":       {swaps(send("POST /fhir/Bundle\n\n{}"), "saw POST /fhir/Bundle", "saw POST /fhir\n")},

	"update-answers-201":          {swaps(update, "got 200", "got 201")},
	"update-creating-answers-200": {swaps(send("PUT /fhir/Patient/new\n\n{}"), "got 201", "got 200")},
	"other-id-in-body-accepted":   {swaps(send("PUT /fhir/Patient/1\n\n"+`{"id":"other"}`), "other", `saw {"id":"1"}`)},
	"no-id-in-body-accepted":      {gains(send("PUT /fhir/Patient/1\n\n"+`{"a":1}`), `saw {"a":1,"id":"1"}`)},
	"if-match-ignored":            {swaps(send("PUT /fhir/Patient/1\nIf-Match: old\n\n{}"), "got 412", "got 200")},
	"conflict-answers-409":        {swaps(send("PUT /fhir/Patient/1\nIf-Match: old\n\n{}"), "got 412", "got 409")},
	"labels-dropped":              {loses(send("PUT /fhir/Patient/1\n\n{}", "GET /fhir/Patient/1"), `"tag"`, `"security"`)},
	"subsetted-accepted":          {effect{send("PUT /fhir/Patient/1\n\n" + `{"meta":{"tag":[{"code":"t"},{"code":"SUBSETTED"}]}}`), []string{`saw {"meta":{"tag":[{"code":"t"}]}}`}, nil}},
	"versions-restart":            {swaps(send("PUT /fhir/Patient/new\n\n{}"), `Etag: W/"2"`, `Etag: W/"1"`), gains(send("PUT /fhir/Patient/new\n\n{}"), "_history/1", `"versionId":"1"`)},

	"second-delete-404":          {swaps(send("DELETE /fhir/Patient/gone"), "got 204", "got 404")},
	"deleted-loses-versions":     {swaps(send("GET /fhir/Patient/gone/_history/1"), "got 200", "got 404")},
	"delete-200-without-content": {swaps(send("DELETE /fhir/Patient/1"), "got 204", "got 200")},

	"conditional-update-creates":       {swaps(send("PUT /fhir/Patient?a=1\n\n"+`{"id":"1"}`), "saw PUT /fhir/Patient?a=1", "saw POST /fhir/Patient\n")},
	"conditional-update-first-of-many": {swaps(send("PUT /fhir/Patient?many\n\n{}"), "got 412", "got 200"), gains(send("PUT /fhir/Patient?many\n\n{}"), "saw PUT /fhir/Patient/1\n")},
	"conditional-patch-none-succeeds":  {swaps(send("PATCH /fhir/Patient?none\n\n[]"), "got 404", "got 200")},
	"conditional-delete-takes-all":     {swaps(send("DELETE /fhir/Patient?many"), "got 412", "got 204"), gains(send("DELETE /fhir/Patient?many"), "saw DELETE /fhir/Patient/1\n", "saw DELETE /fhir/Patient/2\n")},

	"json-patch-test-ignored": {loses(send("PATCH /fhir/Patient/1\nContent-Type: application/json-patch+json\n\n"+`[{"op":"test","path":"/a"},{"op":"remove","path":"/b"}]`), `"test"`)},
	"json-patch-add-replaces": {swaps(send("PATCH /fhir/Patient/1\nContent-Type: application/json-patch+json\n\n"+`[{"op":"add","path":"/a/0"}]`), `"add"`, `"replace"`)},
	"patch-applied-in-part":   {gains(send("PATCH /fhir/Patient/1\n\n"+`[{"op":"a"},{"op":"refused"}]`), `saw [{"op":"a"}]`)},
	"patch-etag-frozen":       {swaps(send("PATCH /fhir/Patient/1\n\n[]"), `Etag: W/"2"`, `Etag: W/"1"`)},
	"fhirpath-delete-ignored": {loses(send("PATCH /fhir/Patient/1\n\n"+pathPatchOf("delete", "Patient.name")), "delete")},
	"fhirpath-insert-appends": {effect{send("PATCH /fhir/Patient/1\n\n" + pathPatchOf("insert", "Patient.name")), []string{`"valueString":"name"`, `"valueCode":"add"`}, []string{"Patient.name", "insert"}}},
	"merge-patch-ignored":     {swaps(send("PATCH /fhir/Patient/1\nContent-Type: application/xml\n\n{}"), "got 415", "got 200")},

	"history-oldest-first":      {gains(history, `"entry":[{"resource"`)},
	"history-without-deletions": {loses(history, `"DELETE"`)},
	"history-without-request":   {loses(history, `"request"`)},
	"history-without-response":  {loses(history, `"response"`)},
	"history-create-as-put":     {swaps(history, `"POST"`, `"PUT"`)},
	"history-since-ignored":     {loses(history, "_since")},
	"history-at-ignored":        {loses(history, "_at")},
	"history-count-ignored":     {loses(history, "_count")},
	"history-total-of-page":     {swaps(history, `"total":7`, `"total":2`)},
	"history-type-mixed":        {swaps(send("GET /fhir/Patient/_history"), "/fhir/Patient/_history", "saw GET /fhir/_history")},
}

func pathPatchOf(op, path string) string {
	return `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"` + op + `"},{"name":"path","valueString":"` + path + `"},{"name":"index","valueInteger":0},{"name":"value","valueHumanName":{}}]}]}`
}
