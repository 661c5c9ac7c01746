package scp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/jobs"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// commitment takes responsibility for instances (push model): the answer to
// N-ACTION says that the request is on disk; the report says the truth, read
// back from the vault, either on the same association or, to a device with an
// address, on one of our own, tried until it is delivered.
var _ = declare(Service{
	Name: "Storage Commitment Push Model", Where: "PS3.4 annex J", Right: policy.Commit,
	SOPClasses:       []dicom.UID{dict.UIDStorageCommitmentPushModel},
	TransferSyntaxes: plainSyntaxes,
	handle:           func(a *Association) dimse.Handler { return dimse.HandlerFunc(a.serveCommitment) },
})

const (
	actionRequestCommitment = 1 // PS3.4 table J.3-1
	eventAllCommitted       = 1 // PS3.4 table J.3-2
	eventSomeFailed         = 2
	maxCommitment           = 64 << 20 // bytes of a request
)

// CommitmentJob is the kind of job that reports a commitment.
const CommitmentJob = "storage commitment report"

// commitmentRequest is what is kept of a request until it is reported.
type commitmentRequest struct {
	Device      string        `json:"device"`
	CallingAET  string        `json:"calling_aet"`
	Transaction dicom.UID     `json:"transaction"`
	Refs        []archive.Ref `json:"refs"`
}

func (a *Association) serveCommitment(ctx context.Context, rw dimse.ResponseWriter, req *dimse.Request) error {
	if req.Command.Field != dimse.NActionRQ {
		return dimse.StatusUnrecognizedOperation
	}
	if req.Command.SOPInstance != dict.UIDStorageCommitmentPushModelInstance {
		return dimse.StatusNoSuchSOPInstance
	}
	if req.Command.ActionTypeID != actionRequestCommitment {
		return dimse.StatusNoSuchActionType
	}
	r, err := a.readCommitment(req)
	if err != nil {
		return err
	}
	if a.device.Address != "" {
		if err := a.provider.Jobs.Add(CommitmentJob, r); err != nil {
			return err
		}
		return nil
	}
	// There is nowhere else to report to than this association.
	if err := rw.Respond(dimse.Response{}); err != nil {
		return err
	}
	report, err := a.provider.report(ctx, a.session, r)
	if err != nil {
		return err
	}
	status, err := rw.EventReport(ctx, report)
	if err == nil && status != dimse.StatusSuccess {
		err = status
	}
	a.reported(ctx, r, err)
	return nil
}

func (a *Association) readCommitment(req *dimse.Request) (*commitmentRequest, error) {
	ds, err := req.ReadDataSet(maxCommitment)
	if err != nil {
		return nil, dimse.StatusProcessingFailure
	}
	r := &commitmentRequest{Device: a.device.Name, CallingAET: a.origin.CallingAET, Transaction: ds.UID(dict.TransactionUID)}
	if !r.Transaction.Tolerable() {
		return nil, &dimse.Failure{Status: dimse.StatusInvalidArgument, Offending: []dicom.Tag{dict.TransactionUID}}
	}
	items := ds.Items(dict.ReferencedSOPSequence)
	if len(items) == 0 {
		return nil, &dimse.Failure{Status: dimse.StatusInvalidArgument, Offending: []dicom.Tag{dict.ReferencedSOPSequence}}
	}
	for _, item := range items {
		r.Refs = append(r.Refs, archive.Ref{
			SOPClass: item.UID(dict.ReferencedSOPClassUID), Instance: item.UID(dict.ReferencedSOPInstanceUID)})
	}
	return r, nil
}

// report reads everything back and composes the event report (PS3.4 section J.3.3).
func (p *Provider) report(ctx context.Context, s *archive.Session, r *commitmentRequest) (dimse.EventReport, error) {
	results, err := s.Commitment(ctx, r.Refs)
	if err != nil {
		return dimse.EventReport{}, err
	}
	var good, bad []*dicom.DataSet
	for _, result := range results {
		item := new(dicom.DataSet)
		item.PutUID(dict.ReferencedSOPClassUID, result.SOPClass)
		item.PutUID(dict.ReferencedSOPInstanceUID, result.Instance)
		if result.Err == nil {
			good = append(good, item)
			continue
		}
		item.PutInts(dict.FailureReason, dicom.VRUS, int64(commitFailure(result.Err)))
		bad = append(bad, item)
	}
	info := new(dicom.DataSet)
	info.PutUID(dict.TransactionUID, r.Transaction)
	info.PutString(dict.RetrieveAETitle, dicom.VRAE, string(p.AET))
	if len(good) > 0 {
		info.PutItems(dict.ReferencedSOPSequence, good...)
	}
	event := uint16(eventAllCommitted)
	if len(bad) > 0 {
		event = eventSomeFailed
		info.PutItems(dict.FailedSOPSequence, bad...)
	}
	return dimse.EventReport{
		SOPClass: dict.UIDStorageCommitmentPushModel, SOPInstance: dict.UIDStorageCommitmentPushModelInstance,
		EventTypeID: event, Information: info,
	}, nil
}

// commitFailure chooses the Failure Reason (0008,1197) (PS3.3 section C.14.1.1).
func commitFailure(err error) dimse.Status {
	switch {
	case errors.Is(err, archive.ErrNotFound):
		return dimse.StatusNoSuchSOPInstance
	case errors.Is(err, archive.ErrMismatch):
		return dimse.StatusClassInstanceConflict
	}
	return dimse.StatusProcessingFailure
}

// ReportCommitment does a CommitmentJob: it reports to the device that asked,
// at its configured address.
func (p *Provider) ReportCommitment(ctx context.Context, payload json.RawMessage) error {
	var r commitmentRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	d, ok := p.Devices.Device(r.Device)
	if !ok || !d.Principal().Has(policy.Commit) {
		p.Log.WarnContext(ctx, "commitment not reported: the device is gone or lost the right", "device", r.Device)
		return nil
	}
	session := p.Archive.As(d.Principal()).From(archive.Origin{Peer: d.Address, CallingAET: r.CallingAET, CalledAET: string(p.AET)})
	report, err := p.report(ctx, session, &r)
	if err != nil {
		return err
	}
	// We request this association as the SCP of the class (PS3.4 section J.3.3).
	client, err := p.Dial(ctx, d, ul.RequestOptions{
		Contexts: []ul.ProposedContext{{AbstractSyntax: dict.UIDStorageCommitmentPushModel, TransferSyntaxes: plainSyntaxes}},
		Roles:    []ul.RoleSelection{{SOPClass: dict.UIDStorageCommitmentPushModel, SCP: true}},
	})
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	result, err := client.NEventReport(ctx, report)
	if err != nil {
		return fmt.Errorf("report to %s: %w", d.Name, err)
	}
	if result.Status != dimse.StatusSuccess {
		return fmt.Errorf("report to %s: %w", d.Name, result.Status)
	}
	return nil
}

var _ jobs.Do = (*Provider)(nil).ReportCommitment
