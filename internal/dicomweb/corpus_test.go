package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/corpus"
	"github.com/tresor-pacs/tresor/internal/dicomweb"
)

// store sends one file and returns the answer with the failure reason in it, 0
// if there is none.
func (f *fixture) store(path string, file []byte) (r *reply, reason int64) {
	f.t.Helper()
	body, typ := multipartBody("application/dicom", file)
	r = f.do("POST", path, body, "Content-Type", typ)
	if r.status == 200 || r.status == 202 || r.status == 409 {
		ds, err := encoding.ParseJSON(r.body, encoding.JSONOptions{})
		if err != nil {
			f.t.Fatalf("%v: %s", err, r.body)
		}
		for _, item := range ds.Items(dict.FailedSOPSequence) {
			reason, _ = item.Int(dict.FailureReason)
		}
	}
	return r, reason
}

// TestHostileFilesThroughSTOW stores what a server must refuse, must take or may
// do either with, and looks after each at time, memory and health.
func TestHostileFilesThroughSTOW(t *testing.T) {
	dir := corpus.Dir(t)
	for _, row := range corpus.Rows(t, "hostile/files/", "hostile/preamble/") {
		t.Run(strings.ReplaceAll(row.Path(), "/", "_"), func(t *testing.T) {
			f := start(t)
			b, err := os.ReadFile(filepath.Join(dir, row.Path()))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(row.Path(), "dup-sop-B") {
				a, err := os.ReadFile(filepath.Join(dir, "hostile/files/dup-sop-A.dcm"))
				if err != nil {
					t.Fatal(err)
				}
				f.store("/studies", a)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			refused := f.trail.count(audit.InstancesTransferred, audit.SeriousFailure) + f.trail.count(audit.InstancesTransferred, audit.MinorFailure)
			r, reason := f.store("/studies", b)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("the answer took %v", took)
			}
			runtime.ReadMemStats(&after)
			if grown := int64(after.Sys) - int64(before.Sys); grown > 256<<20 {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
			judgeStore(t, row, r, reason)
			if r.status == 409 && f.trail.count(audit.InstancesTransferred, audit.SeriousFailure)+f.trail.count(audit.InstancesTransferred, audit.MinorFailure) == refused {
				t.Error("the refusal is not in the trail")
			}
			if r.status == 200 {
				f.readBack(t, r, b)
			}
		})
	}
}

func judgeStore(t *testing.T, row corpus.Row, r *reply, reason int64) {
	t.Helper()
	known := []int64{0x0111, 0x0122, 0xA700, 0xA900, 0xC000, 0xC122}
	refused := r.status == 400 && len(bytes.TrimSpace(r.body)) > 0 || r.status == 409 && slices.Contains(known, reason)
	switch row.Expected() {
	case "reject", "parser-only":
		if !refused {
			t.Errorf("not refused: %d, reason %04X (%s)", r.status, reason, row["expected_error"])
		}
	case "accept", "accept-sanitise":
		if r.status != 200 {
			t.Errorf("%d, reason %04X", r.status, reason)
		}
	default:
		if r.status != 200 && !refused {
			t.Errorf("neither stored nor refused: %d, reason %04X: %s", r.status, reason, r.body)
		}
	}
	if strings.Contains(row["expected_error"], "0xC122") && reason != 0xC122 {
		t.Errorf("reason %04X", reason)
	}
}

// readBack looks at every form of what was stored: the file, with a preamble of
// zeros, metadata that is JSON and XML, and frames that come or are refused.
func (f *fixture) readBack(t *testing.T, r *reply, sent []byte) {
	t.Helper()
	ds, err := encoding.ParseJSON(r.body, encoding.JSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	url := ds.Items(dict.ReferencedSOPSequence)[0].String(dict.RetrieveURL)
	path := url[strings.Index(url, "/studies/"):]
	got := f.get(path, "Accept", `application/dicom; transfer-syntax=*`)
	if got.status != 200 || got.header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("file: %d %v", got.status, got.header)
	} else if !bytes.Equal(got.body[:128], make([]byte, 128)) || string(got.body[128:132]) != "DICM" {
		t.Error("the preamble is not zero")
	}
	meta := f.get(path + "/metadata")
	if !json.Valid(meta.body) || meta.status != 200 || len(meta.body) > 64<<20 {
		t.Errorf("metadata: %d, %d bytes", meta.status, len(meta.body))
	}
	if x := f.get(path+"/metadata", "Accept", `multipart/related; type="application/dicom+xml"`); x.status != 200 {
		t.Errorf("XML: %d %s", x.status, x.body)
	}
	frames := f.get(path+"/frames/1", "Accept", `multipart/related; type="application/octet-stream"; transfer-syntax=*`)
	if frames.status != 200 && frames.status != 404 && frames.status != 406 && frames.status != 422 {
		t.Errorf("frames: %d %s", frames.status, frames.body)
	}
	for _, q := range []string{"/studies?PatientName=*&includefield=all", "/instances?includefield=all"} {
		if got := f.get(q); got.status != 200 || !json.Valid(got.body) {
			t.Errorf("%s: %d", q, got.status)
		}
	}
}

// TestHostileRequests sends the requests of the corpus as they are written.
func TestHostileRequests(t *testing.T) {
	dir := filepath.Join(corpus.Dir(t), "hostile", "http")
	b, err := os.ReadFile(filepath.Join(dir, "requests.json"))
	if err != nil {
		t.Fatal(err)
	}
	var requests []struct {
		ID, Method, Path, Expect, Why, Body string
		Headers                             map[string]string
	}
	if err := json.Unmarshal(b, &requests); err != nil {
		t.Fatal(err)
	}
	for _, q := range requests {
		t.Run(q.ID, func(t *testing.T) {
			f := start(t)
			f.put(newObject("1.2.9", "1.2.9.1", "1.2.9.1.1", encoding.ExplicitLE, nil))
			if strings.Contains(q.Path, "/rendered") || strings.Contains(q.Path, "/thumbnail") {
				if !offers("rendered") {
					t.Skip("there is no rendering yet")
				}
			}
			path := strings.NewReplacer(" ", "%20", "{dicomweb}", "", "{study}", "1.2.9", "{series}", "1.2.9.1", "{instance}", "1.2.9.1.1").Replace(q.Path)
			var body []byte
			if q.Body != "" {
				if body, err = os.ReadFile(filepath.Join(dir, q.Body)); err != nil {
					t.Fatal(err)
				}
			}
			began := time.Now()
			status, answer := f.raw(t, q.Method, path, q.Headers, body)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("the answer took %v", took)
			}
			if problem := judgeRequest(q.ID, q.Expect, status, answer); problem != "" {
				t.Errorf("%s: %d %.300s; want %s (%s)", problem, status, answer, q.Expect, q.Why)
			}
			if got := f.get("/studies").rows(t); len(got) == 0 {
				t.Error("the archive is not well afterwards")
			}
		})
	}
}

