package main

import (
	"flag"
)

// remoteFlags are the flags of every command that talks to a FHIR server.
func remoteFlags(fs *flag.FlagSet) (base, token *string) {
	return fs.String("base", "http://127.0.0.1:8080/fhir", "FHIR base URL"),
		fs.String("token", "", "access token")
}
