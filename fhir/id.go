package fhir

// ValidID reports whether s is a FHIR id: 1 to 64 letters, digits, hyphens and dots (R4 section 2.24.0.1).
func ValidID(s string) bool { return validID(s) }
