package fhir

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// conceptSet is the value set of a required binding: codes of one system.
type conceptSet struct {
	system string
	codes  []string // nil for all of the system
}

// conceptSets holds the required bindings of CodeableConcept in R4, by message and
// element; google/fhir only knows those of the type code. One is left out,
// MolecularSequence.structureVariant.variantType: its codes are LOINC's to publish.
var conceptSets = map[string]conceptSet{
	"AdverseEvent.severity": {terminology + "adverse-event-severity", []string{"mild", "moderate", "severe"}},
	"AdverseEvent.outcome": {terminology + "adverse-event-outcome", []string{
		"resolved", "recovering", "ongoing", "resolvedWithSequelae", "fatal", "unknown",
	}},
	"AllergyIntolerance.clinicalStatus": {terminology + "allergyintolerance-clinical", []string{"active", "inactive", "resolved"}},
	"AllergyIntolerance.verificationStatus": {terminology + "allergyintolerance-verification", []string{
		"unconfirmed", "confirmed", "refuted", "entered-in-error",
	}},
	"Condition.clinicalStatus": {terminology + "condition-clinical", []string{
		"active", "recurrence", "relapse", "inactive", "remission", "resolved",
	}},
	"Condition.verificationStatus": {terminology + "condition-ver-status", []string{
		"unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error",
	}},
	"EffectEvidenceSynthesis.EffectEstimate.unitOfMeasure":           {ucum, nil},
	"InsurancePlan.Plan.SpecificCost.PlanBenefit.Cost.applicability": {terminology + "applicability", []string{"in-network", "out-of-network", "other"}},
	"Measure.improvementNotation":                                    {terminology + "measure-improvement-notation", []string{"increase", "decrease"}},
	"MeasureReport.improvementNotation":                              {terminology + "measure-improvement-notation", []string{"increase", "decrease"}},
	"ResearchElementDefinition.Characteristic.unitOfMeasure":         {ucum, nil},
	"RiskEvidenceSynthesis.RiskEstimate.unitOfMeasure":               {ucum, nil},
	"SupplyDelivery.type":                                            {terminology + "supply-item-type", []string{"medication", "device"}},
}

const (
	terminology = "http://terminology.hl7.org/CodeSystem/"
	ucum        = "http://unitsofmeasure.org"
	// currencies is bound to Money.currency. ISO 4217 changes between releases of
	// FHIR, so that only the form of its codes is checked.
	currencies = "http://hl7.org/fhir/ValueSet/currencies"
)

// conceptSetOf finds the required binding of an element of a message, nil if there is none.
func conceptSetOf(d protoreflect.MessageDescriptor, json string) *conceptSet {
	const core = len("google.fhir.r4.core.")
	name := string(d.FullName())
	if len(name) < core {
		return nil
	}
	set, ok := conceptSets[name[core:]+"."+json]
	if !ok {
		return nil
	}
	return &set
}

// has tells whether a coding is in the set.
func (c *conceptSet) has(system, code []byte) bool {
	return string(system) == c.system && len(code) > 0 && (c.codes == nil || slices.Contains(c.codes, string(code)))
}

// checkConcept checks the CodeableConcept that begins at off against a required
// binding: one of its codings has to be from the value set, text does not do (R4,
// Using Codes in Resources, required). The concept was scanned, and may still be
// wrong in itself.
func (s *scanner) checkConcept(c *conceptSet, off int) {
	if !s.spend(off, s.pos) {
		return
	}
	l := lexer{src: s.src, pos: off, maxDepth: s.maxDepth}
	if at, _, _ := l.findMember("coding"); at >= 0 && l.peek() == '[' {
		for more := l.open(']'); more; more = l.next(']') {
			if l.peek() == '{' && c.hasCoding(&l) {
				return
			}
			l.skip()
		}
	}
	s.report(off, "code-invalid", "no coding is of the required value set")
}

// hasCoding looks at the Coding that begins at the lexer's place and leaves it there.
func (c *conceptSet) hasCoding(l *lexer) bool {
	system, code := *l, *l
	_, sys, isSystem := system.findMember("system")
	_, cod, isCode := code.findMember("code")
	return isSystem && isCode && c.has(l.text(sys, nil), l.text(cod, nil))
}
