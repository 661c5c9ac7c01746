package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/peers"
)

// rule is one line of PS3.18: a request, and what the answer has to be.
type rule struct {
	where   string // in PS3.18
	what    string
	method  string // GET if empty
	path    string // below the root
	accept  string
	typ     string // of the body
	body    func() []byte
	status  []int // 200 if nil
	check   func(s *subject, r *reply) error
	orthanc string // why Orthanc 1.10.1 with DICOMweb 1.7 does otherwise; empty if it does not
}

// rules are all of them, chapter by chapter.
var rules = slices.Concat(capabilityRules, searchRules, retrieveRules, renderedRules, storeRules, uriRules, commitmentRules)

// subject is a server under test.
type subject struct {
	root   string // URL of the service
	client *http.Client
}

func (s *subject) do(r *rule) (*reply, error) {
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body())
	}
	req, err := http.NewRequest(method, s.root+r.path, body)
	if err != nil {
		return nil, err
	}
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if r.typ != "" {
		req.Header.Set("Content-Type", r.typ)
	}
	answer, err := s.client.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return &reply{answer.StatusCode, answer.Header, b}, err
}

// follow is a request for a URL that an answer named, wherever it says that the
// server is.
func (s *subject) follow(url, accept string) (*reply, error) {
	i := strings.Index(url, "/studies/")
	if i < 0 {
		return nil, fmt.Errorf("the URL %q names no study", url)
	}
	return s.do(&rule{path: url[i:], accept: accept})
}

// judge says what is wrong with the answer to a rule; nil is right.
func (s *subject) judge(r *rule) error {
	got, err := s.do(r)
	if err != nil {
		return err
	}
	want := r.status
	if want == nil {
		want = []int{200}
	}
	if !slices.Contains(want, got.status) {
		return fmt.Errorf("status %d: %.200s", got.status, got.body)
	}
	if r.check != nil {
		return r.check(s, got)
	}
	return nil
}

// The studies that every rule is about: one of three slices, of which one is of
// a second series, with three frames; and one of another patient.
const (
	ruleStudy    = "1.2.826.0.1.3680043.8.498.1"
	ruleSeries   = ruleStudy + ".1"
	ruleInstance = ruleSeries + ".1"
	ruleCine     = ruleStudy + ".2"
	ruleFrames   = ruleCine + ".1"
	otherStudy   = "1.2.826.0.1.3680043.8.498.2"

	studyURL    = "/studies/" + ruleStudy
	seriesURL   = studyURL + "/series/" + ruleSeries
	instanceURL = seriesURL + "/instances/" + ruleInstance
	framesURL   = studyURL + "/series/" + ruleCine + "/instances/" + ruleFrames
)

func ruleObjects() []*object {
	other := func(ds *dicom.DataSet) {
		slice(1)(ds)
		ds.PutString(dict.PatientID, dicom.VRLO, "0815")
		ds.PutString(dict.PatientName, dicom.VRPN, "Beispiel^Berta")
		ds.PutString(dict.StudyDate, dicom.VRDA, "20210506")
		ds.PutString(dict.AccessionNumber, dicom.VRSH)
		ds.PutString(dict.Modality, dicom.VRCS, "MR")
		ds.PutUID(dict.SOPClassUID, dict.UIDMRImageStorage)
	}
	cine := func(ds *dicom.DataSet) {
		frames(3)(ds)
		ds.PutString(dict.SeriesNumber, dicom.VRIS, "2")
		ds.PutUID(dict.SOPClassUID, dict.UIDMultiFrameGrayscaleWordSecondaryCaptureImageStorage)
		ds.PutString(dict.Modality, dicom.VRCS, "OT")
	}
	born := func(change func(*dicom.DataSet)) func(*dicom.DataSet) {
		return func(ds *dicom.DataSet) {
			change(ds)
			ds.PutString(dict.PatientBirthDate, dicom.VRDA, "19700101")
			ds.PutString(dict.PatientSex, dicom.VRCS, "O")
		}
	}
	return []*object{
		newObject(ruleStudy, ruleSeries, ruleInstance, encoding.ExplicitLE, born(slice(1))),
		newObject(ruleStudy, ruleSeries, ruleSeries+".2", encoding.ExplicitLE, born(slice(2))),
		newObject(ruleStudy, ruleCine, ruleFrames, encoding.ExplicitLE, born(cine)),
		newObject(otherStudy, otherStudy+".1", otherStudy+".1.1", encoding.ExplicitLE, born(other)),
	}
}

// fill stores the studies through the service itself.
func (s *subject) fill(t *testing.T) {
	t.Helper()
	var files [][]byte
	for _, o := range ruleObjects() {
		files = append(files, o.file(t))
	}
	body, typ := multipartBody("application/dicom", files...)
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	err = s.judge(&rule{method: http.MethodPost, path: "/studies", typ: typ, accept: "application/dicom+json", body: func() []byte { return b }})
	if err != nil {
		t.Fatal(err)
	}
}

// TestConformanceRules holds ours to every rule, over HTTPS.
func TestConformanceRules(t *testing.T) {
	f := start(t)
	server := httptest.NewTLSServer(f.handler)
	t.Cleanup(server.Close)
	ours := &subject{server.URL + "/dicom-web", server.Client()}
	ours.fill(t)
	for i := range rules {
		if err := ours.judge(&rules[i]); err != nil {
			t.Errorf("%s: %s: %v", rules[i].where, rules[i].what, err)
		}
	}
	t.Logf("%d rules", len(rules))
}