// offers reports whether the service has a route whose pattern has the word.
func offers(word string) bool {
	return slices.ContainsFunc(dicomweb.Routes(), func(r dicomweb.Route) bool { return strings.Contains(r.Pattern, word) })
}

// judgeRequest compares an answer with the words of the corpus: its numbers are
// the statuses that are right; "" is good.
func judgeRequest(id, expect string, status int, answer []byte) string {
	var right []int
	for word := range strings.FieldsFuncSeq(expect, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(word); err == nil && n >= 200 && n < 600 && len(word) == 3 {
			right = append(right, n)
		}
	}
	if strings.Contains(expect, "empty") || strings.Contains(expect, "capped") {
		right = append(right, 204)
	}
	if strings.Contains(expect, "accept as default") {
		right = append(right, 200)
	}
	switch {
	case status >= 500:
		return "an internal error"
	case len(right) > 0 && !slices.Contains(right, status):
		return "another status"
	case strings.Contains(expect, "one ReferencedSOP and one FailedSOP") &&
		(bytes.Count(answer, []byte(`"00081197"`)) != 1 || bytes.Count(answer, []byte(`"00081199"`)) != 1):
		return "not one of each"
	}
	return ""
}

// TestCorpusThroughSTOWAndBack stores what must be taken and compares the values
// that come back with those that were sent, and the metadata with what our own
// parser makes of the file.
func TestCorpusThroughSTOWAndBack(t *testing.T) {
	dir := corpus.Dir(t)
	f := start(t)
	seen := map[string]bool{}
	compared := 0
	for _, row := range corpus.Rows(t, "conformance/", "charset/", "series/") {
		uid := row["sop_instance_uid"]
		if row.Expected() != "accept" || seen[uid] || !dicom.UID(uid).Tolerable() {
			continue
		}
		seen[uid] = true
		b, err := os.ReadFile(filepath.Join(dir, row.Path()))
		if err != nil {
			t.Fatal(err)
		}
		r, reason := f.store("/studies", b)
		if r.status != 200 {
			t.Errorf("%s: %d, reason %04X", row.Path(), r.status, reason)
			continue
		}
		compared++
		f.compare(t, row.Path(), r, b)
	}
	t.Logf("%d files compared", compared)
	if compared < 200 {
		t.Errorf("only %d files were stored", compared)
	}
}

