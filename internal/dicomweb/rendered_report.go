package dicomweb

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// The rendered media types of text (PS3.18 table 8.7.4-1).
const (
	typeHTML  = "text/html"
	typePlain = "text/plain"
)

// isReport reports whether instances of a SOP class are structured reports.
func isReport(class dicom.UID) bool {
	return strings.HasSuffix(dict.UIDName(class), " SR Storage") || class == dict.UIDKeyObjectSelectionDocumentStorage
}

// serveReport answers a structured report as text. All that comes from the
// instance is escaped, and the page may load and run nothing.
func (x *exchange) serveReport(r *archive.Retrieval, e *archive.Entry) error {
	o, err := x.negotiate(offer{typ: typeHTML}, offer{typ: typePlain}, offer{multipart: true, typ: typeHTML}, offer{multipart: true, typ: typePlain})
	if err != nil {
		return err
	}
	s, err := x.open(r, e)
	if err != nil {
		return err
	}
	defer s.Close()
	tag := etag(s.entry, dicom.UID("report."+o.typ))
	if x.unchanged(tag) {
		return nil
	}
	header, err := s.header()
	if err != nil {
		return err
	}
	text := reportOf(header).plain
	if o.typ == typeHTML {
		text = reportOf(header).page
	}
	if !o.multipart {
		return x.servePicture(o.typ+"; charset=utf-8", tag, []byte(text()))
	}
	p := x.multipart(o.typ)
	w, err := p.next(o.typ+"; charset=utf-8", "", x.resource(e.Study, e.Series, e.Instance)+"/rendered")
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(text())); err != nil {
		return err
	}
	return p.end()
}

// report is a structured report as lines (PS3.3 section C.17.3).
type report struct {
	about []string // who, when, in which state
	lines []reportLine
}

type reportLine struct {
	depth       int
	name, value string
}

func reportOf(ds *dicom.DataSet) *report {
	name, _, _ := strings.Cut(ds.String(dict.PatientName), "=")
	r := &report{about: notEmpty(
		lineOf(strings.ReplaceAll(name, "^", " "), ds.String(dict.PatientID), date(ds.String(dict.PatientBirthDate))),
		lineOf(date(ds.String(dict.ContentDate)), ds.String(dict.CompletionFlag), ds.String(dict.VerificationFlag)))}
	r.add(ds, 0)
	return r
}

// add adds a content item and those below it.
func (r *report) add(ds *dicom.DataSet, depth int) {
	name := meaning(ds, dict.ConceptNameCodeSequence)
	value := contentValue(ds)
	if name != "" || value != "" {
		r.lines = append(r.lines, reportLine{depth, name, value})
	}
	for _, item := range ds.Items(dict.ContentSequence) {
		r.add(item.DataSet, depth+1)
	}
}

// meaning returns the text of a code.
func meaning(ds *dicom.DataSet, sequence dicom.Tag) string {
	items := ds.Items(sequence)
	if len(items) == 0 {
		return ""
	}
	if m := items[0].String(dict.CodeMeaning); m != "" {
		return m
	}
	return items[0].String(dict.CodeValue)
}

