package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/server"
)

type deviceCommand struct {
	Add    deviceAddCommand    `cmd:"" help:"Enrol a device: its certificate, AE titles and rights."`
	List   deviceListCommand   `cmd:"" help:"List the devices with the days that their certificates have left."`
	Show   deviceShowCommand   `cmd:"" help:"Show all about a device."`
	Set    deviceSetCommand    `cmd:"" help:"Change the rights, scope or address of a device."`
	Renew  deviceRenewCommand  `cmd:"" help:"Give a device a new certificate."`
	Revoke deviceRevokeCommand `cmd:"" help:"Revoke a device's certificates; its associations end at once."`
	Remove deviceRemoveCommand `cmd:"" help:"Forget a device."`
}

// withAdmin opens the data folder for a command that changes it.
func withAdmin(g *globals, f func(*server.Admin) error) error {
	config, err := server.LoadConfig(g.Dir, "")
	if err != nil {
		return err
	}
	a, err := server.OpenAdmin(g.Dir, config)
	if err != nil {
		return err
	}
	return errors.Join(f(a), a.Close())
}

// change is withAdmin for a command that changes who may do what: it returns
// when a running server has taken that over.
func change(g *globals, f func(*server.Admin) error) error {
	return withAdmin(g, func(a *server.Admin) error {
		err := f(a)
		if err == nil {
			a.Settle()
		}
		return err
	})
}

// credential says how the device gets its certificate.
type credential struct {
	CSR string        `name:"csr" help:"Sign this certificate request instead of making a key." type:"existingfile" placeholder:"FILE"`
	Pin string        `help:"Register this certificate of the device's own as it is." type:"existingfile" placeholder:"FILE"`
	For time.Duration `help:"How long the certificate lasts (default one year)." placeholder:"DURATION"`
	Out string        `help:"Folder for key.pem, cert.pem and ca.pem; default: a new folder with the device's name." type:"path" placeholder:"DIR"`
}

// read reads the files that the flags name, and checks that there is room for
// what will be made.
func (c *credential) read(name string) (identity.Credential, error) {
	i := identity.Credential{Validity: c.For}
	if c.CSR != "" && c.Pin != "" {
		return i, usageError{errors.New("--csr or --pin, not both")}
	}
	if c.CSR == "" && c.Pin == "" && c.Out == "" {
		c.Out = name // the key is kept nowhere else
	}
	var err error
	if c.CSR != "" {
		i.CSR, err = os.ReadFile(c.CSR)
	}
	if c.Pin != "" {
		i.Pin, err = os.ReadFile(c.Pin)
	}
	if err != nil {
		return i, fmt.Errorf("read the certificate: %w", err)
	}
	if c.Out != "" {
		return i, identity.CheckBundle(c.Out)
	}
	return i, nil
}

type deviceAddCommand struct {
	Name         string   `arg:"" help:"What to call it."`
	AET          []string `name:"aet" help:"AE titles that it may call itself." required:"" placeholder:"AET"`
	Allow        string   `help:"Rights: echo,store,find,get,move,commit,worklist,mpps. Default: none." placeholder:"LIST"`
	Address      string   `help:"Where C-MOVE and reports may be sent to." placeholder:"HOST:PORT"`
	SendTo       []string `help:"Devices that it may have instances sent to; default: all with an address." placeholder:"DEVICE"`
	CharacterSet []string `help:"Character set of answers to it (ISO_IR 100); default: that of its query, or UTF-8." placeholder:"TERM"`
	PrivateClass []string `help:"Private SOP classes that it may store." placeholder:"UID"`
	Prefer       string   `help:"Transfer syntax in which it gets instances, where that loses nothing; default: the stored one." placeholder:"UID"`
	UserIdentity string   `name:"user-identity" help:"User identities that its associations bring: optional (one that is given must be right), required or ignored." enum:"optional,required,ignored" default:"optional"`
	TrustCA      string   `name:"trust-ca" help:"Authority of the certificate that it shows when we call it, if not ours." type:"existingfile" placeholder:"FILE"`
	credential
	scope
}

