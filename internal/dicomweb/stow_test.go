package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/audit"
)

// report reads a Store Instances Response: the failure reasons, and how many
// instances were stored.
func report(t testing.TB, r *reply) (reasons []int64, stored int) {
	t.Helper()
	ds, err := encoding.ParseJSON(r.body, encoding.JSONOptions{})
	if err != nil {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	for _, item := range ds.Items(dict.FailedSOPSequence) {
		reason, err := item.Int(dict.FailureReason)
		if err != nil || !item.Has(dict.ReferencedSOPClassUID) || !item.Has(dict.ReferencedSOPInstanceUID) {
			t.Errorf("%s", r.body)
		}
		reasons = append(reasons, reason)
	}
	for _, item := range ds.Items(dict.ReferencedSOPSequence) {
		if !strings.Contains(item.String(dict.RetrieveURL), "/instances/"+string(item.UID(dict.ReferencedSOPInstanceUID))) {
			t.Errorf("%s", r.body)
		}
		stored++
	}
	return reasons, stored
}

// TestStoreAnswers has a line for each status and failure reason (PS3.18 section
// 10.5.3, table I.2-2).
func TestStoreAnswers(t *testing.T) {
	good := newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil).file(t)
	second := newObject("1.1", "1.1.1", "1.1.1.2", encoding.ImplicitLE, nil).file(t)
	other := newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, func(ds *dicom.DataSet) { ds.PutString(dict.StudyID, dicom.VRSH, "S2") }).file(t)
	echo := newObject("1.1", "1.1.1", "1.1.1.3", encoding.ExplicitLE, func(ds *dicom.DataSet) { ds.PutUID(dict.SOPClassUID, dict.UIDVerification) }).file(t)
	noStudy := newObject("1.1", "1.1.1", "1.1.1.4", encoding.ExplicitLE, func(ds *dicom.DataSet) { ds.Delete(dict.StudyInstanceUID) }).file(t)
	cut := good[:len(good)-10]
	for _, c := range []struct {
		name    string
		path    string
		parts   [][]byte
		status  int
		stored  int
		reasons string
	}{
		{"one", "/studies", [][]byte{good}, 200, 1, "[]"},
		{"two", "/studies", [][]byte{good, second}, 200, 2, "[]"},
		{"to its study", "/studies/1.1", [][]byte{good}, 200, 1, "[]"},
		{"to another study", "/studies/1.2", [][]byte{good}, 409, 0, "[43264]"},
		{"twice the same", "/studies", [][]byte{good, good}, 200, 2, "[]"},
		{"other bytes", "/studies", [][]byte{good, other}, 202, 1, "[273]"},
		{"garbage", "/studies", [][]byte{[]byte("garbage")}, 409, 0, "[49152]"},
		{"some garbage", "/studies", [][]byte{[]byte("garbage"), good}, 202, 1, "[49152]"},
		{"cut off", "/studies", [][]byte{cut, second}, 202, 1, "[49152]"},
		{"no storage class", "/studies", [][]byte{echo}, 409, 0, "[290]"},
		{"no study", "/studies", [][]byte{noStudy}, 409, 0, "[43264]"},
		{"nothing", "/studies", nil, 400, 0, ""},
		{"an empty part", "/studies", [][]byte{{}}, 400, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t)
			body, typ := multipartBody("application/dicom", c.parts...)
			r := f.do("POST", c.path, body, "Content-Type", typ)
			if r.status != c.status {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if c.status == 400 {
				return
			}
			reasons, stored := report(t, r)
			if fmt.Sprint(reasons) != c.reasons || stored != c.stored {
				t.Errorf("%v, %d stored", reasons, stored)
			}
			if n := f.trail.count(audit.InstancesTransferred, audit.SeriousFailure) + f.trail.count(audit.InstancesTransferred, audit.MinorFailure); n != len(reasons) {
				t.Errorf("%d refusals in the trail", n)
			}
		})
	}
}