// contentValue returns the value of a content item as text (PS3.3 table
// C.17.3-7).
func contentValue(ds *dicom.DataSet) string {
	plain := map[string]dicom.Tag{"TEXT": dict.TextValue, "DATETIME": dict.DateTime, "DATE": dict.Date, "TIME": dict.Time, "UIDREF": dict.UID}
	kind := ds.String(dict.ValueType)
	switch kind {
	case "CODE":
		return meaning(ds, dict.ConceptCodeSequence)
	case "PNAME":
		return strings.TrimRight(strings.ReplaceAll(ds.String(dict.PersonName), "^", " "), " ")
	case "NUM":
		for _, m := range ds.Items(dict.MeasuredValueSequence) {
			return strings.TrimSpace(m.String(dict.NumericValue) + " " + unit(m.DataSet))
		}
		return meaning(ds, dict.NumericValueQualifierCodeSequence)
	case "IMAGE", "COMPOSITE", "WAVEFORM":
		for _, ref := range ds.Items(dict.ReferencedSOPSequence) {
			return strings.TrimSuffix(dict.UIDName(ref.UID(dict.ReferencedSOPClassUID)), " Storage")
		}
	case "SCOORD", "SCOORD3D":
		return ds.String(dict.GraphicType)
	case "TCOORD":
		return ds.String(dict.TemporalRangeType)
	}
	tag, known := plain[kind]
	e := ds.Get(tag)
	switch {
	case !known || e == nil:
		return ""
	case e.Bulk != nil:
		return "(a long text, which the instance has)"
	}
	return strings.Join(ds.Strings(tag), `\`)
}

// unit returns the unit of a measured value; that of numbers is none.
func unit(ds *dicom.DataSet) string {
	for _, u := range ds.Items(dict.MeasurementUnitsCodeSequence) {
		if code := u.String(dict.CodeValue); code != "1" {
			return code
		}
	}
	return ""
}

// plain writes the report as text, an item a line.
func (r *report) plain() string {
	var b strings.Builder
	for _, l := range r.about {
		b.WriteString(l + "\n")
	}
	for _, l := range r.lines {
		text := l.name
		if l.value != "" {
			text = strings.TrimPrefix(l.name+": "+l.value, ": ")
		}
		indent := strings.Repeat("  ", l.depth)
		fmt.Fprintf(&b, "%s%s\n", indent, strings.ReplaceAll(strings.ReplaceAll(text, "\r", ""), "\n", "\n"+indent))
	}
	return b.String()
}

// page writes the report as a page.
func (r *report) page() string {
	var b strings.Builder
	title := "Report"
	if len(r.lines) > 0 && r.lines[0].name != "" {
		title = r.lines[0].name
	}
	b.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>" + html.EscapeString(title) + "</title></head><body>\n")
	for _, l := range r.about {
		b.WriteString("<p>" + html.EscapeString(l) + "</p>\n")
	}
	depth := -1 // of the list item that is open
	for _, l := range r.lines {
		if depth >= l.depth {
			b.WriteString("</li>\n" + strings.Repeat("</ul></li>\n", depth-l.depth))
		} else {
			b.WriteString("\n<ul>" + strings.Repeat("<li><ul>", l.depth-depth-1) + "\n")
		}
		depth = l.depth
		b.WriteString("<li><b>" + html.EscapeString(l.name) + "</b>")
		if l.value != "" {
			b.WriteString(": " + strings.ReplaceAll(html.EscapeString(l.value), "\n", "<br>"))
		}
	}
	b.WriteString(strings.Repeat("</li></ul>", depth+1) + "\n</body></html>\n")
	return b.String()
}

// typePDF is how an encapsulated document is rendered: as it is.
const typePDF = "application/pdf"

// serveDocument answers an encapsulated PDF, which is never shown in our own
// pages: it may have programs in it.
func (x *exchange) serveDocument(r *archive.Retrieval, e *archive.Entry) error {
	if _, err := x.negotiate(offer{typ: typePDF}); err != nil {
		return err
	}
	s, err := x.open(r, e)
	if err != nil {
		return err
	}
	defer s.Close()
	header, err := s.header()
	if err != nil {
		return err
	}
	document := header.Get(dict.EncapsulatedDocument)
	if document == nil {
		return &problem{Status: http.StatusNotFound, Title: "the instance has no document"}
	}
	length := func(n int64) int64 { // without the padding
		if v, err := header.Int(dict.EncapsulatedDocumentLength); err == nil && v >= 0 {
			return min(v, n)
		}
		return n
	}
	tag := etag(s.entry, "document")
	if document.Bulk == nil {
		return x.serveBytes(typePDF, tag, document.Data[:length(int64(len(document.Data)))])
	}
	h := x.w.Header()
	h.Set("Content-Type", typePDF)
	h.Set("Content-Disposition", "attachment")
	n := length(document.Bulk.Length)
	if s.syntax.Deflated {
		return s.copyBulk(x.w, document.Bulk.Offset, n, 1)
	}
	h.Set("ETag", tag)
	http.ServeContent(x.w, x.Request, "", time.Time{}, io.NewSectionReader(s, document.Bulk.Offset, n))
	return nil
}
