package stories

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/chartseal/chartseal/consent"
)

// The decisions of a story.
const (
	Permit     = "permit"
	Deny       = "deny"
	Obligation = "permit-with-obligation"
)

// ErrStory is wrapped when a story cannot be decided as written.
var ErrStory = errors.New("story cannot be decided")

// Result is the answer to one story. Its JSON form is that of
// "chartseal consent decide --output json".
type Result struct {
	ID       string   `json:"id"`
	Decision string   `json:"decision"` // permit, deny or permit-with-obligation
	Reasons  []string `json:"reasons"`

	Expect      string `json:"-"` // as the story says
	Certainty   string `json:"-"`
	Alternative string `json:"-"`
}

// Differs reports whether the story expected something else.
func (r Result) Differs() bool { return r.Decision != r.Expect }

// story is one element of a stories file.
type story struct {
	ID             string          `json:"id"`
	Consent        []string        `json:"consent"`
	ImplicitPolicy string          `json:"implicitPolicy"`
	Custodian      string          `json:"custodian"`
	Request        request         `json:"request"`
	Expect         string          `json:"expect"`
	Why            string          `json:"why"`
	Certainty      string          `json:"certainty"`
	Alternative    string          `json:"alternative"`
	Obligation     json.RawMessage `json:"obligation"`
}

type request struct {
	Time     time.Time `json:"time"`
	Actor    actor     `json:"actor"`
	Purpose  []string  `json:"purpose"`
	Action   string    `json:"action"`
	Resource resource  `json:"resource"`
}

type actor struct {
	Reference   string   `json:"reference"`
	Role        string   `json:"role"`
	MemberOf    []string `json:"memberOf"`
	Workforce   *bool    `json:"workforce"`
	BreakGlass  *bool    `json:"breakGlass"`
	DelegateFor []string `json:"delegateFor"`
}

type resource struct {
	Type          string    `json:"type"`
	ID            string    `json:"id"`
	Patient       string    `json:"patient"`
	SecurityLabel *[]string `json:"securityLabel"`
	Created       string    `json:"created"`
	Updated       string    `json:"updated"`
	Effective     string    `json:"effective"`
	Author        *string   `json:"author"`
	Encounter     *string   `json:"encounter"`
	Code          *[]string `json:"code"`
}

// Run decides every story of a file against the FHIR JSON files in dir and its
// subfolders. An error means that the folder or a story cannot be read; stories
// that differ from what they expect are not errors.
func Run(dir string, storiesFile []byte) ([]Result, error) {
	var list []story
	d := json.NewDecoder(bytes.NewReader(storiesFile))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("read stories: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read stories: text after the list: %w", ErrStory)
	}
	data, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	results := make([]Result, 0, len(list))
	for i := range list {
		result, err := data.decide(&list[i])
		if err != nil {
			return nil, fmt.Errorf("story %q: %w", list[i].ID, err)
		}
		results = append(results, result)
	}
	return results, nil
}

// decide answers one story.
func (f *folder) decide(s *story) (Result, error) {
	result := Result{ID: s.ID, Expect: s.Expect, Certainty: s.Certainty, Alternative: s.Alternative}
	implicit, err := consent.ParseImplicitPolicy(s.ImplicitPolicy)
	if err != nil {
		return result, fmt.Errorf("implicitPolicy: %w", err)
	}
	if s.Request.Time.IsZero() || s.Request.Actor.Reference == "" || s.Request.Resource.Type == "" {
		return result, fmt.Errorf("request needs time, actor.reference and resource.type: %w", ErrStory)
	}
	policies, err := f.policies(s.Consent)
	if err != nil {
		return result, err
	}
	env := consent.Environment{Custodian: s.Custodian, Implicit: implicit}
	if env.Custodian == "" {
		env.Custodian = f.custodian(s.Consent)
	}
	req := consent.Request{
		Subject: s.Request.Resource.Patient, Purposes: s.Request.Purpose, Action: s.Request.Action,
		Actor: f.actor(&s.Request.Actor, env.Custodian),
	}
	res, err := f.resource(&s.Request.Resource)
	if err != nil {
		return result, err
	}
	prepared := consent.Prepare(policies, env, req, s.Request.Time)
	decision := prepared.Decide(res)
	search := s.Request.Resource.ID == ""
	switch {
	case search && prepared.NeedsResource():
		result.Decision = Obligation
		result.Reasons = []string{"each entry of the answer is decided by itself"}
		return result, nil
	case decision.Effect == consent.Deny:
		result.Decision = Deny
	case search || len(decision.Obligations) > 0:
		result.Decision = Obligation
	default:
		result.Decision = Permit
	}
	for _, reason := range decision.Reasons {
		result.Reasons = append(result.Reasons, text(reason))
	}
	return result, nil
}

// text writes a reason as one line.
func text(r consent.Reason) string {
	line := r.Text
	if r.Purpose != "" {
		line = r.Purpose + ": " + line
	}
	if r.Consent != "" {
		line += " (" + r.Consent
		if r.Provision != "" {
			line += " " + r.Provision
		}
		line += ")"
	}
	return line
}
