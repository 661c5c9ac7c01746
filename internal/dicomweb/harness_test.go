package dicomweb_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/dicomweb"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

// notes is a trail in memory.
type notes struct {
	mu     sync.Mutex
	events []audit.Event
}

func (n *notes) Append(_ context.Context, e audit.Event) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
	return uint64(len(n.events)), nil
}

func (n *notes) count(code audit.Code, outcome audit.Outcome) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.events {
		if e.Code == code && e.Outcome == outcome {
			count++
		}
	}
	return count
}

// fixture is an archive in memory with its service on a loopback port.
type fixture struct {
	t         testing.TB
	url       string // of the service's root
	archive   *archive.Archive
	trail     *notes
	log       *lockedBuffer
	principal policy.Principal
	handler   http.Handler
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// quiet logs nothing.
var quiet = slog.New(slog.DiscardHandler)

var radiologist = policy.Principal{Kind: policy.User, Name: "erika", Rights: policy.RightsOf(policy.Radiologist, policy.Scope{})}

func start(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, trail: &notes{}, log: &lockedBuffer{}, principal: radiologist}
	limits := encoding.DefaultLimits()
	a, err := archive.Open(t.Context(), archive.Config{Catalog: storetest.NewCatalog(), Vault: storetest.NewVault(), Trail: f.trail, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	f.archive = a
	s := dicomweb.New(dicomweb.Config{Prefix: "/dicom-web", Limits: limits, Log: slog.New(slog.NewTextHandler(f.log, nil))})
	f.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Serve(w, r, a.As(f.principal))
	})
	server := httptest.NewServer(f.handler)
	t.Cleanup(server.Close)
	f.url = server.URL + "/dicom-web"
	return f
}

// reply is an answer that was read whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request; headers come as name and value in turn.
func (f *fixture) do(method, path string, body io.Reader, headers ...string) *reply {
	f.t.Helper()
	req, err := http.NewRequest(method, f.url+path, body)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return &reply{answer.StatusCode, answer.Header, b}
}

func (f *fixture) get(path string, headers ...string) *reply {
	f.t.Helper()
	return f.do(http.MethodGet, path, nil, headers...)
}

// object is an instance of a test.
type object struct {
	study, series, instance dicom.UID
	ds                      *dicom.DataSet
	syntax                  encoding.TransferSyntax
	pixels                  []byte
}

// newObject returns a small CT slice; change may alter it.
func newObject(study, series, instance dicom.UID, ts encoding.TransferSyntax, change func(*dicom.DataSet)) *object {
	o := &object{study: study, series: series, instance: instance, syntax: ts, ds: new(dicom.DataSet)}
	ds := o.ds
	ds.PutString(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 100")
	ds.PutUID(dict.SOPClassUID, dict.UIDCTImageStorage)
	ds.PutUID(dict.SOPInstanceUID, instance)
	ds.PutString(dict.StudyDate, dicom.VRDA, "20200102")
	ds.PutString(dict.StudyTime, dicom.VRTM, "101112")
	ds.PutString(dict.AccessionNumber, dicom.VRSH, "A1")
	ds.PutString(dict.Modality, dicom.VRCS, "CT")
	ds.PutString(dict.StudyDescription, dicom.VRLO, "Schädel")
	ds.PutString(dict.ReferringPhysicianName, dicom.VRPN, "Praxis^Dr")
	ds.PutString(dict.PatientName, dicom.VRPN, "Müller^Jürgen")
	ds.PutString(dict.PatientID, dicom.VRLO, "4711")
	ds.PutUID(dict.StudyInstanceUID, study)
	ds.PutUID(dict.SeriesInstanceUID, series)
	ds.PutString(dict.StudyID, dicom.VRSH, "S1")
	ds.PutString(dict.SeriesNumber, dicom.VRIS, "1")
	ds.PutString(dict.InstanceNumber, dicom.VRIS, "1")
	for t, v := range map[dicom.Tag]int64{dict.SamplesPerPixel: 1, dict.Rows: 4, dict.Columns: 6, dict.BitsAllocated: 16, dict.BitsStored: 12, dict.HighBit: 11, dict.PixelRepresentation: 0} {
		ds.PutInts(t, dicom.VRUS, v)
	}
	ds.PutString(dict.PhotometricInterpretation, dicom.VRCS, "MONOCHROME2")
	o.pixels = make([]byte, 4*6*2)
	for i := range o.pixels {
		o.pixels[i] = byte(i) & (0xFF >> (i % 2 * 4))
	}
	if !ts.Encapsulated {
		ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: o.pixels})
	}
	if change != nil {
		change(ds)
	}
	return o
}

