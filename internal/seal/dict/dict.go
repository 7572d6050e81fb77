// Package dict holds the compression dictionaries of sealed bodies.
//
// They are made by gen from public examples only (FHIR R4 and US Core, CC0), never from patients' data: what a
// dictionary holds could be told from the sizes of what is compressed with it, and it is shipped to everybody.
package dict

import _ "embed"

//go:embed v1.zdict
var v1 []byte

// V1 returns dictionary 1, in the format of zstd. The bytes are shared: do not change them.
func V1() []byte { return v1 }
