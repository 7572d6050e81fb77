package main

import (
	"bytes"
	"strings"
	"testing"
)

const sample = `{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestOne"}
{"Action":"output","Package":"m/a","Test":"TestOne","Output":"=== RUN   TestOne\n"}
{"Action":"pass","Package":"m/a","Test":"TestOne","Elapsed":0}
{"Action":"output","Package":"m/a","Test":"TestTwo","Output":"=== RUN   TestTwo\n"}
{"Action":"output","Package":"m/a","Test":"TestTwo","Output":"    a_test.go:12: no /dev/fuse\n"}
{"Action":"output","Package":"m/a","Test":"TestTwo","Output":"--- SKIP: TestTwo (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestTwo","Elapsed":0}
{"Action":"pass","Package":"m/a","Elapsed":0.2}
{"Action":"skip","Package":"m/none","Elapsed":0}
`

const broken = `{"ImportPath":"m/b [m/b.test]","Action":"build-output","Output":"b.go:1: undefined: x\n"}
{"ImportPath":"m/b [m/b.test]","Action":"build-fail"}
{"Action":"fail","Package":"m/b","Elapsed":0,"FailedBuild":"m/b [m/b.test]"}
{"Action":"output","Package":"m/c","Test":"TestBad","Output":"    c_test.go:3: wrong\n"}
{"Action":"fail","Package":"m/c","Test":"TestBad","Elapsed":0}
{"Action":"fail","Package":"m/c","Elapsed":0.1}
{"Action":"output","Package":"m/d","Test":"TestDies","Output":"panic: no\n"}
{"Action":"fail","Package":"m/d","Elapsed":0.1}
`

func summarize(t *testing.T, input string, ci bool) (string, bool) {
	t.Helper()
	var out bytes.Buffer
	s := summary{out: &out, output: map[key][]string{}, builds: map[string][]string{}, packages: map[string]bool{}}
	if err := s.read(strings.NewReader(input)); err != nil {
		t.Fatal(err)
	}
	good := s.report(ci, 0)
	return out.String(), good
}

func TestSummary(t *testing.T) {
	tests := []struct {
		name, input string
		ci, good    bool
		want        []string
	}{
		{"skipped at home", sample, false, true, []string{"m/a TestTwo: no /dev/fuse\n", "\n1 passed, 0 failed, 1 skipped\n"}},
		{"skipped in CI", sample, true, false, []string{"a skipped test is a failure", "\n1 passed, 0 failed, 1 skipped\n"}},
		{"broken", sample + broken, false, false, []string{"undefined: x", "--- m/c TestBad", "c_test.go:3: wrong", "panic: no", "\n1 passed, 3 failed, 1 skipped\n"}},
		{"nothing", "", false, false, []string{"No test was run", "\n0 passed, 0 failed, 0 skipped\n"}},
		{"not an event", "go: no such module\n", false, false, []string{"go: no such module\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, good := summarize(t, tt.input, tt.ci)
			if good != tt.good {
				t.Errorf("good is %v", good)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("want %q in:\n%s", want, out)
				}
			}
		})
	}
}