// file returns the instance as a file of PS3.10.
func (o *object) file(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	meta := encoding.NewMeta(o.ds.UID(dict.SOPClassUID), o.instance, o.syntax.UID)
	if err := encoding.WriteFile(&b, meta, o.ds); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// put stores an instance without HTTP.
func (f *fixture) put(objects ...*object) {
	f.t.Helper()
	everything := policy.Principal{Kind: policy.Device, Name: "ct1", Rights: policy.DeviceRights}
	for _, o := range objects {
		b, err := encoding.Append(nil, o.syntax, o.ds)
		if err != nil {
			f.t.Fatal(err)
		}
		if _, err := f.archive.As(everything).Store(f.t.Context(), archive.Incoming{TransferSyntax: o.syntax.UID, DataSet: bytes.NewReader(b)}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// part is one part of an answer.
type part struct {
	header map[string][]string
	body   []byte
}

func (p *part) typ() string { return p.header["Content-Type"][0] }

// parts takes an answer apart; it must be multipart of the type.
func (r *reply) parts(t testing.TB, typ string) []part {
	t.Helper()
	media, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || media != "multipart/related" || params["type"] != typ {
		t.Fatalf("%d %q: %s", r.status, r.header.Get("Content-Type"), r.body)
	}
	if !bytes.HasSuffix(r.body, []byte("--"+params["boundary"]+"--\r\n")) {
		t.Error("the closing boundary is missing")
	}
	var list []part
	for m := multipart.NewReader(bytes.NewReader(r.body), params["boundary"]); ; {
		p, err := m.NextRawPart()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, part{p.Header, b})
	}
}

// rows reads an answer in JSON with the standard library alone.
func (r *reply) rows(t testing.TB) []row {
	t.Helper()
	if r.status == http.StatusNoContent {
		if len(r.body) > 0 {
			t.Error("204 with a body")
		}
		return nil
	}
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/dicom+json" {
		t.Fatalf("%d %s: %s", r.status, r.header.Get("Content-Type"), r.body)
	}
	var list []row
	if err := json.Unmarshal(r.body, &list); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return list
}

// row is a data set in the DICOM JSON model.
type row map[string]struct {
	VR          string `json:"vr"`
	Value       []any
	BulkDataURI string
}

// text returns the first value of an attribute.
func (r row) text(t dicom.Tag) string {
	e := r[t.Hex()]
	if len(e.Value) == 0 {
		return ""
	}
	switch v := e.Value[0].(type) {
	case string:
		return v
	case map[string]any:
		s, _ := v["Alphabetic"].(string)
		return s
	case float64:
		b, _ := json.Marshal(v)
		return string(b)
	}
	return ""
}

func (r row) has(t dicom.Tag) bool { _, ok := r[t.Hex()]; return ok }

// multipartBody makes a body of parts of a type.
func multipartBody(typ string, parts ...[]byte) (io.Reader, string) {
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString("--BOUND\r\nContent-Type: " + typ + "\r\n\r\n")
		b.Write(p)
		b.WriteString("\r\n")
	}
	b.WriteString("--BOUND--\r\n")
	return &b, `multipart/related; type="` + typ + `"; boundary=BOUND`
}

func hasWarning(r *reply, text string) bool {
	for _, w := range r.header.Values("Warning") {
		if strings.HasPrefix(w, "299 ") && strings.Contains(w, text) {
			return true
		}
	}
	return false
}

// raw sends a request line as it is written, which net/http would clean.
func (f *fixture) raw(t testing.TB, method, path string, headers map[string]string, body []byte) (status int, answer []byte) {
	t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(f.url, "http://"), "/dicom-web")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var b bytes.Buffer
	b.WriteString(method + " /dicom-web" + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n")
	for name, v := range headers {
		b.WriteString(name + ": " + v + "\r\n")
	}
	if body != nil {
		b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	b.WriteString("\r\n")
	go func() { // the answer may come before the body is sent
		conn.Write(b.Bytes())
		conn.Write(body)
	}()
	r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	answer, _ = io.ReadAll(r.Body) // a body broken off is judged by its status
	return r.StatusCode, answer
}
