package gateway

import "testing"

func TestParsePrefer(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		want  preferences
	}{
		{"none", nil, preferences{}},
		{"one", []string{"return=minimal"}, preferences{returns: "minimal"}},
		{"several", []string{"return=minimal, handling=strict,respond-async"}, preferences{"minimal", "strict", true}},
		{"several lines", []string{"return=representation", "handling=lenient"}, preferences{returns: "representation", handling: "lenient"}},
		{"case", []string{"Return=Minimal, RESPOND-ASYNC"}, preferences{returns: "minimal", async: true}},
		{"quoted", []string{`return="OperationOutcome"`}, preferences{returns: "OperationOutcome"}},
		{"white space", []string{` return = minimal `}, preferences{returns: "minimal"}},
		{"first wins", []string{"return=minimal, return=representation", "return=OperationOutcome"}, preferences{returns: "minimal"}},
		{"first wins even if unknown", []string{"return=everything, return=minimal"}, preferences{}},
		{"parameters", []string{"return=minimal; handling=strict, wait=10; respond-async"}, preferences{returns: "minimal"}},
		{"others", []string{`foo; bar="return=minimal, x", wait=100`}, preferences{}},
		{"comma in quotes", []string{`foo="a, return=minimal", handling=strict`}, preferences{handling: "strict"}},
		{"respond-async with a value", []string{"respond-async=10"}, preferences{async: true}},
	} {
		if got := parsePrefer(tc.lines); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func FuzzParsePrefer(f *testing.F) {
	for _, seed := range []string{"return=minimal", `a="b\"c", return=representation; x`, ",;,", `respond-async, wait="1`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p := parsePrefer([]string{in})
		if p.returns != "" && p.returns != returnMinimal && p.returns != returnRepresentation && p.returns != returnOutcome {
			t.Fatalf("return %q", p.returns)
		}
		if p != parsePrefer([]string{in, in}) {
			t.Fatal("a second line changed the first")
		}
	})
}
