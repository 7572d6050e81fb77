package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFlags(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		env  string
		rest []string
		flag string
	}{
		{"none", nil, "", nil, "default"},
		{"before", []string{"--some-flag", "x", "a", "b"}, "", []string{"a", "b"}, "x"},
		{"after", []string{"a", "b", "--some-flag", "x"}, "", []string{"a", "b"}, "x"},
		{"between", []string{"a", "-some-flag=x", "b"}, "", []string{"a", "b"}, "x"},
		{"the last one counts", []string{"--some-flag", "x", "a", "--some-flag", "y"}, "", []string{"a"}, "y"},
		{"environment", []string{"a"}, "e", []string{"a"}, "e"},
		{"flag over environment", []string{"a", "--some-flag", "x"}, "e", []string{"a"}, "x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.env != "" {
				t.Setenv("CHARTSEAL_SOME_FLAG", tc.env)
			}
			fs := newFlags("test", io.Discard)
			got := fs.String("some-flag", "default", "")
			rest, err := parseFlags(fs, tc.args)
			if err != nil {
				t.Fatal(err)
			}
			if *got != tc.flag {
				t.Errorf("flag %q, want %q", *got, tc.flag)
			}
			if d := cmp.Diff(tc.rest, rest); d != "" {
				t.Error(d)
			}
		})
	}
}

// Wrong calls exit 2, failures 1, and each tells what to do next.
func TestExitCodes(t *testing.T) {
	none := t.TempDir()
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "Usage:"},
		{[]string{"nonsense"}, exitUsage, "Usage:"},
		{[]string{"serve", "-h"}, exitOK, "-max-body-bytes"},
		{[]string{"serve", "--nonsense"}, exitUsage, "nonsense"},
		{[]string{"token"}, exitUsage, "--scope"},
		{[]string{"token", "--scope", "system/*.r", "--ttl", "soon"}, exitUsage, "ttl"},
		{[]string{"token", "--scope", "system/*.r", "--data-dir", none}, exitFailed, "chartseal serve --data-dir " + none},
		{[]string{"token", "--scope", "system/*.r", "--data-dir", none + "/absent"}, exitFailed, "chartseal serve --data-dir " + none + "/absent"},
		{[]string{"trust", "extra"}, exitUsage, "extra"},
		{[]string{"trust", "--data-dir", none}, exitFailed, "chartseal serve"},
		{[]string{"receipt"}, exitUsage, "TYPE/ID"},
		{[]string{"receipt", "not-a-target"}, exitUsage, "TYPE/ID"},
		{[]string{"receipt", "Patient/1", "--base", "http://127.0.0.1:1/fhir"}, exitFailed, "--base"},
		{[]string{"verify", "x.json"}, exitUsage, "--trust"},
		{[]string{"verify", "x.json", "--trust", none + "/trust.json"}, exitUsage, "chartseal trust"},
		{[]string{"verify", none, "--trust", writeFile(t, "trust.json", "{}")}, exitUsage, "no receipt"},
		{[]string{"load"}, exitUsage, "PATH"},
		{[]string{"bench", "extra"}, exitUsage, "extra"},
		{[]string{"bench", "--concurrency", "many"}, exitUsage, "1,8,64"},
		{[]string{"conformance", "extra"}, exitUsage, "extra"},
		{[]string{"consent", "decide"}, exitUsage, "--data"},
	} {
		var out, messages bytes.Buffer
		if code := run(context.Background(), tc.args, &out, &messages); code != tc.code {
			t.Errorf("chartseal %q: exit %d, want %d: %s", tc.args, code, tc.code, &messages)
		}
		if !strings.Contains(messages.String(), tc.says) {
			t.Errorf("chartseal %q says %q, without %q", tc.args, &messages, tc.says)
		}
		if out.Len() > 0 {
			t.Errorf("chartseal %q printed %q as its result", tc.args, &out)
		}
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	if code := run(context.Background(), []string{"version"}, &out, io.Discard); code != exitOK || out.String() != version+"\n" {
		t.Errorf("exit %d, %q", code, &out)
	}
}
