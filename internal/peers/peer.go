package peers

import (
	"os"
	"path/filepath"
	"testing"
)

// Peer is a server that runs until Stop.
type Peer struct {
	*Process
	Name string
	Port int    // DICOM, on the loopback address
	AET  string // its application entity title
	HTTP int    // its HTTP interface, if it has one
	Dir  string // its storage
}

// Address returns where its DICOM listener is.
func (p *Peer) Address() string { return Address(p.Port) }

// Files returns what lies in its storage, below any depth.
func (p *Peer) Files() []string {
	var files []string
	filepath.WalkDir(p.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return nil
	})
	return files
}

// Spec describes a peer that Start can start.
type Spec interface {
	// tools are the programs it needs.
	tools() []string
	// start starts it with dir, an empty folder, for all that it writes.
	start(dir string) (*Peer, error)
}

// Start starts a peer that writes below dir, an empty folder. It accepts
// connections when Start returns.
func Start(dir string, s Spec) (*Peer, error) { return s.start(dir) }

// Run starts a peer for as long as the test runs, and skips the test if its
// program is not installed.
func Run(tb testing.TB, s Spec) *Peer {
	tb.Helper()
	Need(tb, s.tools()...)
	p, err := s.start(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		p.Stop()
		if tb.Failed() {
			tb.Logf("%s said:\n%s", p.Name, tail(p.Log(), 4000))
		}
	})
	return p
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// storage makes the folder of that name below dir.
func storage(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.Mkdir(path, 0o700)
}