// Run enrols the device and prints how to use it.
func (c *deviceAddCommand) Run(ctx context.Context, g *globals, o out) error {
	d, err := c.device()
	if err != nil {
		return usageError{err}
	}
	cred, err := c.read(c.Name)
	if err != nil {
		return err
	}
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.DeviceEvent(audit.DeviceAdded, c.Name, "rights: "+c.Allow)); err != nil {
			return err
		}
		e, err := a.Identity.Add(ctx, d, cred)
		if err != nil {
			return err
		}
		return c.deliver(g, o, e, "enrolled")
	})
}

func (c *deviceAddCommand) device() (identity.Device, error) {
	rights, err := identity.ParseRights(c.Allow)
	if err != nil {
		return identity.Device{}, fmt.Errorf("--allow: %w", err)
	}
	narrow, err := c.policy()
	if err != nil {
		return identity.Device{}, err
	}
	d := identity.Device{Name: c.Name, Rights: rights, Scope: narrow, Address: c.Address,
		Destinations: c.SendTo, CharacterSet: c.CharacterSet, PreferredSyntax: dicom.UID(c.Prefer), UserIdentity: identityRule(c.UserIdentity)}
	for _, s := range c.AET {
		aet, err := dicom.ParseAETitle(s)
		if err != nil {
			return d, fmt.Errorf("--aet: %w", err)
		}
		d.AETitles = append(d.AETitles, aet)
	}
	for _, u := range c.PrivateClass {
		d.PrivateSOPClasses = append(d.PrivateSOPClasses, dicom.UID(u))
	}
	if c.TrustCA != "" {
		b, err := os.ReadFile(c.TrustCA)
		if err != nil {
			return d, err
		}
		ca, err := identity.ParseCertificate(b)
		if err != nil {
			return d, fmt.Errorf("--trust-ca: %w", err)
		}
		d.TrustedCAs = append(d.TrustedCAs, ca.Raw)
	}
	return d, nil
}

// deliver writes the bundle and says what to do with it.
func (c *credential) deliver(g *globals, o out, e *identity.Enrolment, verb string) error {
	if c.Out != "" {
		if err := e.WriteBundle(c.Out, false); err != nil {
			return err
		}
	}
	if g.JSON {
		return json.NewEncoder(o).Encode(map[string]any{"device": e.Device.Name, "fingerprint": e.Certificate.Fingerprint,
			"not_after": e.Certificate.NotAfter, "out": c.Out})
	}
	if c.Out == "" && len(e.CertPEM) > 0 {
		fmt.Fprintf(o, "%s%s", e.CertPEM, e.CAPEM)
	}
	config, err := server.LoadConfig(g.Dir, "")
	if err != nil {
		return err
	}
	fmt.Fprintf(o, "%s %s until %s (SHA-256 %s)\n\n", e.Device.Name, verb, e.Certificate.NotAfter.Format(time.DateOnly), e.Certificate.Fingerprint)
	_, err = fmt.Fprint(o, identity.Instructions(&e.Device, c.Out, server.RunningAddresses(g.Dir, config).DICOM, dicom.AETitle(config.AET)))
	return err
}

type deviceListCommand struct{}

