package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// records returns the records of the trail with the code.
func (r *running) records(t *testing.T, code audit.Code) []audit.Event {
	t.Helper()
	var list []audit.Event
	for record, err := range server.SearchTrail(t.Context(), r.dir, audit.Filter{Codes: []audit.Code{code}}) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, record.Event)
	}
	return list
}

// awaitRecord waits until the trail has a record with the code and the reason.
func (r *running) awaitRecord(t *testing.T, code audit.Code, reason string) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, e := range r.records(t, code) {
			if strings.Contains(e.Reason, reason) && !e.Time.Before(r.since) {
				return
			}
		}
	}
	t.Errorf("no record %s with %q in the trail: %+v", code, reason, r.records(t, code))
}

func TestAStrangerLearnsNothing(t *testing.T) {
	r := start(t)
	r.surveyed(t)
	d := r.enrol(t, "ct1", "CT1", "echo", nil)
	verification := []ul.ProposedContext{{AbstractSyntax: dict.UIDVerification, TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID}}}
	request := ul.RequestOptions{Called: "TRESOR", Calling: "CT1", Contexts: verification}
	unrelated, err := peers.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := unrelated.Issue("stranger")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(foreign.Cert, foreign.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		dial   func() (net.Conn, error)
		reason string
	}{
		{"plain", func() (net.Conn, error) { return net.Dial("tcp", r.dicom) }, "TLS"},
		{"no certificate", func() (net.Conn, error) {
			return tls.Dial("tcp", r.dicom, &tls.Config{InsecureSkipVerify: true})
		}, "certificate"},
		{"foreign certificate", func() (net.Conn, error) {
			return tls.Dial("tcp", r.dicom, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}})
		}, "not registered"},
		{"foreign certificate, TLS 1.2", func() (net.Conn, error) {
			return tls.Dial("tcp", r.dicom, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}, MaxVersion: tls.VersionTLS12})
		}, "not registered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := c.dial()
			if err == nil {
				_, err = ul.Request(t.Context(), conn, request)
			}
			var rejected *ul.RejectError
			var aborted *ul.AbortError
			if err == nil || errors.As(err, &rejected) || errors.As(err, &aborted) && aborted.Err == nil {
				t.Errorf("a stranger got an answer of DICOM: %v", err)
			}
			r.awaitRecord(t, audit.NodeAuthenticationFailure, c.reason)
		})
	}
	if got := r.dcmtk(t, d, "echoscu"); got.Code != 0 {
		t.Errorf("the device does not get in: %s", got.Output)
	}
}

func TestTLSVersionsAndSuites(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "echo", nil)
	for _, c := range []struct {
		min, max uint16
		suites   []uint16
		good     bool
	}{
		{tls.VersionTLS10, tls.VersionTLS11, nil, false},
		{tls.VersionTLS12, tls.VersionTLS12, nil, true},
		{tls.VersionTLS13, tls.VersionTLS13, nil, true},
		{tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}, false},
		{tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}, false},
	} {
		config, err := identity.ClientTLS(d.tls().Cert, d.tls().Key, d.tls().CA)
		if err != nil {
			t.Fatal(err)
		}
		config.MinVersion, config.MaxVersion, config.CipherSuites = c.min, c.max, c.suites
		conn, err := tls.Dial("tcp", r.dicom, config)
		if err == nil {
			conn.Close()
		}
		if (err == nil) != c.good {
			t.Errorf("%x to %x with %x: %v", c.min, c.max, c.suites, err)
		}
	}
}

