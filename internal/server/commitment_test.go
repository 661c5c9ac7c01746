package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// reported is a storage commitment report as a device gets it.
type reported struct {
	event       uint16
	transaction dicom.UID
	good, bad   []string
	reasons     []int64
}

// reports answers N-EVENT-REPORT and passes on what came.
func reports(to chan<- reported) dimse.Handler {
	return dimse.HandlerFunc(func(_ context.Context, _ dimse.ResponseWriter, req *dimse.Request) error {
		ds, err := req.ReadDataSet(1 << 20)
		if err != nil {
			return err
		}
		r := reported{event: req.EventTypeID, transaction: ds.UID(dict.TransactionUID)}
		for _, item := range ds.Items(dict.ReferencedSOPSequence) {
			r.good = append(r.good, item.String(dict.ReferencedSOPInstanceUID))
		}
		for _, item := range ds.Items(dict.FailedSOPSequence) {
			r.bad = append(r.bad, item.String(dict.ReferencedSOPInstanceUID))
			reason, err := item.Int(dict.FailureReason)
			if err != nil {
				return err
			}
			r.reasons = append(r.reasons, reason)
		}
		to <- r
		return nil
	})
}

// request asks for the commitment of the samples, and of one instance that the
// archive does not have.
func requestCommitment(t *testing.T, client *dimse.Client, list []sample) dicom.UID {
	t.Helper()
	var items []*dicom.DataSet
	for _, s := range list {
		item := new(dicom.DataSet)
		item.PutUID(dict.ReferencedSOPClassUID, s.Class)
		item.PutUID(dict.ReferencedSOPInstanceUID, s.Instance)
		items = append(items, item)
	}
	missing := new(dicom.DataSet)
	missing.PutUID(dict.ReferencedSOPClassUID, dict.UIDCTImageStorage)
	missing.PutUID(dict.ReferencedSOPInstanceUID, "1.2.3.4")
	info := new(dicom.DataSet)
	transaction := dicom.NewUID()
	info.PutUID(dict.TransactionUID, transaction)
	info.PutItems(dict.ReferencedSOPSequence, append(items, missing)...)
	result, err := client.NAction(t.Context(), dict.UIDStorageCommitmentPushModel, dict.UIDStorageCommitmentPushModelInstance, 1, info)
	if err != nil || result.Status != dimse.StatusSuccess {
		t.Fatalf("%+v, %v", result, err)
	}
	return transaction
}

func checkReport(t *testing.T, got reported, transaction dicom.UID, list []sample) {
	t.Helper()
	if got.event != 2 || got.transaction != transaction || len(got.good) != len(list) ||
		len(got.bad) != 1 || got.bad[0] != "1.2.3.4" || got.reasons[0] != 0x0112 {
		t.Errorf("%+v", got)
	}
}

var commitmentContext = []ul.ProposedContext{{AbstractSyntax: dict.UIDStorageCommitmentPushModel, TransferSyntaxes: []dicom.UID{encoding.ExplicitLE.UID}}}

func TestCommitmentOnTheSameAssociation(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "store,commit", nil)
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 2, Rows: 16, Columns: 16})
	r.storeAll(t, d, list)
	got := make(chan reported, 1)
	client, err := r.associateWith(t, d, ul.RequestOptions{Contexts: commitmentContext}, dimse.ClientOptions{EventReport: reports(got)})
	if err != nil {
		t.Fatal(err)
	}
	transaction := requestCommitment(t, client, list)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	go client.Wait(ctx)
	select {
	case report := <-got:
		checkReport(t, report, transaction, list)
	case <-ctx.Done():
		t.Fatal("no report")
	}
}

// TestCommitmentReportIsTriedUntilItIsDelivered has a device that takes reports
// at its own address, but only after the archive was started again.
func TestCommitmentReportIsTriedUntilItIsDelivered(t *testing.T) {
	port, err := peers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := startIn(t, dir, nil)
	d := r.enrol(t, "ct1", "CT1", "store,commit", func(d *identity.Device) { d.Address = peers.Address(port) })
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 2, Rows: 16, Columns: 16})
	r.storeAll(t, d, list)
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: commitmentContext})
	if err != nil {
		t.Fatal(err)
	}
	transaction := requestCommitment(t, client, list)
	client.Close(t.Context())
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	got := make(chan reported, 1)
	listen(t, d, port, reports(got))
	startIn(t, dir, nil)
	select {
	case report := <-got:
		checkReport(t, report, transaction, list)
	case <-time.After(15 * time.Second):
		t.Fatal("no report")
	}
}

// listen takes associations as the device, from the archive alone.
func listen(t *testing.T, d *device, port int, h dimse.Handler) {
	t.Helper()
	files := d.tls()
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(files.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	l, err := tls.Listen("tcp", peers.Address(port), &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answer(conn, d, h)
		}
	}()
}

// answer accepts everything that the archive proposes as SCP.
func answer(conn net.Conn, d *device, h dimse.Handler) {
	a, err := ul.Accept(context.Background(), conn, ul.AcceptOptions{Negotiate: func(_ context.Context, n *ul.Negotiation) error {
		if n.Called != dicom.AETitle(d.aet) || n.Calling != "TRESOR" {
			return ul.RejectCalled
		}
		for _, pc := range n.Request.Contexts {
			n.Accept(pc.ID, pc.TransferSyntaxes[0])
			n.AcceptRoles(pc.AbstractSyntax, false, true)
		}
		return nil
	}})
	if err != nil {
		return
	}
	dimse.Serve(context.Background(), a, func(dimse.CommandField, ul.PresentationContext) dimse.Handler { return h }, dimse.ServeOptions{})
}

// storeAll sends the samples with our own client.
func (r *running) storeAll(t *testing.T, d *device, list []sample) {
	t.Helper()
	var contexts []ul.ProposedContext
	seen := map[dicom.UID]bool{}
	for _, s := range list {
		if !seen[s.Class] {
			seen[s.Class] = true
			contexts = append(contexts, ul.ProposedContext{AbstractSyntax: s.Class, TransferSyntaxes: []dicom.UID{s.syntax.UID}})
		}
	}
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: contexts})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(t.Context())
	for _, s := range list {
		result, err := client.Store(t.Context(), dimse.StoreRequest{SOPClass: s.Class, SOPInstance: s.Instance, TransferSyntax: s.syntax.UID, DataSet: bytes.NewReader(s.data)})
		if err != nil || result.Status != dimse.StatusSuccess {
			t.Fatalf("%+v, %v", result, err)
		}
	}
}
