package dicomweb_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// content is a content item of a report with a name and children.
func content(kind, name string, change func(*dicom.DataSet), children ...*dicom.DataSet) *dicom.DataSet {
	ds := new(dicom.DataSet)
	ds.PutString(dict.ValueType, dicom.VRCS, kind)
	code := new(dicom.DataSet)
	code.PutString(dict.CodeMeaning, dicom.VRLO, name)
	ds.PutItems(dict.ConceptNameCodeSequence, code)
	if change != nil {
		change(ds)
	}
	if len(children) > 0 {
		ds.PutItems(dict.ContentSequence, children...)
	}
	return ds
}

// TestReportAsText renders a structured report, whose text cannot be markup.
func TestReportAsText(t *testing.T) {
	f := start(t)
	f.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, func(ds *dicom.DataSet) {
		ds.Delete(dict.PixelData)
		ds.PutUID(dict.SOPClassUID, dict.UIDComprehensiveSRStorage)
		ds.PutString(dict.PatientName, dicom.VRPN, "<script>alert(1)</script>")
		number := func(ds *dicom.DataSet) {
			m, u := new(dicom.DataSet), new(dicom.DataSet)
			m.PutString(dict.NumericValue, dicom.VRDS, "12.5")
			u.PutString(dict.CodeValue, dicom.VRSH, "mm")
			m.PutItems(dict.MeasurementUnitsCodeSequence, u)
			ds.PutItems(dict.MeasuredValueSequence, m)
		}
		text := func(ds *dicom.DataSet) { ds.PutString(dict.TextValue, dicom.VRUT, "Groesse <b>fett</b>") }
		root := content("CONTAINER", "Befund & Bericht", nil, content("TEXT", "Beurteilung", text),
			content("CONTAINER", "Messungen", nil, content("NUM", "Laenge", number)))
		for e := range root.All() {
			ds.Put(*e)
		}
	}))
	page := f.get(firstSlice + "/rendered")
	html := string(page.body)
	if page.status != 200 || page.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(page.header.Get("Content-Security-Policy"), "sandbox") {
		t.Fatalf("%d %v", page.status, page.header)
	}
	for _, want := range []string{"<title>Befund &amp; Bericht</title>", "Groesse &lt;b&gt;fett&lt;/b&gt;", "<b>Laenge</b>: 12.5 mm", "&lt;script&gt;"} {
		if !strings.Contains(html, want) {
			t.Errorf("%s is missing: %s", want, html)
		}
	}
	if strings.Contains(html, "<script>") || !nested(html) {
		t.Errorf("%s", html)
	}
	plain := f.get(firstSlice+"/rendered", "Accept", "text/plain")
	if plain.header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(string(plain.body), "    Laenge: 12.5 mm\n") {
		t.Errorf("%v %s", plain.header, plain.body)
	}
	if r := f.get(firstSlice+"/rendered", "If-None-Match", page.header.Get("ETag")); r.status != 304 {
		t.Errorf("%d", r.status)
	}
	if parts := f.get(firstSlice+"/rendered", "Accept", `multipart/related; type="text/html"`).parts(t, "text/html"); len(parts) != 1 {
		t.Errorf("%d parts", len(parts))
	}
}

// nested reports whether lists and their items are opened and closed in order,
// and lists lie within items.
func nested(page string) bool {
	var open []string
	for rest := page; ; {
		_, after, more := strings.Cut(rest, "<")
		if !more {
			return len(open) == 0
		}
		tag, tail, _ := strings.Cut(after, ">")
		rest = tail
		top := ""
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		switch tag {
		case "ul", "li":
			if top == tag || tag == "li" && top == "" {
				return false
			}
			open = append(open, tag)
		case "/ul", "/li":
			if "/"+top != tag {
				return false
			}
			open = open[:len(open)-1]
		}
	}
}

// TestReportsOfTheCorpus renders each report and document.
func TestReportsOfTheCorpus(t *testing.T) {
	dir := corpus.Dir(t)
	f := start(t)
	reports, documents := 0, 0
	for _, row := range corpus.Rows(t, "conformance/mod-sr", "conformance/mod-doc", "series/ct-head-phantom/derived") {
		b, err := os.ReadFile(filepath.Join(dir, row.Path()))
		if err != nil {
			t.Fatal(err)
		}
		r, _ := f.store("/studies", b)
		if r.status != 200 {
			continue
		}
		answer, err := encoding.ParseJSON(r.body, encoding.JSONOptions{})
		if err != nil {
			t.Fatal(err)
		}
		url := answer.Items(dict.ReferencedSOPSequence)[0].String(dict.RetrieveURL)
		got := f.get(url[strings.Index(url, "/studies/"):] + "/rendered")
		switch typ := got.header.Get("Content-Type"); {
		case got.status == 200 && strings.HasPrefix(typ, "text/html"):
			reports++
			if len(got.body) < 200 || !nested(string(got.body)) {
				t.Errorf("%s: %s", row.Path(), got.body)
			}
		case got.status == 200 && typ == "application/pdf":
			documents++
			if !bytes.HasPrefix(got.body, []byte("%PDF")) || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
				t.Errorf("%s: %.20q %v", row.Path(), got.body, got.header)
			}
		case strings.Contains(row["sop_class_name"], " SR Storage") || strings.Contains(row["sop_class_name"], "PDF"):
			t.Errorf("%s: %d %s", row.Path(), got.status, got.body)
		}
	}
	if reports < 3 || documents < 1 {
		t.Errorf("%d reports, %d documents", reports, documents)
	}
}
