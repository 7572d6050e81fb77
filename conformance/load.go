package conformance

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed scripts
var embedded embed.FS

// Scripts are the TestScripts of the suite: a folder an area, and the files that they use beside them.
func Scripts() fs.FS {
	sub, err := fs.Sub(embedded, "scripts")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

// Areas lists what Options.Areas may name.
func Areas() []string {
	areas, err := areasOf(Scripts())
	if err != nil {
		panic(err) // it is in the binary
	}
	return areas
}

func areasOf(from fs.FS) ([]string, error) {
	list, err := fs.ReadDir(from, ".")
	if err != nil {
		return nil, fmt.Errorf("list areas: %w", err)
	}
	var out []string
	for _, e := range list {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// load reads the scripts of the areas, all of them if none is named.
func load(from fs.FS, areas []string) ([]*script, error) {
	known, err := areasOf(from)
	if err != nil {
		return nil, err
	}
	for _, a := range areas {
		if !slices.Contains(known, a) {
			return nil, fmt.Errorf("%w: unknown area %q, there are %s", ErrUsage, a, strings.Join(known, ", "))
		}
	}
	var out []*script
	for _, area := range known {
		if len(areas) > 0 && !slices.Contains(areas, area) {
			continue
		}
		files, err := fs.Glob(from, area+"/*.json")
		if err != nil {
			return nil, fmt.Errorf("list scripts: %w", err)
		}
		for _, file := range files {
			s, err := loadScript(from, area, file)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if s != nil {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// loadScript reads one file; nil for a file that is a fixture.
func loadScript(from fs.FS, area, file string) (*script, error) {
	raw, err := fs.ReadFile(from, file)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if strings.HasSuffix(file, ".fixture.json") {
		return nil, nil
	}
	s := &script{area: area, file: strings.TrimSuffix(path.Base(file), ".json"), fixtures: map[string]*fixture{}}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s.doc); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if s.doc.ResourceType != "TestScript" || len(s.doc.Test) == 0 {
		return nil, errors.New("not a TestScript with tests")
	}
	if err := s.addFixtures(from); err != nil {
		return nil, err
	}
	return s, s.prepare()
}

// addFixtures finds the resources that fixtures refer to: contained ones by #id, files beside the script by name.
func (s *script) addFixtures(from fs.FS) error {
	contained := map[string][]byte{}
	for _, raw := range s.doc.Contained {
		var r struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(raw, &r); err != nil || r.ID == "" {
			return errors.New("a contained resource lacks its id")
		}
		contained[r.ID] = raw
	}
	for i := range s.doc.Fixture {
		f := &s.doc.Fixture[i]
		if f.Autocreate == nil || f.Autodelete == nil || f.ID == "" {
			return errors.New("a fixture needs id, autocreate and autodelete")
		}
		if id, ok := strings.CutPrefix(f.Resource.Reference, "#"); ok {
			raw, ok := contained[id]
			if !ok {
				return fmt.Errorf("fixture %s: nothing is contained under that id", f.ID)
			}
			s.fixtures[f.ID] = &fixture{raw: raw, contained: true}
			continue
		}
		raw, err := fs.ReadFile(from, path.Join(s.area, f.Resource.Reference))
		if err != nil {
			return fmt.Errorf("fixture %s: %w", f.ID, err)
		}
		s.fixtures[f.ID] = &fixture{raw: raw}
	}
	return nil
}

// prepare reads the extension and refuses what the engine does not do.
func (s *script) prepare() error {
	for _, c := range s.doc.Metadata.Capability {
		p, err := parts(c.Extension, "requires")
		if err != nil {
			return err
		}
		s.requires = append(s.requires, texts(p["requires"])...)
	}
	for i := range s.doc.Variable {
		if err := s.doc.Variable[i].prepare(); err != nil {
			return fmt.Errorf("variable %s: %w", s.doc.Variable[i].Name, err)
		}
	}
	for _, list := range [][]*scriptAction{s.doc.Setup.Action, s.doc.Teardown.Action} {
		if err := s.prepareActions(list); err != nil {
			return err
		}
	}
	for i, t := range s.doc.Test {
		if err := t.prepare(); err != nil {
			return fmt.Errorf("test %d: %w", i, err)
		}
		if err := s.prepareActions(t.Action); err != nil {
			return fmt.Errorf("test %d: %w", i, err)
		}
	}
	return nil
}

func (v *scriptVariable) prepare() error {
	if v.Path != "" {
		return errors.New("path is not supported, use expression")
	}
	if v.Expression != "" && v.HeaderField != "" {
		return errors.New("it has both expression and headerField (tst-3)")
	}
	p, err := parts(v.Extension, "repeat")
	v.repeat = one(p, "repeat").number()
	return err
}

func (t *scriptTest) prepare() error {
	p, err := parts(t.Extension, "requires", "spec", "forEach")
	if err != nil {
		return err
	}
	t.requires, t.spec = texts(p["requires"]), one(p, "spec").text()
	for _, each := range p["forEach"] {
		var l loop
		for _, e := range each.Extension {
			switch e.URL {
			case "name":
				l.name = e.text()
			case "in":
				l.in = e.text()
			default:
				return fmt.Errorf("forEach has no part %q", e.URL)
			}
		}
		if l.name == "" || l.in == "" {
			return errors.New("forEach needs name and in")
		}
		t.loops = append(t.loops, l)
	}
	if t.Name == "" || len(t.Action) == 0 {
		return errors.New("it needs a name and actions")
	}
	return nil
}

func (s *script) prepareActions(list []*scriptAction) error {
	for i, a := range list {
		var err error
		switch {
		case (a.Operation == nil) == (a.Assert == nil):
			err = errors.New("an action is either an operation or an assertion (tst-2)")
		case a.Operation != nil:
			err = a.Operation.prepare(s)
		default:
			err = a.Assert.prepare(s)
		}
		if err != nil {
			return fmt.Errorf("action %d: %w", i, err)
		}
	}
	return nil
}

func (o *operation) prepare(s *script) error {
	p, err := parts(o.Extension, "body", "bodyBase64", "emptyBody", "method", "omitHeader", "poll", "gzip")
	if err != nil {
		return err
	}
	if b := one(p, "body"); b.ValueString != nil {
		o.body = b.ValueString
	}
	if one(p, "emptyBody").yes() {
		o.body = new(string)
	}
	if o.raw, err = base64.StdEncoding.DecodeString(one(p, "bodyBase64").text()); err != nil {
		return fmt.Errorf("bodyBase64: %w", err)
	}
	o.method, o.omit, o.poll, o.gzip = one(p, "method").text(), texts(p["omitHeader"]), one(p, "poll").number(), one(p, "gzip").yes()
	if o.Encode == nil {
		return errors.New("encodeRequestUrl is required")
	}
	if o.SourceID != "" && s.fixtures[o.SourceID] == nil && !s.stores(o.SourceID) {
		return fmt.Errorf("sourceId %s is neither a fixture nor a response", o.SourceID)
	}
	if o.SourceID == "" && o.URL == "" && o.Params == "" && o.TargetID == "" && !slices.Contains([]string{"capabilities", "search", "transaction", "history"}, o.Type.Code) {
		return errors.New("it needs sourceId, targetId, params or url (tst-7)")
	}
	return nil
}

// stores tells whether some operation keeps its request or response under the id.
func (s *script) stores(id string) bool {
	lists := [][]*scriptAction{s.doc.Setup.Action}
	for _, t := range s.doc.Test {
		lists = append(lists, t.Action)
	}
	for _, list := range lists {
		for _, a := range list {
			if a.Operation != nil && (a.Operation.ResponseID == id || a.Operation.RequestID == id) {
				return true
			}
		}
	}
	return false
}
