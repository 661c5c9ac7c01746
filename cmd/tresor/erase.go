package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/server"
)

type eraseCommand struct {
	Request     eraseRequestCommand     `cmd:"" default:"withargs" help:"Ask for an erasure: a second person has to agree."`
	Agree       eraseAgreeCommand       `cmd:"" help:"Agree to an erasure that somebody else asked for."`
	Withdraw    eraseWithdrawCommand    `cmd:"" help:"End a request."`
	List        eraseListCommand        `cmd:"" help:"List erasures and why they wait."`
	Certificate eraseCertificateCommand `cmd:"" help:"Print the signed certificates of an erasure, or check one."`
}

type eraseRequestCommand struct {
	Study   []string `help:"The study." placeholder:"UID"`
	Patient string   `help:"All studies that the patient has now." placeholder:"ID"`
	Reason  string   `help:"Why: whoever agrees has to judge it." required:"" placeholder:"TEXT"`
	by
}

// Run asks for the erasure.
func (c *eraseRequestCommand) Run(ctx context.Context, g *globals, o out) error {
	if (len(c.Study) == 0) == (c.Patient == "") {
		return usageError{errors.New("give either --study or --patient")}
	}
	return change(g, func(a *server.Admin) error {
		who, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		var studies []dicom.UID
		for _, s := range c.Study {
			studies = append(studies, dicom.UID(s))
		}
		if c.Patient != "" {
			if studies, err = server.StudiesOf(ctx, g.Dir, c.Patient); err != nil {
				return err
			}
		}
		e, err := a.Access.RequestErasure(ctx, who, studies, c.Reason)
		if err != nil {
			return err
		}
		if g.JSON {
			return json.NewEncoder(o).Encode(e)
		}
		_, err = fmt.Fprintf(o, "%s requested for %d studies; another person agrees with: tresor erase agree %s --by NAME\n", e.ID, len(e.Studies), e.ID)
		return err
	})
}

type eraseAgreeCommand struct {
	ID   string        `arg:"" help:"As list prints it."`
	Wait time.Duration `help:"How long to wait for a running server to carry it out." default:"30s"`
	by
}

// Run agrees, and carries out what need not wait.
func (c *eraseAgreeCommand) Run(ctx context.Context, g *globals, o out) error {
	config, err := server.LoadConfig(g.Dir, "")
	if err != nil {
		return err
	}
	return withAdmin(g, func(a *server.Admin) error {
		who, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		if err := a.Access.AgreeToErasure(ctx, who, c.ID); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, c.Wait)
		defer cancel()
		err = a.Perform(ctx, config, func() bool { e, ok := erasure(a, c.ID); return ok && carriedOut(&e) })
		if err != nil {
			return err
		}
		e, _ := erasure(a, c.ID)
		return printErasure(newPrinter(g, o, erasureHead), &e)
	})
}

// carriedOut reports whether every study of an erasure is erased or waits.
func carriedOut(e *access.Erasure) bool { return len(e.Certificates)+len(e.Waits) >= len(e.Studies) }

func erasure(a *server.Admin, id string) (access.Erasure, bool) {
	for _, e := range a.Access.Erasures() {
		if e.ID == id {
			return e, true
		}
	}
	return access.Erasure{}, false
}

const erasureHead = "ID\tSTATE\tSTUDIES\tERASED\tREQUESTED BY\tAGREED BY\tWAITS"

func printErasure(p *printer, e *access.Erasure) error {
	var waits []string
	for study, why := range e.Waits {
		waits = append(waits, string(study)+": "+why)
	}
	err := p.line(e, "%s\t%s\t%d\t%d\t%s\t%s\t%s", e.ID, e.State(), len(e.Studies), len(e.Certificates), e.By, e.AgreedBy, strings.Join(waits, "; "))
	return errors.Join(err, p.end())
}

type eraseWithdrawCommand struct {
	ID string `arg:"" help:"As list prints it."`
	by
}

// Run withdraws.
func (c *eraseWithdrawCommand) Run(ctx context.Context, g *globals) error {
	return change(g, func(a *server.Admin) error {
		who, err := c.actor(ctx, a)
		if err != nil {
			return err
		}
		return a.Access.WithdrawErasure(ctx, who, c.ID)
	})
}

type eraseListCommand struct{}

// Run lists erasures.
func (*eraseListCommand) Run(g *globals, o out) error {
	return withAdmin(g, func(a *server.Admin) error {
		p := newPrinter(g, o, erasureHead)
		for _, e := range a.Access.Erasures() {
			if err := printErasure(p, &e); err != nil {
				return err
			}
		}
		return p.end()
	})
}

type eraseCertificateCommand struct {
	ID    string `arg:"" optional:"" help:"The erasure, as list prints it."`
	Check string `help:"Say whether the certificate in this file is one of this archive's." type:"existingfile" placeholder:"FILE"`
}

// Run prints certificates, one object a line, or checks one.
func (c *eraseCertificateCommand) Run(g *globals, o out) error {
	if (c.ID == "") == (c.Check == "") {
		return usageError{errors.New("give the ID of an erasure, or --check FILE")}
	}
	return withAdmin(g, func(a *server.Admin) error {
		if c.Check != "" {
			return checkCertificate(a, o, c.Check)
		}
		e, ok := erasure(a, c.ID)
		if !ok {
			return fmt.Errorf("erasure %s: %w", c.ID, access.ErrAbsent)
		}
		for _, certificate := range e.Certificates {
			if err := json.NewEncoder(o).Encode(certificate); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkCertificate(a *server.Admin, o out, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	var certificate access.Certificate
	if err := json.Unmarshal(b, &certificate); err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	key, err := a.CertificateKey()
	if err != nil {
		return err
	}
	if !certificate.Check(key) {
		return errors.New("this archive has not signed that")
	}
	_, err = fmt.Fprintln(o, "good: signed by this archive, and not changed since")
	return err
}