// Run lists the devices.
func (*deviceListCommand) Run(g *globals, o out) error {
	return withAdmin(g, func(a *server.Admin) error {
		w := tabwriter.NewWriter(o, 0, 0, 2, ' ', 0)
		if !g.JSON {
			fmt.Fprintln(w, "NAME\tAE TITLES\tRIGHTS\tADDRESS\tDAYS LEFT\tSTATE")
		}
		for _, d := range a.Identity.List() {
			days, state := d.Standing(time.Now())
			if g.JSON {
				if err := json.NewEncoder(o).Encode(deviceLine{d, days, state}); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", d.Name, commas(d.AETitles), commas(d.Rights), d.Address, days, state)
		}
		return w.Flush()
	})
}

// deviceLine is what --json prints of a device.
type deviceLine struct {
	identity.Device
	DaysLeft int    `json:"days_left"`
	State    string `json:"state"`
}

func commas[T ~string](list []T) string {
	s := make([]string, len(list))
	for i, v := range list {
		s[i] = string(v)
	}
	return strings.Join(s, ",")
}

type deviceShowCommand struct {
	Name string `arg:"" help:"The device."`
}

// Run prints all about a device, as JSON.
func (c *deviceShowCommand) Run(g *globals, o out) error {
	return withAdmin(g, func(a *server.Admin) error {
		d, ok := a.Identity.Show(c.Name)
		if !ok {
			return fmt.Errorf("device %s: %w", c.Name, identity.ErrNoDevice)
		}
		days, state := d.Standing(time.Now())
		enc := json.NewEncoder(o)
		if !g.JSON {
			enc.SetIndent("", "  ")
		}
		return enc.Encode(deviceLine{d, days, state})
	})
}

// identityRule reads what --user-identity takes.
func identityRule(s string) identity.IdentityRule {
	if s == "optional" {
		return identity.IdentityOptional
	}
	return identity.IdentityRule(s)
}

type deviceSetCommand struct {
	Name         string   `arg:"" help:"The device."`
	Allow        *string  `help:"New rights in place of the old; empty takes all away." placeholder:"LIST"`
	Address      *string  `help:"New address." placeholder:"HOST:PORT"`
	SendTo       []string `help:"New list of devices that it may have instances sent to." placeholder:"DEVICE"`
	Prefer       *string  `help:"New transfer syntax in which it gets instances, where that loses nothing; empty: the stored one." placeholder:"UID"`
	UserIdentity string   `name:"user-identity" help:"User identities that its associations bring." enum:",optional,required,ignored" default:"" placeholder:"optional|required|ignored"`
	Disable      bool     `help:"Let it in no longer." xor:"state"`
	Enable       bool     `help:"Let it in again." xor:"state"`
	scope
}

// Run changes the device; a running server follows within a second.
func (c *deviceSetCommand) Run(ctx context.Context, g *globals) error {
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.DeviceEvent(audit.DeviceChanged, c.Name, "rights, scope or address")); err != nil {
			return err
		}
		return a.Identity.Update(ctx, c.Name, c.apply)
	})
}

func (c *deviceSetCommand) apply(d *identity.Device) error {
	if c.Allow != nil {
		rights, err := identity.ParseRights(*c.Allow)
		if err != nil {
			return usageError{fmt.Errorf("--allow: %w", err)}
		}
		d.Rights = rights
	}
	if c.Address != nil {
		d.Address = *c.Address
	}
	if len(c.SendTo) > 0 {
		d.Destinations = c.SendTo
	}
	if c.Prefer != nil {
		d.PreferredSyntax = dicom.UID(*c.Prefer)
	}
	if c.UserIdentity != "" {
		d.UserIdentity = identityRule(c.UserIdentity)
	}
	if c.Disable || c.Enable {
		d.Disabled = c.Disable
	}
	if c.given() {
		narrow, err := c.policy()
		if err != nil {
			return usageError{err}
		}
		d.Scope = narrow
	}
	return nil
}

type deviceRenewCommand struct {
	Name string `arg:"" help:"The device."`
	credential
}

// Run gives the device a further certificate; the old one stays good until it
// ends or is revoked.
func (c *deviceRenewCommand) Run(ctx context.Context, g *globals, o out) error {
	cred, err := c.read(c.Name)
	if err != nil {
		return err
	}
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.DeviceEvent(audit.DeviceRenewed, c.Name, "")); err != nil {
			return err
		}
		e, err := a.Identity.Renew(ctx, c.Name, cred)
		if err != nil {
			return err
		}
		return c.deliver(g, o, e, "renewed")
	})
}

type deviceRevokeCommand struct {
	Name        string `arg:"" help:"The device."`
	Certificate string `help:"Only the certificate whose SHA-256 fingerprint begins so." placeholder:"HEX"`
}

// Run revokes; running associations end within a second.
func (c *deviceRevokeCommand) Run(ctx context.Context, g *globals) error {
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.DeviceEvent(audit.DeviceRevoked, c.Name, c.Certificate)); err != nil {
			return err
		}
		if c.Certificate != "" {
			return a.Identity.RevokeCertificate(ctx, c.Name, c.Certificate)
		}
		return a.Identity.Revoke(ctx, c.Name)
	})
}

type deviceRemoveCommand struct {
	Name string `arg:"" help:"The device."`
}

// Run forgets the device.
func (c *deviceRemoveCommand) Run(ctx context.Context, g *globals) error {
	return change(g, func(a *server.Admin) error {
		if err := a.Note(ctx, server.DeviceEvent(audit.DeviceRevoked, c.Name, "removed")); err != nil {
			return err
		}
		return a.Identity.Remove(ctx, c.Name)
	})
}
