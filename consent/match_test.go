package consent_test

import (
	"testing"
	"time"

	"github.com/chartseal/chartseal/consent"
)

// TestLabels is the table of section 2 on securityLabel: for each list of
// labels in a provision and on data, whether a permit and a deny of the list
// match.
func TestLabels(t *testing.T) {
	for _, c := range []struct {
		name         string
		listed, data []string
		permit, deny bool
	}{
		{"permit reaches down, deny up: equal", []string{"N"}, []string{"N"}, true, true},
		{"data below", []string{"N"}, []string{"L"}, true, false},
		{"data far below", []string{"R"}, []string{"U"}, true, false},
		{"data above", []string{"N"}, []string{"R"}, false, true},
		{"data at the top", []string{"R"}, []string{"V"}, false, true},
		{"highest of a permit, lowest of a deny", []string{"N", "R"}, []string{"R"}, true, true},
		{"lowest of a deny", []string{"R", "V"}, []string{"N"}, true, false},
		{"highest label of the data counts", []string{"N"}, []string{"N", "R"}, false, true},
		{"no label: permit no, deny as normal", []string{"N"}, nil, false, true},
		{"no label is not restricted", []string{"R"}, nil, false, false},
		{"stigma raises normal", []string{"N"}, []string{"N", "PSY"}, false, true},
		{"stigma alone is restricted", []string{"R"}, []string{"PSY"}, true, true},
		{"stigma does not lower", []string{"R"}, []string{"V", "PSY"}, false, true},
		{"what does not stigmatise is normal", []string{"N"}, []string{"DEMO"}, true, true},
		{"and stays low", []string{"L"}, []string{"L", "DEMO"}, true, true},
		{"unknown sensitivities may stigmatise", []string{"N"}, []string{"N", "FUTURECODE"}, false, true},
		{"obligations are no sensitivities", []string{"N"}, []string{"N", "NORDSCLCD"}, true, true},
		{"retired confidentiality", []string{"N"}, []string{"T"}, false, true},
		{"foreign confidentiality", []string{"R"}, []string{"X"}, false, true},
		{"sensitivity", []string{"PSY"}, []string{"PSY", "R"}, true, true},
		{"subsumed", []string{"SPI"}, []string{"OPIOIDUD", "R"}, true, true},
		{"not the other way", []string{"OPIOIDUD"}, []string{"SPI", "R"}, false, false},
		{"permit must cover all, deny any", []string{"PSY"}, []string{"PSY", "HIV", "R"}, false, true},
		{"all covered by several", []string{"PSY", "HIV"}, []string{"PSY", "HIV", "R"}, true, true},
		{"sensitivity list without one on the data", []string{"PSY"}, []string{"R"}, false, false},
		{"level or sensitivity", []string{"N", "PSY"}, []string{"PSY", "R"}, true, true},
		{"level covers any sensitivity", []string{"R", "PSY"}, []string{"HIV", "R"}, true, true},
		{"ETH: denies as PCF, permits as R4", []string{"ETH"}, []string{"ETHUD", "R"}, false, true},
		{"ETH itself", []string{"ETH"}, []string{"ETH", "R"}, true, true},
		{"handling label listed", []string{"NORDSCLCD"}, []string{"NORDSCLCD"}, true, true},
		{"handling label not listed", []string{"NORDSCLCD"}, []string{"N"}, false, false},
		{"many sensitivities", []string{"PSY", "HIV", "SDV", "STD", "SEX"}, []string{"PSY", "HIV", "SDV", "STD", "SEX"}, true, true},
		{"many sensitivities, one not covered", []string{"PSY", "HIV", "SDV", "STD"}, []string{"PSY", "HIV", "SDV", "STD", "SEX"}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			permits := compile(t, obj{"type": "permit", "securityLabel": labels(c.listed...)})
			got := decide(t, []*consent.Policy{permits}, optIn(), stranger(), observation(c.data...))
			if (got.Effect == consent.Permit) != c.permit {
				t.Errorf("permit %v on %v: %v", c.listed, c.data, got)
			}
			denies := compile(t, obj{"type": "permit", "provision": []obj{{"type": "deny", "securityLabel": labels(c.listed...)}}})
			got = decide(t, []*consent.Policy{denies}, optIn(), stranger(), observation(c.data...))
			if (got.Effect == consent.Deny) != c.deny {
				t.Errorf("deny %v on %v: %v", c.listed, c.data, got)
			}
		})
	}
}

