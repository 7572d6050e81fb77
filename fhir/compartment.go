package fhir

import "slices"

// InPatientCompartment reports whether resources of a type can belong to a
// Patient compartment (CompartmentDefinition/patient of R4 4.0.1; a Patient is
// in its own).
func InPatientCompartment(typ string) bool {
	return len(paramTables().compartments["Patient"][typ]) > 0
}

// CompartmentParams lists the codes of the search parameters that place a
// resource of a type in a compartment: Patient/1/Observation is all that has
// Patient/1 as its subject or performer. The compartment is Device, Encounter,
// Patient, Practitioner or RelatedPerson; _id stands for the resource that
// gives the compartment its name. It returns nil if the type has no part in it.
func CompartmentParams(compartment, typ string) []string {
	return slices.Clone(paramTables().compartments[compartment][typ])
}
