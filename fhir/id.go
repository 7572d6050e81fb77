package fhir

// ValidID reports whether s is a FHIR id that can stand in a URL: 1 to 64 letters, digits, hyphens and dots (R4 section
// 2.24.0.1), but not . and .., which every client and proxy resolves away.
func ValidID(s string) bool { return validID(s) && s != "." && s != ".." }