// TestProvisionElements: one element each, in a root permit under opt-in and in
// a root deny beside a full permit.
func TestProvisionElements(t *testing.T) {
	loinc := func(code string) []obj { return []obj{concept(coding("http://loinc.org", code))} }
	data := func(meaning, ref string) []obj {
		return []obj{{"meaning": meaning, "reference": obj{"reference": ref}}}
	}
	author := observation("N")
	author.Authors = nil
	timeless := observation("N")
	timeless.Created, timeless.LastUpdated = time.Time{}, time.Time{}
	profiled := observation("N")
	profiled.Classes = []consent.Coding{{System: "urn:ietf:rfc:3986", Code: "http://example.org/profile"}}
	for _, c := range []struct {
		name         string
		element      obj
		change       func(*consent.Request)
		res          consent.Resource
		permit, deny bool
	}{
		{name: "nothing", element: obj{}, permit: true, deny: true},
		{name: "person", element: obj{"actor": recipients("Practitioner/doctor")}, permit: true, deny: true},
		{name: "organization", element: obj{"actor": recipients("Practitioner/x", custodian)}, permit: true, deny: true},
		{name: "any version of a reference", element: obj{"actor": recipients("Practitioner/doctor/_history/2")}, permit: true, deny: true},
		{name: "somebody else", element: obj{"actor": recipients("Practitioner/x")}},
		{name: "patient as caller", element: obj{"actor": recipients("Patient/friend")}, change: func(r *consent.Request) {
			r.Actor = consent.Actor{Patient: "Patient/friend"}
		}, permit: true, deny: true},
		{name: "purpose", element: obj{"purpose": purposes("HRESCH", "TREAT")}, permit: true, deny: true},
		{name: "narrower purpose asked", element: obj{"purpose": purposes("TREAT")}, change: func(r *consent.Request) {
			r.Purposes = []string{"BTG"}
		}, permit: true, deny: true},
		{name: "broader purpose asked", element: obj{"purpose": purposes("ETREAT")}},
		{name: "older name of the code system", element: obj{"purpose": []obj{coding("urn:oid:2.16.840.1.113883.5.8", "TREAT")}}, permit: true, deny: true},
		{name: "local purpose", element: obj{"purpose": []obj{coding("urn:x", "TREAT")}}},
		{name: "no purpose asked", element: obj{"purpose": purposes("TREAT")}, change: func(r *consent.Request) {
			r.Purposes = nil
		}, permit: false, deny: true},
		{name: "any purpose asked", element: obj{"purpose": purposes("TREAT")}, change: func(r *consent.Request) {
			r.Purposes = []string{"PurposeOfUse"}
		}, permit: false, deny: true},
		{name: "purpose without a system", element: obj{"purpose": []obj{{"code": "TREAT"}}}, permit: false, deny: true},
		{name: "action", element: obj{"action": []obj{concept(coding(actionURI, "access"))}}, permit: true, deny: true},
		{name: "other action", element: obj{"action": []obj{concept(coding(actionURI, "correct"))}}},
		{name: "no action asked", element: obj{"action": []obj{concept(coding(actionURI, "access"))}}, change: func(r *consent.Request) {
			r.Action = ""
		}, permit: false, deny: true},
		{name: "instance", element: obj{"data": data("instance", "Observation/o")}, permit: true, deny: true},
		{name: "instance, any version", element: obj{"data": data("instance", "Observation/o/_history/7")}, permit: true, deny: true},
		{name: "instance is not what refers to it", element: obj{"data": data("instance", "Encounter/e")}},
		{name: "related", element: obj{"data": data("related", "Encounter/e")}, permit: true, deny: true},
		{name: "dependents", element: obj{"data": data("dependents", "Encounter/e")}, permit: true, deny: true},
		{name: "related, the thing itself", element: obj{"data": data("related", "Observation/o")}, permit: true, deny: true},
		{name: "authored by", element: obj{"data": data("authoredby", "Practitioner/author")}, permit: true, deny: true},
		{name: "authored by another", element: obj{"data": data("authoredby", "Practitioner/doctor")}},
		{name: "author unknown", element: obj{"data": data("authoredby", "Practitioner/author")}, res: author},
		{name: "code", element: obj{"code": loinc("1234-5")}, permit: true, deny: true},
		{name: "other code", element: obj{"code": loinc("2345-6")}},
		{name: "class", element: obj{"class": []obj{coding("http://hl7.org/fhir/resource-types", "Observation")}}, permit: true, deny: true},
		{name: "other class", element: obj{"class": []obj{coding("http://hl7.org/fhir/resource-types", "Encounter")}}},
		{name: "class by profile", element: obj{"class": []obj{coding("urn:ietf:rfc:3986", "http://example.org/profile")}}, res: profiled, permit: true, deny: true},
		{name: "created inside", element: obj{"dataPeriod": obj{"start": "2020", "end": "2020"}}, permit: true, deny: true},
		{name: "updated inside", element: obj{"dataPeriod": obj{"start": "2021-07-01", "end": "2021-07-01"}}, permit: true, deny: true},
		{name: "neither", element: obj{"dataPeriod": obj{"end": "2019-12"}}},
		{name: "times unknown", element: obj{"dataPeriod": obj{"end": "2030"}}, res: timeless, permit: false, deny: true},
		{name: "elements are in AND", element: obj{"actor": recipients("Practitioner/doctor"), "purpose": purposes("HMARKT")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, res := doctor(), c.res
			if c.change != nil {
				c.change(&req)
			}
			if res.Ref == "" {
				res = observation("N")
			}
			for _, typ := range []string{"permit", "deny"} {
				provision := obj{"type": typ}
				for name, value := range c.element {
					provision[name] = value
				}
				policies := []*consent.Policy{compile(t, provision)}
				want := c.permit
				if typ == "deny" {
					policies = append(policies, compile(t, obj{"type": "permit"}, obj{"id": "all"}))
					want = !c.deny
				}
				if got := decide(t, policies, optIn(), req, res); (got.Effect == consent.Permit) != want {
					t.Errorf("%s: %+v", typ, got)
				}
			}
		})
	}
}