func TestStoreTakesOnlyWhatItKnows(t *testing.T) {
	f := start(t)
	good := newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil).file(t)
	for _, c := range []struct {
		typ, encoding string
		status        int
	}{
		{"application/dicom", "", 200},
		{"application/dicom", "gzip", 415},
		{"text/plain", "", 415},
		{"", "", 400},
		{"multipart/related; type=text/plain; boundary=x", "", 415},
		{`multipart/related; type="application/dicom"`, "", 400},
		{`multipart/related; type="application/dicom"; boundary=` + strings.Repeat("x", 71), "", 400},
		{`multipart/related; type="application/dicom"; boundary=OTHER`, "", 400},
	} {
		r := f.do("POST", "/studies", bytes.NewReader(good), "Content-Type", c.typ, "Content-Encoding", c.encoding)
		if r.status != c.status {
			t.Errorf("%q %q: %d %s", c.typ, c.encoding, r.status, r.body)
		}
	}
	body, typ := multipartBody("application/dicom", good)
	if r := f.do("POST", "/studies", body, "Content-Type", strings.ReplaceAll(typ, `"`, "")); r.status != 200 {
		t.Errorf("a type without quotes: %d %s", r.status, r.body)
	}
	for accept, want := range map[string]string{"application/dicom+xml": "application/dicom+xml", "application/json": "application/json"} {
		body, typ := multipartBody("application/dicom", good)
		if r := f.do("POST", "/studies", body, "Content-Type", typ, "Accept", accept); r.status != 200 || r.header.Get("Content-Type") != want {
			t.Errorf("%s: %d %s", accept, r.status, r.header.Get("Content-Type"))
		}
	}
}

// modelBody makes a body of metadata and one bulk value.
func modelBody(typ string, metadata []byte, location string, bulk []byte) (*bytes.Buffer, string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "--BOUND\r\nContent-Type: %s\r\n\r\n%s\r\n", typ, metadata)
	if location != "" {
		fmt.Fprintf(&b, "--BOUND\r\nContent-Type: application/octet-stream\r\nContent-Location: %s\r\n\r\n%s\r\n", location, bulk)
	}
	b.WriteString("--BOUND--\r\n")
	return &b, `multipart/related; type="` + typ + `"; boundary=BOUND`
}

// TestStoreModels stores an instance as JSON and as XML with its pixel data in a
// part of its own, and reads it back.
func TestStoreModels(t *testing.T) {
	o := newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil)
	options := encoding.JSONOptions{InlineUpTo: 10, BulkDataURI: func(encoding.Path, *dicom.Element) string { return "bulk-1" }}
	one, err := encoding.AppendJSON(nil, o.ds, options)
	if err != nil {
		t.Fatal(err)
	}
	asXML, err := encoding.AppendXML(nil, o.ds, options)
	if err != nil {
		t.Fatal(err)
	}
	for typ, metadata := range map[string][]byte{"application/dicom+json": []byte("[" + string(one) + "]"), "application/dicom+xml": asXML} {
		f := start(t)
		body, content := modelBody(typ, metadata, "bulk-1", o.pixels)
		r := f.do("POST", "/studies", body, "Content-Type", content)
		if r.status != http.StatusOK {
			t.Fatalf("%s: %d %s", typ, r.status, r.body)
		}
		frame := f.get("/studies/1.1/series/1.1.1/instances/1.1.1.1/frames/1", "Accept", anyFrame).parts(t, "application/octet-stream")
		if !bytes.Equal(frame[0].body, o.pixels) {
			t.Error("other pixels come back")
		}
		if rows := f.get("/studies").rows(t); rows[0].text(dict.PatientName) != "Müller^Jürgen" {
			t.Errorf("%v", rows)
		}
	}
}

// TestStoreModelsFetchesNothing sends references that lead elsewhere: they are
// refused, and the listener that they name hears nothing.
func TestStoreModelsFetchesNothing(t *testing.T) {
	heard := make(chan string, 8)
	trap := newTrap(t, heard)
	o := newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil)
	for _, uri := range []string{trap, "file:///etc/passwd", "bulk-2", ""} {
		f := start(t)
		one, err := encoding.AppendJSON(nil, o.ds, encoding.JSONOptions{InlineUpTo: 10, BulkDataURI: func(encoding.Path, *dicom.Element) string { return "URI" }})
		if err != nil {
			t.Fatal(err)
		}
		quoted, _ := json.Marshal(uri)
		body, content := modelBody("application/dicom+json", bytes.Replace(one, []byte(`"URI"`), quoted, 1), "bulk-1", o.pixels)
		if r := f.do("POST", "/studies", body, "Content-Type", content); r.status != http.StatusBadRequest {
			t.Errorf("%q: %d %s", uri, r.status, r.body)
		}
		if rows := f.get("/studies").rows(t); len(rows) > 0 {
			t.Errorf("%q: something was stored", uri)
		}
	}
	select {
	case path := <-heard:
		t.Error("somebody fetched", path)
	default:
	}
}
