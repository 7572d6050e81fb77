package consent

import "sync"

// Code systems. Each has older names in data of earlier versions of FHIR and v3.
const (
	systemReason          = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemActCode         = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	systemConfidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	systemParticipation   = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	systemAction          = "http://terminology.hl7.org/CodeSystem/consentaction"
	systemScope           = "http://terminology.hl7.org/CodeSystem/consentscope"
	systemResourceTypes   = "http://hl7.org/fhir/resource-types"
)

// canonicalSystem maps the older names of a code system to the R4 one.
func canonicalSystem(system string) string {
	switch system {
	case "urn:oid:2.16.840.1.113883.5.8", "http://hl7.org/fhir/v3/ActReason":
		return systemReason
	case "urn:oid:2.16.840.1.113883.5.4", "http://hl7.org/fhir/v3/ActCode":
		return systemActCode
	case "urn:oid:2.16.840.1.113883.5.25", "http://hl7.org/fhir/v3/Confidentiality":
		return systemConfidentiality
	case "urn:oid:2.16.840.1.113883.5.90", "http://hl7.org/fhir/v3/ParticipationType":
		return systemParticipation
	case "http://hl7.org/fhir/consentaction":
		return systemAction
	}
	return system
}

// term is one code of a table in tables.go. Tables are in depth-first order, so
// a subtree is a range.
type term struct {
	code string
	end  termID // index after the last descendant
}

// termID is an index into reasonTerms or policyTerms.
type termID int16

// noTerm is the index of a code that a table lacks.
const noTerm termID = -1

// isA reports whether x is a or a descendant of a, both of the same table.
func isA(table []term, x, a termID) bool {
	return x >= a && a >= 0 && x < table[a].end
}

func index(table []term) map[string]termID {
	byCode := make(map[string]termID, len(table))
	for i, t := range table {
		byCode[t.code] = termID(i) //nolint:gosec // tables have a few hundred entries
	}
	return byCode
}

var (
	reasonIndex = sync.OnceValue(func() map[string]termID { return index(reasonTerms[:]) })
	policyIndex = sync.OnceValue(func() map[string]termID { return index(policyTerms[:]) })
)

// reason finds a purpose of use of v3-ActReason.
func reason(code string) termID { return lookup(reasonIndex(), code) }

// policy finds a policy code of v3-ActCode.
func policy(code string) termID { return lookup(policyIndex(), code) }

func lookup(byCode map[string]termID, code string) termID {
	if id, ok := byCode[code]; ok {
		return id
	}
	return noTerm
}

// landmarks are codes that rules name.
type landmarks struct {
	anyPurpose, treatment, payment, operations, breakGlass termID // of reasonTerms
	sensitivity, obligation, refrain                       termID // of policyTerms
	denyReaches, denyReachesToo                            termID // of policyTerms
	stigmatising                                           [len(stigmatising)]termID
}

var marks = sync.OnceValue(func() *landmarks {
	m := &landmarks{
		anyPurpose: reason("PurposeOfUse"), treatment: reason(PurposeTreatment), payment: reason(PurposePayment),
		operations: reason(PurposeOperations), breakGlass: reason(PurposeBreakGlass),
		sensitivity: policy("_InformationSensitivityPolicy"), obligation: policy("ObligationPolicy"),
		refrain: policy("RefrainPolicy"), denyReaches: policy(denyReaches), denyReachesToo: policy(denyReachesToo),
	}
	for i, code := range stigmatising {
		m.stigmatising[i] = policy(code)
	}
	return m
})

// level is a confidentiality on the scale of v3-Confidentiality.
type level uint8

// The order U<L<M<N<R<V; noLevel is the absence of a code of the order.
const (
	noLevel level = iota
	levelUnrestricted
	levelLow
	levelModerate
	levelNormal
	levelRestricted
	levelVery
)

// levelOf places a code of v3-Confidentiality in the order.
func levelOf(code string) level {
	switch code {
	case "U":
		return levelUnrestricted
	case "L":
		return levelLow
	case "M":
		return levelModerate
	case "N":
		return levelNormal
	case "R":
		return levelRestricted
	case "V":
		return levelVery
	}
	return noLevel
}

// levelOutsideOrder is the level of data labelled with any other code of
// v3-Confidentiality.
func levelOutsideOrder(code string) level {
	for _, t := range confidentialityTerms {
		if t.code == code {
			return stigmaLevel
		}
	}
	return foreignConfidentiality
}
