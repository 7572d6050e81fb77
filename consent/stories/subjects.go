package stories

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chartseal/chartseal/consent"
)

const (
	systemReason          = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemActCode         = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	systemConfidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
)

// actor completes the caller from the folder.
func (f *folder) actor(a *actor, custodian string) consent.Actor {
	caller := consent.Actor{Refs: append([]string{a.Reference}, a.MemberOf...), DelegateFor: a.DelegateFor}
	if strings.HasPrefix(a.Reference, "Patient/") {
		caller.Patient = a.Reference
	}
	if system, code, ok := strings.Cut(a.Role, "|"); ok {
		caller.Roles = append(caller.Roles, consent.Coding{System: system, Code: code})
	}
	inGroup := slices.ContainsFunc(a.MemberOf, func(ref string) bool { return strings.HasPrefix(ref, "Group/") })
	for _, ref := range f.refs {
		switch doc := f.docs[ref]; doc.text("resourceType") {
		case "PractitionerRole":
			if ref == a.Reference || doc.child("practitioner").text("reference") == a.Reference {
				caller.Refs = append(caller.Refs, ref, doc.child("organization").text("reference"))
				caller.Roles = append(caller.Roles, doc.codings("code")...)
			}
		case "Group":
			for _, member := range doc.children("member") {
				if member.child("entity").text("reference") == a.Reference {
					caller.Refs = append(caller.Refs, ref)
					inGroup = inGroup || doc.text("type") == "practitioner"
				}
			}
		}
	}
	caller.Refs = slices.DeleteFunc(caller.Refs, func(ref string) bool { return ref == "" })
	caller.Workforce, caller.BreakGlass = works(caller.Refs, custodian), inGroup
	if a.Workforce != nil {
		caller.Workforce = *a.Workforce
	}
	if a.BreakGlass != nil {
		caller.BreakGlass = *a.BreakGlass
	}
	return caller
}

// works tells whether a caller is taken for the custodian's workforce: a
// practitioner who belongs to the custodian or to no organization at all.
func works(refs []string, custodian string) bool {
	practitioner, elsewhere := false, false
	for _, ref := range refs {
		switch typ, _, _ := strings.Cut(ref, "/"); typ {
		case "Practitioner", "PractitionerRole":
			practitioner = true
		case "Organization":
			if ref == custodian {
				return true
			}
			elsewhere = true
		}
	}
	return practitioner && !elsewhere
}

// resource completes the data from the folder.
func (f *folder) resource(r *resource) (consent.Resource, error) {
	res := consent.Resource{Type: r.Type}
	if r.ID == "" {
		return res, nil
	}
	res.Ref = r.Type + "/" + r.ID
	doc := f.docs[res.Ref]
	if r.SecurityLabel != nil {
		res.Security = codings(*r.SecurityLabel, labelSystem)
	} else {
		for _, label := range doc.child("meta").children("security") {
			res.Security = append(res.Security, consent.Coding{System: label.text("system"), Code: label.text("code")})
		}
	}
	if r.Code != nil {
		res.Codes = codings(*r.Code, func(string) string { return "" })
	} else {
		res.Codes = doc.codings("code")
	}
	if r.Author != nil {
		res.Authors = []string{*r.Author}
	} else {
		for _, name := range []string{"author", "performer", "recorder", "asserter"} {
			res.Authors = references(doc[name], res.Authors)
		}
	}
	res.RelatedTo = references(doc, nil)
	if r.Encounter != nil {
		res.RelatedTo = []string{*r.Encounter}
	}
	updated := doc.child("meta").text("lastUpdated")
	var err error
	if res.Created, err = moment(r.Created, updated); err != nil {
		return res, err
	}
	res.LastUpdated, err = moment(r.Updated, updated)
	return res, err
}

// codings reads codes; system gives the code system of bare ones.
func codings(codes []string, system func(code string) string) []consent.Coding {
	found := make([]consent.Coding, 0, len(codes))
	for _, code := range codes {
		if i := strings.LastIndexByte(code, '|'); i >= 0 {
			found = append(found, consent.Coding{System: code[:i], Code: code[i+1:]})
		} else {
			found = append(found, consent.Coding{System: system(code), Code: code})
		}
	}
	return found
}

func labelSystem(code string) string {
	switch {
	case len(code) == 1 && strings.Contains("ULMNRV", code):
		return systemConfidentiality
	case code == "HTEST":
		return systemReason
	}
	return systemActCode
}

// moment reads the first non-empty of several FHIR dates, in UTC if they name
// no zone. A partial date is its first instant; no date is the zero time.
func moment(dates ...string) (time.Time, error) {
	for _, date := range dates {
		if date == "" {
			continue
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02", "2006-01", "2006"} {
			if t, err := time.Parse(layout, date); err == nil {
				return t, nil
			}
		}
		return time.Time{}, fmt.Errorf("created or updated is not a FHIR date: %w", ErrStory)
	}
	return time.Time{}, nil
}
