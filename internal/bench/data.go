package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// dataMax bounds the Bundles held in memory, in bytes.
const dataMax = 128 << 20

// bundle is one transaction from the data folder.
type bundle struct {
	path    string
	raw     []byte
	entries []entry
}

// entry is what the benchmark reads of a Bundle entry.
type entry struct {
	FullURL  string `json:"fullUrl"`
	Resource struct {
		ResourceType string    `json:"resourceType"`
		Subject      reference `json:"subject"`
		Code         codeable  `json:"code"`
	} `json:"-"`
	Raw     json.RawMessage `json:"resource"`
	Request struct {
		Method      string `json:"method"`
		IfNoneExist string `json:"ifNoneExist"`
	} `json:"request"`
}

type reference struct {
	Reference string `json:"reference"`
}

type codeable struct {
	Coding []struct {
		System string `json:"system"`
		Code   string `json:"code"`
	} `json:"coding"`
}

// token is the first coding as a search value, empty if there is none.
func (c codeable) token() string {
	if len(c.Coding) == 0 || c.Coding[0].Code == "" {
		return ""
	}
	return c.Coding[0].System + "|" + c.Coding[0].Code
}

// dataset is the content of the data folder: Bundles of patients, and those without one (organisations, practitioners) that conditional
// references of the former may need.
type dataset struct {
	patients, base []*bundle
}

// readData reads transaction Bundles in path order up to dataMax bytes. Patients' Bundles that would not store the same again when posted
// twice (PUT, ifNoneExist) are left out: repeating them would measure nothing.
func readData(dir string) (*dataset, error) {
	if dir == "" {
		return nil, fmt.Errorf("%w: a data folder is needed", ErrUsage)
	}
	d := &dataset{}
	left := dataMax
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() || !strings.EqualFold(filepath.Ext(path), ".json") || left <= 0 {
			return nil
		}
		b, err := readBundle(path)
		if err != nil || b == nil {
			return err
		}
		left -= len(b.raw)
		switch {
		case !slices.ContainsFunc(b.entries, isPatient):
			d.base = append(d.base, b)
		case !slices.ContainsFunc(b.entries, func(e entry) bool { return e.Request.Method != http.MethodPost || e.Request.IfNoneExist != "" }):
			d.patients = append(d.patients, b)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: read data: %w", ErrUsage, err)
	}
	if len(d.patients) == 0 {
		return nil, fmt.Errorf("%w: no transaction Bundle with a Patient and only POST entries in the data folder", ErrUsage)
	}
	return d, nil
}

func isPatient(e entry) bool { return e.Resource.ResourceType == "Patient" }

// readBundle returns nil for files that are not transactions.
func readBundle(path string) (*bundle, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var head struct {
		ResourceType string  `json:"resourceType"`
		Type         string  `json:"type"`
		Entry        []entry `json:"entry"`
	}
	err = json.Unmarshal(raw, &head)
	if foreign := err != nil || head.ResourceType != "Bundle" || head.Type != "transaction"; foreign {
		return nil, nil // a folder may hold other files too
	}
	for i := range head.Entry {
		// Other types may give these members other shapes; only the type matters then.
		e := &head.Entry[i]
		if err := json.Unmarshal(e.Raw, &e.Resource); err != nil {
			e.Resource.Subject, e.Resource.Code = reference{}, codeable{}
		}
	}
	return &bundle{path: path, raw: raw, entries: head.Entry}, nil
}

// conditional returns the first conditional reference in the patients' Bundles, empty if there is none.
func (d *dataset) conditional() string {
	for _, b := range d.patients {
		_, after, ok := bytes.Cut(b.raw, []byte(`?identifier=`))
		if !ok {
			continue
		}
		start := bytes.LastIndexByte(b.raw[:len(b.raw)-len(after)], '"') + 1
		end := bytes.IndexByte(after, '"')
		if end >= 0 {
			return string(b.raw[start : len(b.raw)-len(after)+end])
		}
	}
	return ""
}

// freshPatient renders Patients that differ in every identifier value.
type freshPatient struct {
	parts [][]byte // the identity goes between them
}

// freshPatients makes a template of every Patient in the data. Ids and links to other resources go: they belong to the Bundle.
func (d *dataset) freshPatients() ([]freshPatient, error) {
	const mark = "@@bench-identity@@"
	var list []freshPatient
	for _, b := range d.patients {
		for _, e := range b.entries {
			if !isPatient(e) {
				continue
			}
			dec := json.NewDecoder(bytes.NewReader(e.Raw))
			dec.UseNumber()
			var tree map[string]any
			if err := dec.Decode(&tree); err != nil {
				return nil, fmt.Errorf("patient: %w", err)
			}
			for _, member := range []string{"id", "managingOrganization", "generalPractitioner", "link"} {
				delete(tree, member)
			}
			identifiers, _ := tree["identifier"].([]any)
			if len(identifiers) == 0 {
				identifiers = []any{map[string]any{"system": "urn:ietf:rfc:3986"}}
			}
			for _, i := range identifiers {
				if m, ok := i.(map[string]any); ok {
					m["value"] = mark
				}
			}
			tree["identifier"] = identifiers
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(tree); err != nil {
				return nil, fmt.Errorf("patient: %w", err)
			}
			list = append(list, freshPatient{parts: bytes.Split(out.Bytes(), []byte(mark))})
		}
	}
	return list, nil
}

func (f freshPatient) render(identity []byte) []byte { return bytes.Join(f.parts, identity) }