// TestActors: how a caller is recognised, and what happens when it is not known
// well enough.
func TestActors(t *testing.T) {
	identifier := obj{"identifier": obj{"system": "urn:staff", "value": "1"}}
	role := func(codes ...obj) obj { return concept(codes...) }
	recipient, job, author := coding(partURI, "IRCP"), coding("urn:roles", "doctor"), coding(partURI, "AUT")
	ref := func(r string) obj { return obj{"reference": r} }
	nobody := func(a *consent.Actor) { a.Refs, a.Roles = []string{"Practitioner/doctor"}, nil }
	for _, c := range []struct {
		name         string
		actor        obj
		change       func(*consent.Actor)
		permit, deny bool
	}{
		{"identifier", obj{"role": role(recipient), "reference": identifier}, nil, true, true},
		{"other identifier", obj{"role": role(recipient), "reference": obj{"identifier": obj{"system": "urn:staff", "value": "9"}}}, nil, false, false},
		{"caller without identifiers", obj{"role": role(recipient), "reference": identifier}, nobody, false, true},
		{"role held", obj{"role": role(job), "reference": ref("Practitioner/doctor")}, nil, true, true},
		{"role not held", obj{"role": role(coding("urn:roles", "nurse")), "reference": ref("Practitioner/doctor")}, nil, false, false},
		{"role held by somebody else", obj{"role": role(job), "reference": ref("Practitioner/x")}, nil, false, false},
		{"caller without roles", obj{"role": role(job), "reference": ref("Practitioner/doctor")}, nobody, false, true},
		{"role alone", obj{"role": role(job)}, nil, true, true},
		{"role without a system", obj{"role": role(obj{"code": "doctor"}), "reference": ref("Practitioner/doctor")}, nil, false, true},
		{"primary recipient", obj{"role": role(coding(partURI, "PRCP")), "reference": ref("Practitioner/doctor")}, nil, true, true},
		{"a translation of recipient", obj{"role": role(coding("urn:x", "y"), recipient), "reference": ref("Practitioner/doctor")}, nil, true, true},
		{"role in words", obj{"role": obj{"text": "my doctor"}, "reference": ref("Practitioner/doctor")}, nil, false, true},
		{"literal and identifier", obj{"role": role(recipient), "reference": obj{"reference": "Practitioner/x", "identifier": identifier["identifier"]}}, nil, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := doctor()
			if c.change != nil {
				c.change(&req.Actor)
			}
			permits := compile(t, obj{"type": "permit", "actor": []obj{c.actor}})
			if got := decide(t, []*consent.Policy{permits}, optIn(), req, observation("N")); (got.Effect == consent.Permit) != c.permit {
				t.Errorf("permit: %+v", got)
			}
			denies := compile(t, obj{"type": "permit", "provision": []obj{{"type": "deny", "actor": []obj{c.actor}}}})
			if got := decide(t, []*consent.Policy{denies}, optIn(), req, observation("N")); (got.Effect == consent.Deny) != c.deny {
				t.Errorf("deny: %+v", got)
			}
		})
	}
	// A part in the data is not a part in the request: nobody meets a permit, and
	// a deny is refused (see TestCompileErrors).
	permits := compile(t, obj{"type": "permit", "actor": []obj{{"role": role(author), "reference": ref("Practitioner/doctor")}}})
	if got := decide(t, []*consent.Policy{permits}, optIn(), doctor(), observation("N")); got.Effect != consent.Deny {
		t.Errorf("permit to authors: %+v", got)
	}
}

