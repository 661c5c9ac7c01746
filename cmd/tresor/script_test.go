package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tresor-pacs/tresor/internal/synth"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tresor": main})
}

// TestScripts runs the command line as a user does. Besides the commands of
// testscript there are: id NAME FILE, which sets $NAME to the member "id" of a
// JSON object; samples DIR, which writes a synthetic CT study of three
// instances and sets $STUDY and $PATIENT; and archive start|stop, which starts
// `tresor serve` on free ports, sets $DICOM and $HTTPS, and ends it with SIGTERM,
// after which its exit status must be 0.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TRESOR_DIR", filepath.Join(e.WorkDir, "data"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"samples": writeSamples, "archive": runArchive, "id": readID,
		},
	})
}

func writeSamples(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	n := 0
	for object := range synth.New(7).Objects(synth.Options{Count: 3, Rows: 32, Columns: 32}) {
		n++
		ts.Check(object.WriteFile(filepath.Join(dir, string(rune('0'+n))+".dcm"), "1.2.840.10008.1.2.1"))
		ts.Setenv("STUDY", string(object.Header.UID(0x0020000D)))
		ts.Setenv("PATIENT", object.Header.String(0x00100020))
	}
}

// archives has the function that ends the archive of each script.
var archives sync.Map

// runArchive starts or stops the archive of a script.
func runArchive(ts *testscript.TestScript, _ bool, args []string) {
	if args[0] == "stop" {
		stop, ok := archives.Load(ts)
		if !ok {
			ts.Fatalf("no archive runs")
		}
		ts.Check(stop.(func() error)())
		return
	}
	program, err := exec.LookPath("tresor")
	ts.Check(err)
	cmd := exec.Command(program, "serve", "--dicom", "127.0.0.1:0", "--https", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "TRESOR_DIR="+ts.Getenv("TRESOR_DIR"))
	log, err := os.Create(ts.MkAbs("serve.log"))
	ts.Check(err)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ended := false
	stop := func() error {
		if ended {
			return nil
		}
		ended = true
		cmd.Process.Signal(syscall.SIGTERM)
		defer log.Close()
		return cmd.Wait()
	}
	ts.Defer(func() { stop() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		ts.Fatalf("the archive does not start: %v\n%s", err, ts.ReadFile("serve.log"))
	}
	for word := range strings.FieldsSeq(line) {
		if name, address, ok := strings.Cut(word, "="); ok {
			ts.Setenv(strings.ToUpper(name), address)
		}
	}
	archives.Store(ts, stop)
}

func readID(ts *testscript.TestScript, _ bool, args []string) {
	var v struct {
		ID string `json:"id"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &v))
	ts.Setenv(args[0], v.ID)
}
