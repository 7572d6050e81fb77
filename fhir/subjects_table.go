package fhir

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// subjectRule says where a type names whose data it holds. The elements are
// those of the Patient compartment of R4, and for some types more.
type subjectRule struct {
	// subject names the person or thing that the data is about. A reference
	// there that cannot be resolved leaves the subject open.
	subject string
	// many: subject repeats and holds all kinds of parties, so that one that
	// cannot be named does not matter once a patient is.
	many bool
	// also can place a resource in a patient's compartment, but usually names
	// others: whoever performed, wrote, or pays. Only patients count.
	also string
}

// subjectRules is the table of consent.md, section 2. A type that is not here
// cannot have a subject. Patient is its own, Bundle has those of its entries.
var subjectRules = map[string]subjectRule{
	"Account":                     {subject: "subject", many: true},
	"AdverseEvent":                {subject: "subject"},
	"AllergyIntolerance":          {subject: "patient", also: "recorder | asserter"},
	"Appointment":                 {subject: "participant.actor", many: true},
	"AppointmentResponse":         {subject: "actor"},
	"AuditEvent":                  {subject: "entity.what", many: true, also: "agent.who"},
	"Basic":                       {subject: "subject", also: "author"},
	"BodyStructure":               {subject: "patient"},
	"CarePlan":                    {subject: "subject", also: "activity.detail.performer"},
	"CareTeam":                    {subject: "subject", also: "participant.member"},
	"ChargeItem":                  {subject: "subject"},
	"Claim":                       {subject: "patient", also: "payee.party"},
	"ClaimResponse":               {subject: "patient"},
	"ClinicalImpression":          {subject: "subject"},
	"Communication":               {subject: "subject", also: "sender | recipient"},
	"CommunicationRequest":        {subject: "subject", also: "sender | recipient | requester"},
	"Composition":                 {subject: "subject", also: "author | attester.party"},
	"Condition":                   {subject: "subject", also: "asserter"},
	"Consent":                     {subject: "patient"},
	"Coverage":                    {subject: "beneficiary", also: "policyHolder | subscriber | payor"},
	"CoverageEligibilityRequest":  {subject: "patient"},
	"CoverageEligibilityResponse": {subject: "patient"},
	"DetectedIssue":               {subject: "patient"},
	"DeviceRequest":               {subject: "subject", also: "performer"},
	"DeviceUseStatement":          {subject: "subject"},
	"DiagnosticReport":            {subject: "subject"},
	"DocumentManifest":            {subject: "subject", also: "author | recipient"},
	"DocumentReference":           {subject: "subject", also: "author"},
	"Encounter":                   {subject: "subject"},
	"EnrollmentRequest":           {subject: "candidate"},
	"EpisodeOfCare":               {subject: "patient"},
	"ExplanationOfBenefit":        {subject: "patient", also: "payee.party"},
	"FamilyMemberHistory":         {subject: "patient"},
	"Flag":                        {subject: "subject"},
	"Goal":                        {subject: "subject"},
	"Group":                       {subject: "member.entity", many: true},
	"ImagingStudy":                {subject: "subject"},
	"Immunization":                {subject: "patient"},
	"ImmunizationEvaluation":      {subject: "patient"},
	"ImmunizationRecommendation":  {subject: "patient"},
	"Invoice":                     {subject: "subject", also: "recipient"},
	"List":                        {subject: "subject", also: "source"},
	"MeasureReport":               {subject: "subject"},
	"Media":                       {subject: "subject"},
	"MedicationAdministration":    {subject: "subject", also: "performer.actor"},
	"MedicationDispense":          {subject: "subject", also: "receiver"},
	"MedicationRequest":           {subject: "subject"},
	"MedicationStatement":         {subject: "subject"},
	"MolecularSequence":           {subject: "patient"},
	"NutritionOrder":              {subject: "patient"},
	"Observation":                 {subject: "subject", also: "performer"},
	"Person":                      {subject: "link.target", many: true},
	"Procedure":                   {subject: "subject", also: "performer.actor"},
	"Provenance":                  {subject: "target", many: true},
	"QuestionnaireResponse":       {subject: "subject", also: "author"},
	"RelatedPerson":               {subject: "patient"},
	"RequestGroup":                {subject: "subject", also: "action.participant"},
	"ResearchSubject":             {subject: "individual"},
	"RiskAssessment":              {subject: "subject"},
	"Schedule":                    {subject: "actor", many: true},
	"ServiceRequest":              {subject: "subject", also: "performer"},
	"Specimen":                    {subject: "subject"},
	"SupplyDelivery":              {subject: "patient"},
	"SupplyRequest":               {subject: "deliverTo"},
	"VisionPrescription":          {subject: "patient"},

	// Outside the compartment, but data about somebody all the same.
	"Binary":                     {subject: "securityContext"},
	"BiologicallyDerivedProduct": {subject: "collection.source"},
	"Contract":                   {subject: "subject", many: true},
	"Device":                     {subject: "patient"},
	"DeviceMetric":               {subject: "source"},
	"EnrollmentResponse":         {subject: "request"},
	"GuidanceResponse":           {subject: "subject"},
	"Linkage":                    {subject: "item.resource", many: true},
	"MessageHeader":              {subject: "focus", many: true},
	"PaymentNotice":              {subject: "request | response", many: true},
	"PaymentReconciliation":      {subject: "detail.request | detail.response", many: true},
	"Task":                       {subject: "for"},
	"VerificationResult":         {subject: "target", many: true},
}