// TestPeriods: both ends are inclusive and cover all of their precision, dates
// are of the configured zone.
func TestPeriods(t *testing.T) {
	east := time.FixedZone("+05:30", 5*3600+1800)
	for _, c := range []struct {
		name   string
		period obj
		zone   *time.Location
		now    string
		in     bool
	}{
		{"last second of a day", obj{"end": "2022-12-31"}, nil, "2022-12-31T23:59:59.999999Z", true},
		{"after the day", obj{"end": "2022-12-31"}, nil, "2023-01-01T00:00:00Z", false},
		{"end of a month", obj{"end": "2024-02"}, nil, "2024-02-29T23:59:59Z", true},
		{"after the month", obj{"end": "2024-02"}, nil, "2024-03-01T00:00:00Z", false},
		{"end of a year", obj{"end": "2024"}, nil, "2024-12-31T23:59:59Z", true},
		{"after the year", obj{"end": "2024"}, nil, "2025-01-01T00:00:00Z", false},
		{"first moment", obj{"start": "2023"}, nil, "2023-01-01T00:00:00Z", true},
		{"before it", obj{"start": "2023"}, nil, "2022-12-31T23:59:59.999999Z", false},
		{"east: day begins earlier", obj{"start": "2023-01-01"}, east, "2022-12-31T18:30:00Z", true},
		{"east: not yet", obj{"start": "2023-01-01"}, east, "2022-12-31T18:29:59Z", false},
		{"east: day ends earlier", obj{"end": "2022-12-31"}, east, "2022-12-31T18:30:00Z", false},
		{"instants keep their zone", obj{"end": "2022-12-31T23:00:00-05:00"}, east, "2023-01-01T04:00:00Z", true},
		{"the whole last second", obj{"end": "2022-12-31T23:00:00Z"}, nil, "2022-12-31T23:00:00.9Z", true},
		{"not the next", obj{"end": "2022-12-31T23:00:00Z"}, nil, "2022-12-31T23:00:01Z", false},
		{"the whole millisecond", obj{"end": "2022-12-31T23:00:00.500Z"}, nil, "2022-12-31T23:00:00.5009Z", true},
		{"open", obj{}, nil, "0001-01-01T00:00:00Z", true},
		{"before 1970", obj{"start": "1901-05", "end": "1901-05-31"}, nil, "1901-05-31T12:00:00Z", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339Nano, c.now)
			if err != nil {
				t.Fatal(err)
			}
			for _, assumed := range []string{"UTC", "America/New_York"} {
				raw := consentJSON(t, obj{"type": "permit", "period": c.period})
				o := consent.Options{Location: c.zone}
				if assumed != "UTC" {
					if o.Location, err = time.LoadLocation(assumed); err != nil || c.zone != nil {
						continue // the machine has no zones, or the case has its own
					}
				}
				p, err := consent.Compile(parse(t, raw, assumed), o)
				if err != nil {
					t.Fatal(err)
				}
				at := now
				if o.Location != nil && c.zone == nil && !hasZone(c.period) {
					at = time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(), now.Nanosecond(), o.Location)
				}
				got := decideAt(t, []*consent.Policy{p}, optIn(), stranger(), observation("N"), at)
				if (got.Effect == consent.Permit) != c.in {
					t.Errorf("dates assumed in %s: %+v", assumed, got)
				}
			}
		})
	}
}

// hasZone: some end of the period is an instant.
func hasZone(period obj) bool {
	for _, end := range period {
		if s, ok := end.(string); ok && len(s) > len("2006-01-02") {
			return true
		}
	}
	return false
}
