package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/store/sqlite"
)

// privacy carries out erasures and choices about the quarantine.
type privacy struct {
	access  *access.Register
	session *archive.Session
	key     ed25519.PrivateKey
	log     *slog.Logger
	now     func() time.Time
}

// perform carries out what was decided and can be done now.
func (p *privacy) perform(ctx context.Context) {
	for _, o := range p.access.Orders() {
		err := p.order(ctx, o)
		if err != nil && ctx.Err() != nil {
			return // the next start goes on
		}
		if err != nil {
			p.log.ErrorContext(ctx, "a choice about the quarantine failed", "object", o.Location, "error", err)
		}
		if err := p.access.Done(o, err); err != nil {
			p.log.ErrorContext(ctx, "a choice about the quarantine could not be closed", "object", o.Location, "error", err)
		}
	}
	for _, e := range p.access.Due() {
		for _, study := range e.Studies {
			if ctx.Err() != nil {
				return
			}
			if err := p.erase(ctx, &e, study); err != nil && ctx.Err() == nil {
				p.log.ErrorContext(ctx, "a study could not be erased", "erasure", e.ID, "study", string(study), "error", err)
			}
		}
	}
}

func (p *privacy) order(ctx context.Context, o access.Order) error {
	if o.Choice == access.Keep {
		return nil // it stays where it is
	}
	for q, err := range p.session.Quarantine(ctx) {
		if err != nil {
			return err
		}
		if string(q.Location) != o.Location {
			continue
		}
		if o.Choice == access.Drop {
			return p.session.Drop(ctx, &q)
		}
		return p.session.Replace(ctx, &q)
	}
	return nil // done before a crash
}

// erase erases one study of an erasure, or writes down why it has to wait.
func (p *privacy) erase(ctx context.Context, e *access.Erasure, study dicom.UID) error {
	for _, c := range e.Certificates {
		if c.Study == study {
			return nil
		}
	}
	c := access.Certificate{Erasure: e.ID, Study: study, Reason: e.Reason, By: e.By, AgreedBy: e.AgreedBy, Method: access.Method}
	facts, here, err := p.facts(ctx, study)
	if err != nil {
		return err
	}
	if here {
		r := policy.RetentionOf(facts.Study)
		c.Class, c.KeptUntil = string(r.Class), r.Until
		if why := p.waits(r, study, facts.Patient); why != "" {
			return p.access.Wait(e.ID, study, why)
		}
	} else if !p.access.Erased(study) {
		return p.access.Wait(e.ID, study, "there is no such study")
	}
	if err := p.access.Bury(e.ID, study, facts.Patient); err != nil {
		return err
	}
	sum, err := p.session.Erase(ctx, study)
	if err != nil {
		return err
	}
	c.Instances, c.Bytes, c.At = sum.Instances, sum.Bytes, p.now().UTC().Truncate(time.Second)
	if err := c.Sign(p.key); err != nil {
		return err
	}
	p.log.InfoContext(ctx, "study erased", "erasure", e.ID, "study", string(study), "instances", sum.Instances)
	return p.access.Certify(c)
}

// waits says why a study cannot be erased yet, "" if it can.
func (p *privacy) waits(r policy.Retention, study dicom.UID, patient string) string {
	switch {
	case p.access.Held(study, patient):
		return "a legal hold stands"
	case r.Until.IsZero():
		return "nobody knows when it was made: it is kept"
	case !r.Due(p.now()):
		return "it has to be kept until " + r.Until.Format(time.DateOnly) + " (" + string(r.Class) + ")"
	}
	return ""
}

func (p *privacy) facts(ctx context.Context, study dicom.UID) (f archive.Facts, here bool, err error) {
	for f, err := range p.session.Facts(ctx, study) {
		return f, err == nil, err
	}
	return f, false, nil
}

// listDue tells how many studies need not be kept any longer. It erases none:
// that two people decide.
func (p *privacy) listDue(ctx context.Context) {
	due, held := 0, 0
	for f, err := range p.session.Facts(ctx, "") {
		if err != nil {
			if ctx.Err() == nil {
				p.log.ErrorContext(ctx, "retention could not be computed", "error", err)
			}
			return
		}
		switch {
		case !policy.RetentionOf(f.Study).Due(p.now()):
		case p.access.Held(f.UID, f.Patient):
			held++
		default:
			due++
		}
	}
	if due+held > 0 {
		p.log.InfoContext(ctx, "studies need not be kept any longer: tresor retention list --due", "due", due, "held", held)
	}
}

// errRunning says that a server works on the data folder.
var errRunning = errors.New("a server works on the data folder")

// Perform carries out what was decided on a data folder without a server; with
// one it waits until that has taken it up, or ctx ends.
func (a *Admin) Perform(ctx context.Context, c Config, done func() bool) error {
	if err := a.performHere(ctx, c); !errors.Is(err, errRunning) {
		return err
	}
	for !done() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server has not done it yet: %w", ctx.Err())
		case <-time.After(identityPoll):
		}
	}
	return nil
}

func (a *Admin) performHere(ctx context.Context, c Config) (err error) {
	d := &data{keyring: a.keyring, trail: a.trail, access: a.Access}
	log := slog.New(slog.DiscardHandler)
	if err := d.openVault(a.dir, log); err != nil {
		if errors.Is(err, durable.ErrLocked) {
			return errRunning
		}
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.openCatalog(a.dir, sqlite.Open); err != nil {
		return err
	}
	ar, err := archive.Open(ctx, archive.Config{Catalog: d.catalog, Vault: d.vault, Trail: a.trail, Guard: a.Access, Log: log, Limits: objectLimits(c.Limits)})
	if err != nil {
		return err
	}
	key, err := certificateSigner(a.keyring)
	if err != nil {
		return err
	}
	p := &privacy{access: a.Access, session: ar.As(keeper()), key: key, log: log, now: time.Now}
	p.perform(ctx)
	return nil
}
