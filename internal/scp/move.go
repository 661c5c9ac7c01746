package scp

import (
	"context"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// move answers C-MOVE in the Patient Root, Study Root and Patient/Study Only
// information models: the instances go to another device, over TLS, at the
// address configured for it and no other.
var _ = declare(Service{
	Name: "Retrieve (C-MOVE)", Where: "PS3.4 annex C.4.2", Right: policy.Move,
	SOPClasses: []dicom.UID{
		dict.UIDPatientRootQueryRetrieveInformationModelMove,
		dict.UIDStudyRootQueryRetrieveInformationModelMove,
		dict.UIDPatientStudyOnlyQueryRetrieveInformationModelMove,
	},
	TransferSyntaxes: plainSyntaxes,
	Extended:         retrieveExtended,
	handle:           func(a *Association) dimse.Handler { return dimse.HandlerFunc(a.serveMove) },
})

func (a *Association) serveMove(ctx context.Context, rw dimse.ResponseWriter, req *dimse.Request) error {
	if req.Command.Field != dimse.CMoveRQ {
		return dimse.StatusUnrecognizedOperation
	}
	q, err := readRetrieve(req)
	if err != nil {
		return err
	}
	to, ok := a.provider.Devices.Destination(req.Command.MoveDestination)
	if !ok || !policy.MaySendTo(a.session.Principal(), to.Name).Allowed {
		a.refusedDestination(ctx, req.Command.MoveDestination)
		return dimse.StatusMoveDestinationUnknown
	}
	r, err := a.session.RetrieveFor(ctx, q, to.Name)
	if err != nil {
		return statusOf(err)
	}
	t := &transfer{assoc: a, rw: rw, retrieval: r, prefer: to.PreferredSyntax, sub: dimse.SubOperations{Remaining: len(r.Entries)}}
	originator := dimse.StoreRequest{Priority: req.Command.Priority,
		MoveOriginatorAET: dicom.AETitle(a.origin.CallingAET), MoveOriginatorID: req.Command.MessageID}
	for rest := r.Entries; len(rest) > 0 && ctx.Err() == nil; {
		contexts, n := propose(rest, to.PreferredSyntax)
		if err := t.moveSome(ctx, to, contexts, rest[:n], originator); err != nil {
			return err
		}
		rest = rest[n:]
	}
	if err := ended(ctx); err != nil {
		return err
	}
	return t.finish(ctx)
}

// moveSome sends entries over one association of their own.
func (t *transfer) moveSome(ctx context.Context, to *identity.Device, contexts []ul.ProposedContext, entries []archive.Entry, originator dimse.StoreRequest) error {
	client, err := t.assoc.provider.Dial(ctx, to, ul.RequestOptions{Contexts: contexts})
	if err != nil {
		t.assoc.unreachable(ctx, to, err)
		for i := range entries {
			t.count(&entries[i], 0, err)
		}
		return nil
	}
	defer client.Close(context.WithoutCancel(ctx))
	return t.all(ctx, otherAssociation{client}, entries, originator)
}

// maxContexts is how many presentation contexts one association can have
// (PS3.8 section 9.3.2.2).
const maxContexts = 128

// propose returns presentation contexts for as many of the entries as one
// association has contexts for, and how many those are: for each SOP class one
// with each stored transfer syntax, one with the syntax that the destination
// prefers, one with the native syntaxes and one with the compressed ones into
// which what is stored can be brought.
func propose(entries []archive.Entry, prefer dicom.UID) (contexts []ul.ProposedContext, n int) {
	have := map[string]bool{}
	for n = range entries {
		e := &entries[n]
		var want []ul.ProposedContext
		for _, syntaxes := range pixel.ProposedTargets(e.TransferSyntax, prefer) {
			c := ul.ProposedContext{AbstractSyntax: e.SOPClass, TransferSyntaxes: syntaxes}
			if !have[fmt.Sprint(c)] {
				want = append(want, c)
			}
		}
		if len(contexts)+len(want) > maxContexts {
			return contexts, n
		}
		contexts = append(contexts, want...)
		for _, c := range want {
			have[fmt.Sprint(c)] = true
		}
	}
	return contexts, len(entries)
}

// otherAssociation is the destination of a C-MOVE.
type otherAssociation struct{ client *dimse.Client }

func (o otherAssociation) syntaxes(class dicom.UID) []dicom.UID {
	var list []dicom.UID
	for _, c := range o.client.Association().Contexts() {
		if c.AbstractSyntax == class {
			list = append(list, c.TransferSyntax)
		}
	}
	return list
}

func (o otherAssociation) store(ctx context.Context, r dimse.StoreRequest) (dimse.Status, error) {
	result, err := o.client.Store(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("send to the destination: %w", err)
	}
	return result.Status, nil
}