// TestConformanceRulesOrthanc is the control: rules that we read into the
// standard, and that nobody else keeps, would show here. What Orthanc does
// otherwise is noted beside the rule.
func TestConformanceRulesOrthanc(t *testing.T) {
	peers.Need(t, "Orthanc", peers.DICOMwebPlugin)
	p := peers.Run(t, peers.Orthanc{DICOMweb: true})
	var plugin struct{ Version string }
	if err := p.API().Do("GET", "/plugins/dicom-web", nil, &plugin); err != nil {
		t.Fatal(err)
	}
	known := strings.HasPrefix(plugin.Version, "1.7")
	orthanc := &subject{"http://" + peers.Address(p.HTTP) + "/dicom-web", &http.Client{Transport: http.DefaultTransport}}
	orthanc.fill(t)
	kept := 0
	for i := range rules {
		r := &rules[i]
		switch err := orthanc.judge(r); {
		case err == nil:
			kept++
			if known && r.orthanc != "" {
				t.Errorf("%s: %s: Orthanc does it, though it is noted that %s", r.where, r.what, r.orthanc)
			}
		case known && r.orthanc == "":
			t.Errorf("%s: %s: Orthanc: %v", r.where, r.what, err)
		default:
			t.Logf("%s: %s: Orthanc: %.100v", r.where, r.what, err)
		}
	}
	t.Logf("Orthanc with DICOMweb %s keeps %d of %d rules", plugin.Version, kept, len(rules))
	if kept < len(rules)/3 {
		t.Errorf("only %d of %d rules are kept by another server: the suite is doubtful", kept, len(rules))
	}
}

// typeIs requires a media type, as it begins.
func typeIs(typ string) func(*subject, *reply) error {
	return func(_ *subject, r *reply) error {
		if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, typ) {
			return fmt.Errorf("the type is %q", got)
		}
		return nil
	}
}

// ruleRows reads an answer in DICOM JSON; 204 has none.
func ruleRows(r *reply) (list []row, err error) {
	if r.status == http.StatusNoContent {
		return nil, nil
	}
	if typ := r.header.Get("Content-Type"); !strings.HasPrefix(typ, "application/dicom+json") && !strings.HasPrefix(typ, "application/json") {
		return nil, fmt.Errorf("the type is %q", typ)
	}
	return list, json.Unmarshal(r.body, &list)
}

// rowsAre requires so many rows that have the attributes.
func rowsAre(n int, tags ...dicom.Tag) func(*subject, *reply) error {
	return func(_ *subject, r *reply) error {
		list, err := ruleRows(r)
		if err != nil {
			return err
		}
		if len(list) != n {
			return fmt.Errorf("%d rows, not %d", len(list), n)
		}
		for _, row := range list {
			for _, t := range tags {
				if !row.has(t) {
					return fmt.Errorf("%s is missing", t)
				}
			}
		}
		return nil
	}
}

// ruleParts takes an answer in parts apart.
func ruleParts(r *reply, typ string) (list []part, err error) {
	media, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || media != "multipart/related" || !strings.HasPrefix(params["type"], typ) {
		return nil, fmt.Errorf("the type is %q", r.header.Get("Content-Type"))
	}
	for m := multipart.NewReader(bytes.NewReader(r.body), params["boundary"]); ; {
		p, err := m.NextRawPart()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		list = append(list, part{p.Header, b})
	}
}

// partsAre requires so many parts of a type.
func partsAre(typ string, n int) func(*subject, *reply) error {
	return func(_ *subject, r *reply) error {
		list, err := ruleParts(r, typ)
		if err != nil {
			return err
		}
		if len(list) != n {
			return fmt.Errorf("%d parts, not %d", len(list), n)
		}
		for _, p := range list {
			if len(p.header["Content-Type"]) != 1 || !strings.HasPrefix(p.typ(), typ) {
				return fmt.Errorf("a part is %q", p.header["Content-Type"])
			}
		}
		return nil
	}
}

// pictureIs requires a picture of a type and size.
func pictureIs(typ string, columns, rows int) func(*subject, *reply) error {
	return func(s *subject, r *reply) error {
		if err := typeIs(typ)(s, r); err != nil {
			return err
		}
		p, _, err := image.Decode(bytes.NewReader(r.body))
		if err != nil {
			return err
		}
		if b := p.Bounds(); b.Dx() != columns || b.Dy() != rows {
			return fmt.Errorf("%d by %d pixels", b.Dx(), b.Dy())
		}
		return nil
	}
}

// warningHas requires a Warning header with a text.
func warningHas(text string) func(*subject, *reply) error {
	return func(_ *subject, r *reply) error {
		if !hasWarning(r, text) {
			return fmt.Errorf("Warning is %q", r.header.Values("Warning"))
		}
		return nil
	}
}

// fileIs requires a file of PS3.10 in a transfer syntax.
func fileIs(ts dicom.UID) func(*subject, *reply) error {
	return func(_ *subject, r *reply) error {
		meta, _, err := encoding.ParseFile(r.body, encoding.Options{})
		if err != nil {
			return err
		}
		if got := meta.UID(dict.TransferSyntaxUID); got != ts {
			return fmt.Errorf("the transfer syntax is %s", got)
		}
		return nil
	}
}
