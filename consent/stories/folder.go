package stories

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"

	"github.com/chartseal/chartseal/consent"
)

// maxFile bounds one file of the folder, in bytes.
const maxFile = 16 << 20

// folder is the FHIR JSON of a directory tree, by "Type/id".
type folder struct {
	docs     map[string]document
	refs     []string                   // the keys of docs, sorted
	consents map[string]*consent.Policy // by id; nil if the file is no FHIR R4 Consent
}

// document is a resource as plain JSON.
type document map[string]any

// openFolder reads all *.json files that hold a resource with an id. Other JSON
// (a stories file, say) is skipped.
func openFolder(dir string) (*folder, error) {
	f := &folder{docs: map[string]document{}, consents: map[string]*consent.Policy{}}
	parser, err := jsonformat.NewUnmarshallerWithoutValidation("UTC", fhirversion.R4)
	if err != nil {
		return nil, fmt.Errorf("prepare FHIR parser: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	defer root.Close() //nolint:errcheck // opened for reading
	err = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() > maxFile {
			return nil
		}
		raw, err := root.ReadFile(path)
		if err != nil {
			return err
		}
		f.add(raw, parser)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	for ref := range f.docs {
		f.refs = append(f.refs, ref)
	}
	slices.Sort(f.refs)
	return f, nil
}

func (f *folder) add(raw []byte, parser *jsonformat.Unmarshaller) {
	var doc document
	if json.Unmarshal(raw, &doc) != nil {
		return
	}
	typ, id := doc.text("resourceType"), doc.text("id")
	if typ == "" || id == "" {
		return
	}
	f.docs[typ+"/"+id] = doc
	if typ == "Consent" {
		f.consents[id] = compile(raw, doc, parser)
	}
}

// compile reads one Consent. One that cannot be compiled denies, as it does in
// the gateway; one that is not FHIR gives nil, since no gateway would hold it.
func compile(raw []byte, doc document, parser *jsonformat.Unmarshaller) *consent.Policy {
	parsed, err := parser.UnmarshalR4(raw)
	if err != nil {
		return nil
	}
	policy, err := consent.Compile(parsed.GetConsent(), consent.Options{Location: time.UTC})
	if err != nil {
		return consent.Unreadable("Consent/"+doc.text("id"), doc.child("patient").text("reference"))
	}
	return policy
}

// policies are the named Consents.
func (f *folder) policies(ids []string) ([]*consent.Policy, error) {
	policies := make([]*consent.Policy, 0, len(ids))
	for _, id := range ids {
		policy := f.consents[id]
		if policy == nil {
			return nil, fmt.Errorf("the folder has no FHIR R4 Consent %q: %w", id, ErrStory)
		}
		policies = append(policies, policy)
	}
	return policies, nil
}

// custodian is the first organization that the Consents name.
func (f *folder) custodian(ids []string) string {
	for _, id := range ids {
		for _, organization := range f.docs["Consent/"+id].children("organization") {
			if ref := organization.text("reference"); ref != "" {
				return ref
			}
		}
	}
	return ""
}

// text is a string member, or "".
func (d document) text(name string) string {
	s, _ := d[name].(string)
	return s
}

// child is an object member, or nil, which has no members.
func (d document) child(name string) document {
	m, _ := d[name].(map[string]any)
	return m
}

// children are the objects of a member that is a list, or the object that it is.
func (d document) children(name string) []document {
	if m := d.child(name); m != nil {
		return []document{m}
	}
	list, _ := d[name].([]any)
	var found []document
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			found = append(found, m)
		}
	}
	return found
}

// codings are the codings of a CodeableConcept member or of a list of them.
func (d document) codings(name string) []consent.Coding {
	var found []consent.Coding
	for _, concept := range d.children(name) {
		for _, coding := range concept.children("coding") {
			found = append(found, consent.Coding{System: coding.text("system"), Code: coding.text("code")})
		}
	}
	return found
}

// references collects every Reference.reference below v.
func references(v any, found []string) []string {
	switch v := v.(type) {
	case document:
		return references(map[string]any(v), found)
	case map[string]any:
		for name, member := range v {
			if ref, ok := member.(string); ok && name == "reference" && !strings.HasPrefix(ref, "#") {
				found = append(found, ref)
			} else {
				found = references(member, found)
			}
		}
	case []any:
		for _, item := range v {
			found = references(item, found)
		}
	}
	return found
}
