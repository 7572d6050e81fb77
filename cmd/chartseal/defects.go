//go:build defects

package main

import (
	"net/http"
	"os"

	"github.com/chartseal/chartseal/internal/defects"
)

// served breaks the server as CHARTSEAL_DEFECT or the test says: this is the build that the conformance suite is
// proved with (internal/e2e), and no other.
func served(h http.Handler) (http.Handler, error) {
	return defects.Handler(h, os.Getenv("CHARTSEAL_DEFECT"))
}
