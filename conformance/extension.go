package conformance

import (
	"fmt"
	"slices"
)

// ExtensionURL is the one extension of ours in the scripts. It is complex: its parts say what TestScript cannot.
// README.md lists them.
const ExtensionURL = "https://github.com/chartseal/chartseal/StructureDefinition/conformance-test"

type extension struct {
	URL          string      `json:"url"`
	Extension    []extension `json:"extension"`
	ValueString  *string     `json:"valueString"`
	ValueCode    *string     `json:"valueCode"`
	ValueURI     *string     `json:"valueUri"`
	ValueInteger *int        `json:"valueInteger"`
	ValueBoolean *bool       `json:"valueBoolean"`
}

// text is the value if it is some kind of string.
func (e *extension) text() string {
	for _, v := range []*string{e.ValueString, e.ValueCode, e.ValueURI} {
		if v != nil {
			return *v
		}
	}
	return ""
}

func (e *extension) number() int {
	if e.ValueInteger == nil {
		return 0
	}
	return *e.ValueInteger
}

func (e *extension) yes() bool { return e.ValueBoolean != nil && *e.ValueBoolean }

// parts collects the parts of our extension. A part that is not among known is a mistake of the script: to ignore it
// would be to test less than the script says. Extensions of others are ignored.
func parts(list []extension, known ...string) (map[string][]extension, error) {
	out := map[string][]extension{}
	for i := range list {
		if list[i].URL != ExtensionURL {
			continue
		}
		for _, p := range list[i].Extension {
			if !slices.Contains(known, p.URL) {
				return nil, fmt.Errorf("the extension has no part %q here", p.URL)
			}
			out[p.URL] = append(out[p.URL], p)
		}
	}
	return out, nil
}

// one is the only value of a part, and the zero value without one.
func one(p map[string][]extension, name string) *extension {
	if list := p[name]; len(list) > 0 {
		return &list[0]
	}
	return &extension{}
}

func texts(list []extension) []string {
	var out []string
	for i := range list {
		out = append(out, list[i].text())
	}
	return out
}
