package survey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// exchange performs C-ECHO and C-FIND on an association and nothing else: it has
// no means to send another request. It does not decode data sets.
type exchange struct {
	a      *ul.Association
	lastID uint16
}

// errOdd says that the host answered something that is no answer.
var errOdd = errors.New("the host answered something else")

func (x *exchange) context(class dicom.UID) (ul.PresentationContext, bool) {
	for _, pc := range x.a.Contexts() {
		if pc.AbstractSyntax == class {
			return pc, true
		}
	}
	return ul.PresentationContext{}, false
}

func (x *exchange) echo() (dimse.Status, error) {
	pc, ok := x.context(dict.UIDVerification)
	if !ok {
		return 0, dimse.ErrNoContext
	}
	x.lastID++
	c := dimse.Command{Field: dimse.CEchoRQ, MessageID: x.lastID, SOPClass: dict.UIDVerification}
	if err := x.a.Send(pc.ID, dimse.AppendCommand(nil, &c), nil); err != nil {
		return 0, err
	}
	answer, err := x.command(dimse.CEchoRSP)
	return answer.Status, err
}

// find sends a query at the study level of the study root (PS3.4 section C.6.2).
// each is called for every match with its data set, which it may leave unread;
// an error of it aborts the association.
func (x *exchange) find(keys *dicom.DataSet, each func(data io.Reader, explicit bool) error) (dimse.Status, error) {
	pc, ok := x.context(dict.UIDStudyRootQueryRetrieveInformationModelFind)
	if !ok {
		return 0, dimse.ErrNoContext
	}
	ts, ok := encoding.Lookup(pc.TransferSyntax)
	if !ok {
		return 0, errOdd
	}
	identifier, err := encoding.Append(nil, ts, keys)
	if err != nil {
		return 0, fmt.Errorf("write the keys: %w", err)
	}
	x.lastID++
	c := dimse.Command{Field: dimse.CFindRQ, MessageID: x.lastID, SOPClass: pc.AbstractSyntax, HasDataSet: true}
	if err := x.a.Send(pc.ID, dimse.AppendCommand(nil, &c), bytes.NewReader(identifier)); err != nil {
		return 0, err
	}
	for {
		answer, err := x.command(dimse.CFindRSP)
		if err != nil || !answer.Status.IsPending() {
			return answer.Status, err
		}
		if !answer.HasDataSet {
			continue
		}
		part, err := x.a.NextPart()
		if err != nil {
			return 0, err
		}
		if part.Command {
			return 0, errOdd
		}
		if err := each(part, ts.ExplicitVR); err != nil {
			x.a.Abort()
			return answer.Status, err
		}
	}
}

// command reads the next command set, which must be of that kind.
func (x *exchange) command(want dimse.CommandField) (dimse.Command, error) {
	part, err := x.a.NextPart()
	if err != nil {
		return dimse.Command{}, err
	}
	if !part.Command {
		return dimse.Command{}, errOdd
	}
	b, err := io.ReadAll(io.LimitReader(part, dimse.MaxCommand))
	if err != nil {
		return dimse.Command{}, err
	}
	c, err := dimse.ParseCommand(b)
	if err != nil || c.Field != want || c.MessageIDRespondedTo != x.lastID {
		return dimse.Command{}, errOdd
	}
	return c, nil
}

// abortOn aborts the association when ctx ends; stop ends the watch.
func abortOn(ctx context.Context, a *ul.Association) (stop func() bool) {
	return context.AfterFunc(ctx, a.Abort)
}