func (f *fixture) compare(t *testing.T, path string, r *reply, sent []byte) {
	t.Helper()
	answer, err := encoding.ParseJSON(r.body, encoding.JSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	url := answer.Items(dict.ReferencedSOPSequence)[0].String(dict.RetrieveURL)
	resource := url[strings.Index(url, "/studies/"):]
	meta, want, err := encoding.ParseFile(sent, encoding.Options{})
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	got := f.get(resource, "Accept", "application/dicom; transfer-syntax="+string(meta.UID(dict.TransferSyntaxUID)))
	if got.status != 200 {
		t.Errorf("%s: %d %s", path, got.status, got.body)
		return
	}
	_, back, err := encoding.ParseFile(got.body, encoding.Options{})
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if a, b := asJSON(t, want), asJSON(t, back); !bytes.Equal(a, b) {
		t.Errorf("%s: other values come back", path)
	}
	f.compareMetadata(t, path, resource, want)
}

func asJSON(t *testing.T, ds *dicom.DataSet) []byte {
	t.Helper()
	b, err := encoding.AppendJSON(nil, ds, encoding.JSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// compareMetadata compares all attributes but those whose values are bulk data
// in the metadata.
func (f *fixture) compareMetadata(t *testing.T, path, resource string, want *dicom.DataSet) {
	t.Helper()
	r := f.get(resource + "/metadata")
	list, err := encoding.ParseJSONArray(r.body, encoding.JSONOptions{ResolveURI: func(_ encoding.Path, e *dicom.Element, uri string) error {
		if !strings.Contains(uri, resource+"/bulkdata/") {
			t.Errorf("%s: a reference to %s", path, uri)
		}
		e.Bulk = &dicom.Bulk{}
		return nil
	}})
	if err != nil || len(list) != 1 {
		t.Errorf("%s: metadata: %v", path, err)
		return
	}
	for e := range want.All() {
		got := list[0].Get(e.Tag)
		if e.Tag.IsGroupLength() || got != nil && got.Bulk != nil || strings.Contains(string(asJSON(t, only(e))), "BulkDataURI") {
			continue
		}
		if got == nil {
			t.Errorf("%s: %s is missing", path, e.Tag)
			continue
		}
		if e.VR.IsText() && !slices.EqualFunc(list[0].Strings(e.Tag), want.Strings(e.Tag), sameText) && e.Tag != dict.SpecificCharacterSet {
			t.Errorf("%s: %s %s differs: %q, not %q", path, e.Tag, e.VR, list[0].Strings(e.Tag), want.Strings(e.Tag))
		}
	}
}

// sameText compares two values: JSON writes +125.0 as 125.0, and leaves empty
// groups of a name out.
func sameText(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return a == b || err == nil && err2 == nil && x == y || strings.TrimRight(a, "=^") == strings.TrimRight(b, "=^")
}

func only(e *dicom.Element) *dicom.DataSet {
	ds := new(dicom.DataSet)
	if e.Items == nil {
		ds.Put(*e)
	}
	return ds
}

// TestCorpusDecoded asks for what is compressed without compression, as a file
// and as a frame, and compares the two.
func TestCorpusDecoded(t *testing.T) {
	dir := corpus.Dir(t)
	f := start(t)
	compared := 0
	for _, row := range corpus.Rows(t, "conformance/ts-5-rle", "conformance/ts-4.") {
		b, err := os.ReadFile(filepath.Join(dir, row.Path()))
		if err != nil {
			t.Fatal(err)
		}
		r, _ := f.store("/studies", b)
		if row.Expected() != "accept" || r.status != 200 || len(b) > 300<<10 {
			continue
		}
		answer, err := encoding.ParseJSON(r.body, encoding.JSONOptions{})
		if err != nil {
			t.Fatal(err)
		}
		url := answer.Items(dict.ReferencedSOPSequence)[0].String(dict.RetrieveURL)
		path := url[strings.Index(url, "/studies/"):]
		file := f.get(path, "Accept", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1")
		frame := f.get(path+"/frames/1", "Accept", "application/octet-stream")
		if file.status != frame.status {
			t.Errorf("%s: the file %d, the frame %d", row.Path(), file.status, frame.status)
			continue
		}
		if file.status != 200 {
			if file.status != 406 && file.status != 422 {
				t.Errorf("%s: %d %s", row.Path(), file.status, file.body)
			}
			continue
		}
		meta, ds, err := encoding.ParseFile(file.body, encoding.Options{})
		if err != nil || meta.UID(dict.TransferSyntaxUID) != encoding.ExplicitLE.UID || !bytes.HasPrefix(ds.Get(dict.PixelData).Data, frame.body) {
			t.Errorf("%s: %v", row.Path(), err)
		}
		compared++
	}
	t.Logf("%d files decoded", compared)
}
