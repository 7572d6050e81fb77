package conformance

import "encoding/json"

// testScript is what the engine reads of a TestScript (R4 testscript.html). Members that are not here are refused
// when the script is loaded, rather than ignored.
type testScript struct {
	ResourceType string            `json:"resourceType"`
	ID           string            `json:"id"`
	Meta         json.RawMessage   `json:"meta"`
	Text         json.RawMessage   `json:"text"`
	Contained    []json.RawMessage `json:"contained"`
	Extension    []extension       `json:"extension"`
	URL          string            `json:"url"`
	Version      string            `json:"version"`
	Name         string            `json:"name"`
	Title        string            `json:"title"`
	Status       string            `json:"status"`
	Experimental bool              `json:"experimental"`
	Date         string            `json:"date"`
	Publisher    string            `json:"publisher"`
	Description  string            `json:"description"`
	Purpose      string            `json:"purpose"`
	Copyright    string            `json:"copyright"`
	Origin       json.RawMessage   `json:"origin"`
	Destination  json.RawMessage   `json:"destination"`
	Profile      json.RawMessage   `json:"profile"` // ignored: validateProfileId is refused
	Metadata     struct {
		Link       []scriptLink       `json:"link"`
		Capability []scriptCapability `json:"capability"`
	} `json:"metadata"`
	Fixture  []scriptFixture  `json:"fixture"`
	Variable []scriptVariable `json:"variable"`
	Setup    struct {
		Action []*scriptAction `json:"action"`
	} `json:"setup"`
	Test     []*scriptTest `json:"test"`
	Teardown struct {
		Action []*scriptAction `json:"action"`
	} `json:"teardown"`
}

type scriptLink struct {
	URL         string `json:"url"`
	Description string `json:"description"`
}

type scriptCapability struct {
	Extension    []extension `json:"extension"`
	Required     bool        `json:"required"`
	Validated    bool        `json:"validated"`
	Description  string      `json:"description"`
	Link         []string    `json:"link"`
	Capabilities string      `json:"capabilities"`
}

type scriptFixture struct {
	ID         string `json:"id"`
	Autocreate *bool  `json:"autocreate"`
	Autodelete *bool  `json:"autodelete"`
	Resource   struct {
		Reference string `json:"reference"`
		Display   string `json:"display"`
	} `json:"resource"`
}

type scriptVariable struct {
	Extension    []extension `json:"extension"`
	Name         string      `json:"name"`
	DefaultValue string      `json:"defaultValue"`
	Description  string      `json:"description"`
	Expression   string      `json:"expression"`
	HeaderField  string      `json:"headerField"`
	Hint         string      `json:"hint"`
	Path         string      `json:"path"`
	SourceID     string      `json:"sourceId"`

	repeat int // extension: how often the default value is repeated
}

type scriptTest struct {
	ID          string          `json:"id"`
	Extension   []extension     `json:"extension"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Action      []*scriptAction `json:"action"`

	requires []string // extension: FHIRPath over the CapabilityStatement
	spec     string   // extension: link to the section
	loops    []loop   // extension: run once for each value
}

// loop repeats a test for each value of a FHIRPath over the CapabilityStatement.
type loop struct{ name, in string }

// scriptAction has either an operation or an assertion.
type scriptAction struct {
	Operation *operation `json:"operation"`
	Assert    *assertion `json:"assert"`
}

type operation struct {
	Extension []extension `json:"extension"`
	Type      struct {
		System  string `json:"system"`
		Code    string `json:"code"`
		Display string `json:"display"`
	} `json:"type"`
	Resource      string          `json:"resource"`
	Label         string          `json:"label"`
	Description   string          `json:"description"`
	Accept        string          `json:"accept"`
	ContentType   string          `json:"contentType"`
	Destination   int             `json:"destination"`
	Encode        *bool           `json:"encodeRequestUrl"`
	Method        string          `json:"method"`
	Origin        int             `json:"origin"`
	Params        string          `json:"params"`
	RequestHeader []requestHeader `json:"requestHeader"`
	RequestID     string          `json:"requestId"`
	ResponseID    string          `json:"responseId"`
	SourceID      string          `json:"sourceId"`
	TargetID      string          `json:"targetId"`
	URL           string          `json:"url"`

	body   *string  // extension: what is sent, whatever it is
	raw    []byte   // extension: the same as base64
	method string   // extension: a method that R4 has no code for
	omit   []string // extension: headers that are not sent
	poll   int      // extension: repeat for so many seconds while the answer is 202
	gzip   bool     // extension: compress the body and say so
}

type requestHeader struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

type assertion struct {
	Extension                 []extension `json:"extension"`
	Label                     string      `json:"label"`
	Description               string      `json:"description"`
	Direction                 string      `json:"direction"`
	CompareToSourceID         string      `json:"compareToSourceId"`
	CompareToSourceExpression string      `json:"compareToSourceExpression"`
	CompareToSourcePath       string      `json:"compareToSourcePath"`
	ContentType               string      `json:"contentType"`
	Expression                string      `json:"expression"`
	HeaderField               string      `json:"headerField"`
	MinimumID                 string      `json:"minimumId"`
	NavigationLinks           *bool       `json:"navigationLinks"`
	Operator                  string      `json:"operator"`
	Path                      string      `json:"path"`
	RequestMethod             string      `json:"requestMethod"`
	RequestURL                string      `json:"requestURL"`
	Resource                  string      `json:"resource"`
	Response                  string      `json:"response"`
	ResponseCode              string      `json:"responseCode"`
	SourceID                  string      `json:"sourceId"`
	ValidateProfileID         string      `json:"validateProfileId"`
	Value                     *string     `json:"value"`
	WarningOnly               *bool       `json:"warningOnly"`

	target string // extension: body, size or header-count
	regex  bool   // extension: value is a regular expression
	assume bool   // extension: if it does not hold, the test is skipped
	stop   bool   // extension: if it does not hold, the test ends here
}

// script is one file, ready to run.
type script struct {
	area, file string
	doc        testScript
	fixtures   map[string]*fixture
	requires   []string
}

// fixture is a resource that the script sends or compares with.
type fixture struct {
	raw       []byte // with variables still in it
	contained bool   // then its id is a name within the script and nothing else
}
