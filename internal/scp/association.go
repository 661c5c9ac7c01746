package scp

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/jobs"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Devices finds the devices that the archive may call.
type Devices interface {
	// Destination returns the device that has the AE title and an address.
	Destination(aet dicom.AETitle) (*identity.Device, bool)
	// Device returns the device with the name.
	Device(name string) (*identity.Device, bool)
	// List returns all devices.
	List() []identity.Device
}

// Provider serves all associations of one archive.
type Provider struct {
	Archive *archive.Archive
	AET     dicom.AETitle // our own
	Devices Devices
	// Dial requests an association with a device at its configured address; it
	// fills in the AE titles.
	Dial   func(ctx context.Context, to *identity.Device, o ul.RequestOptions) (*dimse.Client, error)
	People *identity.People // who verifies user identities; nil: nobody, they count as none
	Jobs   *jobs.Queue
	Limits encoding.Limits
	Log    *slog.Logger
}

// Association is one association of a device that has shown its certificate.
type Association struct {
	Person   *identity.Person // who has shown who they are when it was negotiated; nil: nobody
	provider *Provider
	device   *identity.Device
	may      policy.Principal // the device, or the person at it
	session  *archive.Session
	origin   archive.Origin
	log      *slog.Logger
	extended map[dicom.UID][]byte // what was agreed on, by abstract syntax
	began    time.Time
	tally    tally
}

// tally counts what an association did, for its one line in the log.
type tally struct {
	stored, refused, repeated, sent int
}

// Begin returns the association of a device; nothing of it has been negotiated.
func (p *Provider) Begin(d *identity.Device, o archive.Origin) *Association {
	may := p.principal(d)
	return &Association{
		provider: p, device: d, may: may, origin: o, began: time.Now(),
		session:  p.Archive.As(may).From(o),
		log:      p.Log.With("association", o.Association, "device", d.Name),
		extended: map[dicom.UID][]byte{},
	}
}

// principal returns the device as policy sees it. The right to move without a
// list of destinations reaches every device to which the administrator gave an
// address; a list narrows it.
func (p *Provider) principal(d *identity.Device) policy.Principal {
	principal := d.Principal()
	if len(principal.Destinations) == 0 && principal.Has(policy.Move) {
		for _, other := range p.Devices.List() {
			if other.Address != "" {
				principal.Destinations = append(principal.Destinations, other.Name)
			}
		}
	}
	return principal
}

// Route is the dimse.Route of the association.
func (a *Association) Route(_ dimse.CommandField, c ul.PresentationContext) dimse.Handler {
	if s := a.service(c.AbstractSyntax); s != nil && a.may.Has(s.Right) {
		return s.handle(a)
	}
	return nil
}

// service returns the service for an abstract syntax: the one that declares it,
// or Storage for a private SOP class that is configured for the device.
func (a *Association) service(abstract dicom.UID) *Service {
	if s := serviceOf(abstract); s != nil {
		return s
	}
	if slices.Contains(a.device.PrivateSOPClasses, abstract) {
		return storage
	}
	return nil
}

// Serve answers what the device asks until the association ends. Its begin and
// its end are in the trail.
func (a *Association) Serve(ctx context.Context, assoc *ul.Association) error {
	if err := a.session.Note(ctx, audit.Event{Code: audit.AssociationBegin, Action: audit.Execute}); err != nil {
		assoc.Abort()
		return err
	}
	err := dimse.Serve(ctx, assoc, a.Route, dimse.ServeOptions{MaxIdentifier: maxIdentifier, Logger: a.log})
	e := audit.Event{Code: audit.AssociationEnd, Action: audit.Execute, Count: a.tally.stored + a.tally.sent}
	if err != nil {
		e.Outcome, e.Reason = audit.MinorFailure, err.Error()
	}
	noteErr := a.session.Note(context.WithoutCancel(ctx), e)
	a.log.InfoContext(ctx, "association ended", "peer", a.origin.Peer, "stored", a.tally.stored,
		"repeated", a.tally.repeated, "refused", a.tally.refused, "sent", a.tally.sent,
		"seconds", time.Since(a.began).Seconds(), "error", err)
	return errors.Join(err, noteErr)
}

// stored counts and logs the outcome of a C-STORE.
func (a *Association) stored(ctx context.Context, req *dimse.Request, r archive.Receipt, err error) {
	switch {
	case err == nil && r.Repeated:
		a.tally.repeated++
	case err == nil:
		a.tally.stored++
	default:
		a.tally.refused++
		a.log.WarnContext(ctx, "instance refused", "sop_class", string(req.Command.SOPClass), "error", err)
	}
}

// failedSubOperation counts a C-STORE sub-operation and logs it if it failed.
func (a *Association) failedSubOperation(ctx context.Context, e *archive.Entry, status dimse.Status, err error) {
	if err == nil && status == dimse.StatusSuccess {
		a.tally.sent++
		return
	}
	a.log.WarnContext(ctx, "instance not sent", "instance", string(e.Instance), "status", status.String(), "error", err)
}

// refusedDestination writes down that a C-MOVE asked for a destination that it may not use.
func (a *Association) refusedDestination(ctx context.Context, aet dicom.AETitle) {
	a.log.WarnContext(ctx, "move destination refused", "destination", string(aet))
	err := a.session.Note(ctx, audit.Event{Code: audit.RestrictedFunction, Action: audit.Execute,
		Outcome: audit.SeriousFailure, Destination: string(aet), Reason: "move destination unknown or not allowed"})
	if err != nil {
		a.log.ErrorContext(ctx, "trail", "error", err)
	}
}

// unreachable logs that a destination could not be reached.
func (a *Association) unreachable(ctx context.Context, to *identity.Device, err error) {
	a.log.WarnContext(ctx, "destination cannot be reached", "destination", to.Name, "address", to.Address, "error", err)
}

// reported logs how the report of a commitment on the same association went.
func (a *Association) reported(ctx context.Context, r *commitmentRequest, err error) {
	if err != nil {
		a.log.WarnContext(ctx, "commitment not reported; give the device an address to have it tried again",
			"transaction", string(r.Transaction), "error", err)
		return
	}
	a.log.InfoContext(ctx, "commitment reported", "transaction", string(r.Transaction), "instances", len(r.Refs))
}
