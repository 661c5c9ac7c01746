package main

import (
	"bytes"
	"strings"
	"testing"
)

func sum(t *testing.T, lines string) (string, bool) {
	t.Helper()
	var b bytes.Buffer
	s := summary{w: &b, output: map[string][]string{}, skips: map[string]int{}}
	if err := s.read(strings.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
	good := s.print()
	return b.String(), good
}

const passing = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:7: skipped: needs the Debian package dcmtk\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
{"Action":"skip","Package":"q"}
`

func TestPassing(t *testing.T) {
	out, good := sum(t, passing)
	if !good || strings.Contains(out, "chatter") {
		t.Error(out)
	}
	for _, want := range []string{"ok  \tp", "1  skipped: needs the Debian package dcmtk",
		"PASS: 1 packages, 0 failed; 1 tests and subtests passed, 0 failed, 1 skipped"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestFailing(t *testing.T) {
	for name, lines := range map[string]string{
		"a test": `{"Action":"output","Package":"p","Test":"TestA","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`,
		"a build": `{"ImportPath":"p","Action":"build-output","Output":"why\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p"}
`,
		"no package": "why\n",
		"a panic": `{"Action":"output","Package":"p","Output":"why\n"}
{"Action":"fail","Package":"p"}
`,
	} {
		out, good := sum(t, passing+lines)
		if name == "no package" {
			out, good = sum(t, lines)
		}
		if good || !strings.Contains(out, "why") || !strings.Contains(out, "FAIL: ") {
			t.Errorf("%s: %s", name, out)
		}
	}
}
