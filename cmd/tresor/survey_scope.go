package main

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	surveyscope "github.com/tresor-pacs/tresor/internal/survey/scope"
)

type surveyScopeCommand struct {
	New   surveyScopeNew   `cmd:"" help:"Write a scope file to be filled in."`
	Sign  surveyScopeSign  `cmd:"" help:"Sign a scope file."`
	Show  surveyScopeShow  `cmd:"" help:"Print what a scope file permits."`
	Check surveyScopeCheck `cmd:"" help:"Check signature and date of a scope file."`
}

type surveyScopeNew struct {
	File string `arg:"" help:"Where to write it." type:"path"`
	ID   string `name:"id" help:"Case number." default:"case"`
	Days int    `help:"How long it is valid." default:"30"`
}

// Run writes the template; a file that is there stays.
func (c *surveyScopeNew) Run(o out) error {
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(surveyscope.Template(c.ID, time.Now().AddDate(0, 0, c.Days)))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o, "Fill in %s, then: tresor survey scope sign %s --key KEY.pem\n", c.File, c.File)
	return err
}

type surveyScopeSign struct {
	File string `arg:"" help:"Scope file." type:"existingfile"`
	Key  string `help:"Private ed25519 key (PEM); it is made if it is not there, with its public key beside it in KEY.pub." required:"" type:"path" placeholder:"KEY"`
}

// Run signs the file in place.
func (c *surveyScopeSign) Run(o out) error {
	key, err := c.key(o)
	if err != nil {
		return err
	}
	file, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	signed, err := surveyscope.Sign(file, key)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if err := os.WriteFile(c.File, signed, 0o600); err != nil {
		return err
	}
	s, err := surveyscope.Parse(signed)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o, "%s is signed by key %s\n", c.File, s.Signer())
	return err
}

func (c *surveyScopeSign) key(o out) (ed25519.PrivateKey, error) {
	b, err := os.ReadFile(c.Key)
	if err == nil {
		return surveyscope.ParseKey(b)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	private, err1 := surveyscope.MarshalKey(key)
	shared, err2 := surveyscope.MarshalPublicKey(public)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.Key, private, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.Key+".pub", shared, 0o644); err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Err, "made a key: %s (keep it) and %s.pub (give it away)\n", c.Key, c.Key)
	return key, nil
}

type surveyScopeShow struct {
	File string `arg:"" help:"Scope file." type:"existingfile"`
}

// Run prints the scope.
func (c *surveyScopeShow) Run(g *globals, o out) error {
	s, err := readScope(c.File)
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(o).Encode(map[string]any{"id": s.ID, "owner": s.Owner, "legal_basis": s.LegalBasis,
			"contact": s.Contact, "valid_until": s.ValidUntil.String(), "networks": s.Networks, "ports": s.Ports,
			"max_level": s.MaxLevel.String(), "size": s.Size, "exclude": s.Exclude, "signer": s.Signer()})
	}
	_, err = fmt.Fprintf(o, "id           %s\nowner        %s\nlegal basis  %s\ncontact      %s\nvalid until  %s\nnetworks     %s\nports        %v\nlevel        %s\nsize         %s\nexclude      %s\nsigned by    %s\n",
		s.ID, s.Owner, s.LegalBasis, s.Contact, s.ValidUntil, strings.Join(s.Networks, ", "), s.Ports,
		s.MaxLevel, s.Size, strings.Join(s.Exclude, ", "), s.Signer())
	return err
}

type surveyScopeCheck struct {
	File   string `arg:"" help:"Scope file." type:"existingfile"`
	Signer string `help:"Public key (PEM) that must have signed it." type:"existingfile" placeholder:"FILE"`
}

// Run checks the scope.
func (c *surveyScopeCheck) Run(o out) error {
	s, err := readScope(c.File)
	if err != nil {
		return err
	}
	if err := s.Usable(time.Now()); err != nil {
		return err
	}
	if err := checkSigner(s, c.Signer); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o, "good: signed by key %s, valid until %s\n", s.Signer(), s.ValidUntil)
	return err
}
