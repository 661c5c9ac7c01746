package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	surveyscope "github.com/tresor-pacs/tresor/internal/survey/scope"
)

type surveyCommand struct {
	Run    surveyRunCommand    `cmd:"" help:"Look at systems: what would a stranger get from them?"`
	Import surveyImportCommand `cmd:"" help:"Read exports of Shodan, Censys, nmap, masscan, zmap and zgrab2 as a list of targets."`
	Report surveyReportCommand `cmd:"" help:"Make reports, letters and sheets of a state file."`
	Search surveySearchCommand `cmd:"" help:"Search the inventory of all runs."`
	Scope  surveyScopeCommand  `cmd:"" help:"Scope files: who permits whom to look at what."`
}

// surveyGuard are the flags that say where may be looked.
type surveyGuard struct {
	Scope  string `help:"Signed scope file. Without one: loopback and RFC 1918 addresses, up to L2." type:"existingfile" placeholder:"FILE"`
	Signer string `help:"Public key (PEM) that must have signed the scope." type:"existingfile" placeholder:"FILE"`
	OptOut string `name:"opt-out" help:"List of networks that are never looked at, besides those of DIR/survey/opt-out.txt." type:"existingfile" placeholder:"FILE"`
}

// guard reads scope and opt-out list and checks signature and date.
func (f *surveyGuard) guard(g *globals) (*surveyscope.Guard, error) {
	var s *surveyscope.Scope
	if f.Signer != "" && f.Scope == "" {
		return nil, usageError{errors.New("--signer goes with --scope")}
	}
	if f.Scope != "" {
		var err error
		if s, err = readScope(f.Scope); err != nil {
			return nil, err
		}
		if err := s.Usable(time.Now()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Scope, err)
		}
		if err := checkSigner(s, f.Signer); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Scope, err)
		}
	}
	optOut, err := f.readOptOut(g)
	if err != nil {
		return nil, fmt.Errorf("opt-out list: %w", err)
	}
	return surveyscope.NewGuard(s, optOut), nil
}

// readOptOut adds up the list of DIR, which need not be there, and that of the
// flag, which must be.
func (f *surveyGuard) readOptOut(g *globals) ([]netip.Prefix, error) {
	all, err := readPrefixes(filepath.Join(g.Dir, "survey", "opt-out.txt"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if f.OptOut == "" {
		return all, nil
	}
	more, err := readPrefixes(f.OptOut)
	return append(all, more...), err
}

func readPrefixes(path string) ([]netip.Prefix, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	list, err := surveyscope.ReadPrefixes(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func readScope(path string) (*surveyscope.Scope, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := surveyscope.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// checkSigner verifies that the key in a file signed the scope; "" is any key.
func checkSigner(s *surveyscope.Scope, path string) error {
	if path == "" {
		return s.Verify(nil)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	key, err := surveyscope.ParsePublicKey(b)
	if err != nil {
		return err
	}
	return s.Verify(key)
}
