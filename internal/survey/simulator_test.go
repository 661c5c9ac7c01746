package survey_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/survey"
)

// simulated is one archive of the simulator, on an address of its own.
type simulated struct {
	country         string
	want            survey.State
	studies, images int64
	retrieve        bool // C-MOVE is negotiated
	kind            string
}

// Kinds of archives that do not stand open, as they are mixed: most reject.
var closedKinds = []struct {
	kind  string
	want  survey.State
	share int // of 100
}{
	{"reject called", survey.Refused, 44}, {"reject calling", survey.Refused, 24}, {"reject", survey.Refused, 8},
	{"abort query", survey.Stores, 10}, {"storage", survey.Stores, 6}, {"echo", survey.Associates, 4},
	{"not authorized", survey.Associates, 2}, {"mutual TLS", survey.MutualTLS, 1}, {"login", survey.Refused, 1},
}

// simulator plays archives.
type simulator struct {
	hosts     []simulated
	listeners []net.Listener
	port      int
	tls       *tls.Config
	wg        sync.WaitGroup
}

// fill makes the hosts of a table. Large numbers stand with those that show
// counters by HTTP; the others hold a few studies with many images, which are
// counted one by one. Images that cannot be retrieved stand with the last.
func (s *simulator) fill(t table) {
	for _, c := range t.countries {
		s.hosts = append(s.hosts, c.simulated()...)
	}
	for i := 0; len(s.hosts) < t.hosts; i++ {
		c := t.countries[i%len(t.countries)]
		n := i * 37 % 100
		for _, k := range closedKinds {
			if n -= k.share; n < 0 {
				s.hosts = append(s.hosts, simulated{country: c.code, want: k.want, kind: k.kind})
				break
			}
		}
	}
}

func (c figures) simulated() (out []simulated) {
	studies, hidden, shown := c.studies, c.images-c.retrievable, c.retrievable
	for i := range c.open {
		h := simulated{country: c.code, want: survey.Queryable, kind: "open", retrieve: true}
		last := i == c.open-1
		switch {
		case i < c.http: // counters; taken care of below
			h.want, h.kind = survey.WebOpen, "rest"
		case last && hidden > 0:
			h.retrieve, h.images, h.studies = false, hidden, min(studies, 3)
		case studies > int64(c.open):
			h.studies = int64(1 + i%7)
			h.images = min(shown/2, h.studies*int64(11+i))
			shown -= h.images
		}
		studies -= h.studies
		out = append(out, h)
	}
	if c.http > 0 {
		out[0].studies, out[0].images = studies, shown
	} else {
		out[0].studies, out[0].images = out[0].studies+studies, out[0].images+shown
	}
	return out
}

// start listens for all hosts, at one port of an address each.
func (s *simulator) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		for _, l := range s.listeners {
			l.Close()
		}
		s.wg.Wait()
	})
	s.tls = mutualTLS(t)
	for i, h := range s.hosts {
		l, err := net.Listen("tcp", fmt.Sprintf("127.1.%d.%d:%d", i>>8, i&255, s.port))
		if err != nil {
			t.Skipf("listen on an address of loopback: %v", err)
		}
		s.port = l.Addr().(*net.TCPAddr).Port
		s.listeners = append(s.listeners, l)
		s.wg.Go(func() { h.serve(ctx, l, s.tls) })
	}
}

func (h *simulated) serve(ctx context.Context, l net.Listener, secure *tls.Config) {
	if h.kind == "rest" || h.kind == "login" {
		server := &http.Server{Handler: http.HandlerFunc(h.page)}
		defer server.Close()
		server.Serve(webListener{l})
		return
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if h.kind == "mutual TLS" {
			conn = tls.Server(conn, secure)
		}
		h.converse(ctx, conn)
	}
}

// webListener is of a web server that ends a connection on which DICOM is spoken,
// as Orthanc's does.
type webListener struct{ net.Listener }

func (l webListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &webConn{Conn: c}, err
}

type webConn struct {
	net.Conn
	begun bool
}