func TestTitlesAndRights(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "echo", nil)
	r.enrol(t, "ct2", "CT2", "echo,store,find", nil)
	echo := []ul.ProposedContext{{AbstractSyntax: dict.UIDVerification, TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID}}}
	for _, c := range []struct {
		called, calling dicom.AETitle
		want            *ul.RejectError
	}{
		{"TRESOR", "CT1", nil}, {"TRESOR", "CT2", ul.RejectCalling}, {"TRESOR", "ANY", ul.RejectCalling}, {"ANY-SCP", "CT1", ul.RejectCalled},
	} {
		_, err := r.associate(t, d, ul.RequestOptions{Called: c.called, Calling: c.calling, Contexts: echo})
		var got *ul.RejectError
		if errors.As(err, &got); (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s calls %s: %v, want %v", c.calling, c.called, err, c.want)
		}
	}
	r.awaitRecord(t, audit.AssociationRefused, "calling AE title")
	all := []dicom.UID{dict.UIDVerification, dict.UIDCTImageStorage, dict.UIDStudyRootQueryRetrieveInformationModelFind,
		dict.UIDStudyRootQueryRetrieveInformationModelGet, dict.UIDStudyRootQueryRetrieveInformationModelMove, dict.UIDStorageCommitmentPushModel}
	var contexts []ul.ProposedContext
	for _, u := range all {
		contexts = append(contexts, ul.ProposedContext{AbstractSyntax: u, TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID}})
	}
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: contexts})
	if err != nil {
		t.Fatal(err)
	}
	for i, answer := range client.Association().Answer().Contexts {
		want := ul.ContextUserRejection
		if i == 0 {
			want = ul.ContextAccepted
		}
		if answer.Result != want {
			t.Errorf("%s: %v, want %v", all[i], answer.Result, want)
		}
	}
}

func TestRevocationEndsRunningAssociationsWithinASecond(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "echo", nil)
	other := r.enrol(t, "ct2", "CT2", "echo", nil)
	o := ul.RequestOptions{Contexts: []ul.ProposedContext{{AbstractSyntax: dict.UIDVerification, TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID}}}}
	client, err := r.associate(t, d, o)
	if err != nil {
		t.Fatal(err)
	}
	stays, err := r.associate(t, other, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Echo(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := server.OpenAdmin(r.dir, server.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Identity.Revoke(t.Context(), "ct1"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if _, err = client.Echo(ctx); err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err == nil || ctx.Err() != nil {
		t.Error("the association goes on after a second")
	}
	if _, err := r.associate(t, d, o); err == nil {
		t.Error("a revoked device is let in")
	}
	if _, err := stays.Echo(t.Context()); err != nil {
		t.Error("another device suffers:", err)
	}
	r.awaitRecord(t, audit.NodeAuthenticationFailure, "revoked")
}

func TestHTTPSAnswersAStrangerWithOneWord(t *testing.T) {
	r := start(t)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/": 303, "/dicom-web/studies": 401, "/dicom-web": 401, "/dicom-web/../x": 401, "/dicom-webx": 404, "/metrics": 404} {
		answer, err := client.Get("https://" + r.https + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != want {
			t.Errorf("%s: %s, %v", path, answer.Status, err)
		}
		if want == 200 && len(strings.Fields(string(body))) != 1 {
			t.Errorf("%s says %q", path, body)
		}
		for _, h := range []string{"Strict-Transport-Security", "X-Content-Type-Options", "Content-Security-Policy"} {
			if answer.Header.Get(h) == "" {
				t.Errorf("%s: no %s", path, h)
			}
		}
	}
}

// TestNoPatientInTheLog sends and finds a patient, has an instance refused, and
// looks for the patient in the log and on the disk.
func TestNoPatientInTheLogNorOnTheDisk(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "echo,store,find,get", nil)
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 2, Rows: 32, Columns: 32})
	if got := r.dcmtk(t, d, "storescu", paths(list)...); got.Code != 0 {
		t.Fatal(got.Output)
	}
	h := list[0].Header
	name, id := h.String(dict.PatientName), h.String(dict.PatientID)
	r.dcmtk(t, d, "findscu", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID="+id, "-k", "PatientName="+name)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	family, _, _ := strings.Cut(name, "^")
	for _, secret := range []string{family, id} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, r.log)
		}
		for _, file := range (&peers.Peer{Dir: r.dir}).Files() {
			if contains(t, file, secret) {
				rel, _ := filepath.Rel(r.dir, file)
				t.Errorf("%q stands in plain in %s", secret, rel)
			}
		}
	}
}