// authorElements names who produced the data of a type: wrote, asserted,
// performed, requested or reported it (the W5 mappings author, source and actor
// of R4, without recipients, things and places). It is what a consent means by
// authoredby.
var authorElements = map[string]string{
	"AdverseEvent":                "recorder | contributor",
	"AllergyIntolerance":          "recorder | asserter",
	"AppointmentResponse":         "actor",
	"AuditEvent":                  "agent.who | source.observer",
	"Basic":                       "author",
	"BiologicallyDerivedProduct":  "collection.collector",
	"CarePlan":                    "author | contributor",
	"ChargeItem":                  "performer.actor | enterer",
	"Claim":                       "enterer | provider | careTeam.provider",
	"ClaimResponse":               "insurer | requestor",
	"ClinicalImpression":          "assessor",
	"Communication":               "sender",
	"CommunicationRequest":        "requester | sender",
	"Composition":                 "author | attester.party | section.author",
	"Condition":                   "recorder | asserter",
	"Consent":                     "performer",
	"Contract":                    "author | signer.party",
	"Coverage":                    "payor",
	"CoverageEligibilityRequest":  "enterer | provider",
	"CoverageEligibilityResponse": "insurer | requestor",
	"DetectedIssue":               "author | mitigation.author",
	"DeviceRequest":               "requester | performer",
	"DeviceUseStatement":          "source",
	"DiagnosticReport":            "performer | resultsInterpreter",
	"DocumentManifest":            "author",
	"DocumentReference":           "author | authenticator",
	"Encounter":                   "participant.individual | serviceProvider",
	"EnrollmentRequest":           "provider",
	"EnrollmentResponse":          "organization | requestProvider",
	"EpisodeOfCare":               "careManager | managingOrganization",
	"ExplanationOfBenefit":        "enterer | insurer | provider | careTeam.provider",
	"Flag":                        "author",
	"Goal":                        "expressedBy",
	"GuidanceResponse":            "performer",
	"ImagingStudy":                "interpreter | series.performer.actor",
	"Immunization":                "performer.actor",
	"ImmunizationEvaluation":      "authority",
	"ImmunizationRecommendation":  "authority",
	"Invoice":                     "participant.actor | issuer",
	"Linkage":                     "author",
	"List":                        "source",
	"MeasureReport":               "reporter",
	"Media":                       "operator",
	"MedicationAdministration":    "performer.actor",
	"MedicationDispense":          "performer.actor",
	"MedicationRequest":           "requester | performer | recorder | reported.as(Reference)",
	"MedicationStatement":         "informationSource",
	"MessageHeader":               "enterer | author | responsible | sender",
	"MolecularSequence":           "performer",
	"NutritionOrder":              "orderer",
	"Observation":                 "performer",
	"PaymentNotice":               "provider",
	"PaymentReconciliation":       "paymentIssuer | requestor",
	"Procedure":                   "recorder | asserter | performer.actor",
	"Provenance":                  "agent.who",
	"QuestionnaireResponse":       "author | source",
	"RequestGroup":                "author",
	"RiskAssessment":              "performer",
	"ServiceRequest":              "requester | performer",
	"Specimen":                    "collection.collector",
	"SupplyDelivery":              "supplier",
	"SupplyRequest":               "requester | supplier",
	"Task":                        "requester | owner",
	"VerificationResult":          "primarySource.who | attestation.who",
	"VisionPrescription":          "prescriber",
}

// personPaths are the compiled elements of the tables above for one type.
type personPaths struct{ subject, also, authors []branch }

// personPathsOf compiles a type's elements on first use.
var personPathsOf = sync.OnceValue(func() map[string]func() *personPaths {
	all := map[string]func() *personPaths{}
	for _, typ := range storableTypes() {
		all[typ] = sync.OnceValue(func() *personPaths {
			rule := subjectRules[typ]
			return &personPaths{
				subject: mustCompilePaths(typ, rule.subject),
				also:    mustCompilePaths(typ, rule.also),
				authors: mustCompilePaths(typ, authorElements[typ]),
			}
		})
	}
	return all
})

// mustCompilePaths compiles an entry of the tables; a test compiles all.
func mustCompilePaths(typ, expression string) []branch {
	if expression == "" {
		return nil
	}
	desc := descriptorOf(typ)
	node, err := parseExpression(expression)
	if err == nil {
		var branches []branch
		if branches, err = compilePath(node, scope{resource: desc, context: []protoreflect.MessageDescriptor{desc}}); err == nil {
			return branches
		}
	}
	panic(fmt.Sprintf("fhir: person elements of %s: %v", typ, err))
}
