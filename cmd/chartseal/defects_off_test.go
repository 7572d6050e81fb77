package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The seeded defects are in the build for tests, and in no other.
func TestNoDefectsInTheBinary(t *testing.T) {
	deps := func(args ...string) []string {
		out, err := exec.Command("go", append(append([]string{"list", "-deps"}, args...), ".")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	const seeded = "github.com/chartseal/chartseal/internal/defects"
	if slices.Contains(deps(), seeded) {
		t.Error("the binary contains " + seeded)
	}
	if !slices.Contains(deps("-tags", "defects"), seeded) {
		t.Error("the build with the tag defects lacks " + seeded + ": this test looks for the wrong name")
	}
}