func (c *webConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.begun && n > 0 && b[0] == 1 { // A-ASSOCIATE-RQ
		return 0, io.EOF
	}
	c.begun = true
	return n, err
}

// page plays Orthanc's REST interface, or a viewer that wants a login.
func (h *simulated) page(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.kind == "login" && r.URL.Path == "/":
		io.WriteString(w, `<title>Oviyam</title><input type="password">`)
	case h.kind == "rest" && r.URL.Path == "/system":
		io.WriteString(w, `{"ApiVersion":15,"Version":"1.5.6"}`)
	case h.kind == "rest" && r.URL.Path == "/statistics":
		fmt.Fprintf(w, `{"CountPatients":1,"CountStudies":%d,"CountInstances":%d}`, h.studies, h.images)
	default:
		http.NotFound(w, r)
	}
}

func (h *simulated) converse(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	a, err := ul.Accept(ctx, conn, ul.AcceptOptions{
		Options:   ul.Options{ImplementationClassUID: "1.2.276.0.7230010.3.0.3.6.2", ImplementationVersion: "OFFIS_DCMTK_362"},
		Negotiate: func(_ context.Context, n *ul.Negotiation) error { return h.negotiate(n) }})
	if err != nil {
		return
	}
	dimse.Serve(ctx, a, func(f dimse.CommandField, _ ul.PresentationContext) dimse.Handler {
		if f == dimse.CFindRQ {
			return dimse.HandlerFunc(h.find)
		}
		return dimse.HandlerFunc(func(context.Context, dimse.ResponseWriter, *dimse.Request) error { return nil })
	}, dimse.ServeOptions{})
}

func (h *simulated) negotiate(n *ul.Negotiation) error {
	switch h.kind {
	case "reject called":
		return ul.RejectCalled
	case "reject calling":
		return ul.RejectCalling
	case "reject":
		return &ul.RejectError{Result: ul.RejectedPermanent, Source: 1, Reason: 1}
	}
	takes := map[dicom.UID]bool{dict.UIDVerification: true}
	switch h.kind {
	case "open":
		takes[dict.UIDStudyRootQueryRetrieveInformationModelFind] = true
		takes[dict.UIDStudyRootQueryRetrieveInformationModelMove] = h.retrieve
	case "abort query":
		takes[dict.UIDStudyRootQueryRetrieveInformationModelFind], takes[dict.UIDCTImageStorage] = true, true
	case "storage":
		takes[dict.UIDCTImageStorage] = true
	case "not authorized":
		takes[dict.UIDStudyRootQueryRetrieveInformationModelFind] = true
	}
	for _, c := range n.Request.Contexts {
		if takes[c.AbstractSyntax] {
			n.Accept(c.ID, c.TransferSyntaxes[0])
		}
	}
	return nil
}

// find answers a query by dates with the studies, all of one day, and any other
// with nothing.
func (h *simulated) find(_ context.Context, rw dimse.ResponseWriter, req *dimse.Request) error {
	keys, err := req.ReadDataSet(1 << 16)
	if err != nil {
		return err
	}
	switch h.kind {
	case "abort query":
		req.Association.Abort() // as Orthanc does
		return nil
	case "not authorized":
		return dimse.StatusNotAuthorized
	}
	from, to, ok := strings.Cut(keys.String(dict.StudyDate), "-")
	if !ok || from > simulatedDay || to < simulatedDay {
		return nil
	}
	for i := range h.studies {
		images := h.images / h.studies
		if i == 0 {
			images += h.images % h.studies
		}
		match := &dicom.DataSet{}
		match.PutString(dict.StudyInstanceUID, dicom.VRUI, fmt.Sprint("2.25.", i+1))
		match.PutString(dict.NumberOfStudyRelatedInstances, dicom.VRIS, fmt.Sprint(images))
		if err := rw.Pending(dimse.StatusPending, match, nil); err != nil {
			return err
		}
	}
	return nil
}

const simulatedDay = "20190719"
