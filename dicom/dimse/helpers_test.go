package dimse

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

const (
	studyFind = dict.UIDStudyRootQueryRetrieveInformationModelFind
	studyGet  = dict.UIDStudyRootQueryRetrieveInformationModelGet
	studyMove = dict.UIDStudyRootQueryRetrieveInformationModelMove
	ct        = dict.UIDCTImageStorage
	commit    = dict.UIDStorageCommitmentPushModel
	mpps      = dict.UIDModalityPerformedProcedureStep
	implicit  = dict.UIDImplicitVRLittleEndian
	explicit  = dict.UIDExplicitVRLittleEndian
)

// routes is a Route by command field.
type routes map[CommandField]HandlerFunc

func (r routes) route(f CommandField, _ ul.PresentationContext) Handler {
	if h := r[f]; h != nil {
		return h
	}
	return nil
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// scp serves on loopback until the test ends. It accepts every context in its
// first transfer syntax and all roles.
type scp struct {
	addr   string
	aet    dicom.AETitle
	mu     sync.Mutex
	errs   []error
	served sync.WaitGroup
}

func startSCP(tb testing.TB, route Route, o ServeOptions) *scp {
	tb.Helper()
	return startSCPWith(tb, route, o, ul.Options{})
}

func startSCPNamed(tb testing.TB, route Route, aet dicom.AETitle) *scp {
	tb.Helper()
	return startSCPAs(tb, route, ServeOptions{}, ul.Options{}, aet)
}

func startSCPWith(tb testing.TB, route Route, o ServeOptions, uo ul.Options) *scp {
	tb.Helper()
	return startSCPAs(tb, route, o, uo, "PACS")
}

func startSCPAs(tb testing.TB, route Route, o ServeOptions, uo ul.Options, aet dicom.AETitle) *scp {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	if o.Logger == nil {
		o.Logger = quiet()
	}
	s := &scp{addr: l.Addr().String(), aet: aet}
	ctx, cancel := context.WithCancel(context.Background())
	s.served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.served.Go(func() { s.serve(ctx, conn, route, o, uo) })
		}
	})
	tb.Cleanup(func() { cancel(); l.Close(); s.served.Wait() })
	return s
}

func (s *scp) serve(ctx context.Context, conn net.Conn, route Route, o ServeOptions, uo ul.Options) {
	a, err := ul.Accept(ctx, conn, ul.AcceptOptions{Options: uo, Negotiate: acceptAs(s.aet)})
	if err == nil {
		err = Serve(ctx, a, route, o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs = append(s.errs, err)
}

// ended waits until n associations have ended and returns how.
func (s *scp) ended(tb testing.TB, n int) []error {
	tb.Helper()
	for range 500 {
		s.mu.Lock()
		errs := s.errs
		s.mu.Unlock()
		if len(errs) >= n {
			return errs
		}
		time.Sleep(10 * time.Millisecond)
	}
	tb.Fatal("the association does not end")
	return nil
}

func acceptAs(aet dicom.AETitle) func(context.Context, *ul.Negotiation) error {
	return func(_ context.Context, n *ul.Negotiation) error {
		if n.Called != aet {
			return ul.RejectCalled
		}
		for _, pc := range n.Request.Contexts {
			n.Accept(pc.ID, pc.TransferSyntaxes[0])
		}
		for _, r := range n.Request.User.Roles {
			n.AcceptRoles(r.SOPClass, r.SCU, r.SCP)
		}
		return nil
	}
}

func contexts(classes ...dicom.UID) []ul.ProposedContext {
	var pcs []ul.ProposedContext
	for _, c := range classes {
		pcs = append(pcs, ul.ProposedContext{AbstractSyntax: c, TransferSyntaxes: []dicom.UID{explicit}})
	}
	return pcs
}

func dial(tb testing.TB, s *scp, o DialOptions) *Client {
	tb.Helper()
	if o.Called == "" {
		o.Called = "PACS"
	}
	o.Calling = "TESTER"
	if o.Contexts == nil {
		o.Contexts = contexts(dict.UIDVerification, ct, studyFind, studyGet, studyMove, commit, mpps)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := Dial(ctx, s.addr, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Association().Close() })
	return c
}

func closeClient(tb testing.TB, c *Client) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		tb.Errorf("close: %v", err)
	}
}

func asStatus(err error) Status {
	var s Status
	if !errors.As(err, &s) {
		return StatusSuccess
	}
	return s
}

func text(ds *dicom.DataSet, t dicom.Tag) string { return ds.String(t) }

func withID(id string) *dicom.DataSet {
	ds := new(dicom.DataSet)
	ds.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY")
	ds.PutString(dict.PatientID, dicom.VRLO, id)
	return ds
}
