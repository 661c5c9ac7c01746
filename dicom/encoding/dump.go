package encoding

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// DumpOptions are for Dump. The zero value is good.
type DumpOptions struct {
	// MaxValue is how many bytes of a value are shown; 0 means 64, -1 all.
	MaxValue int
}

// Dump writes ds for people to read, an element a line, as DCMTK's dcmdump
// does: tag, VR, value, length, number of values and keyword. Text is decoded;
// whatever could act on a terminal is escaped.
func Dump(w io.Writer, ds *dicom.DataSet, o DumpOptions) error {
	if o.MaxValue == 0 {
		o.MaxValue = 64
	}
	d := dumper{w: bufio.NewWriter(w), max: o.MaxValue}
	d.dataSet(ds, 0)
	return d.w.Flush() // the first error stays in it
}

type dumper struct {
	w   *bufio.Writer
	max int
}

func (d *dumper) dataSet(ds *dicom.DataSet, depth int) {
	for e := range ds.All() {
		switch {
		case e.VR == dicom.VRSQ || len(e.Items) > 0:
			d.sequence(e, depth)
		case e.Fragments != nil:
			d.fragments(e, depth)
		default:
			d.line(depth, e.Tag, shownVR(e), d.value(ds, e), shownLength(e), multiplicity(ds, e))
		}
	}
}

// line writes one element.
func (d *dumper) line(depth int, t dicom.Tag, vr, value, length string, vm int) {
	keyword := dict.Keyword(t)
	switch {
	case keyword != "":
	case t.IsGroupLength():
		keyword = "GroupLength"
	case t.IsPrivateCreator():
		keyword = "PrivateCreator"
	default:
		keyword = "Unknown"
	}
	fmt.Fprintf(d.w, "%*s(%04x,%04x) %s %-40s # %3s, %d %s\n",
		2*depth, "", t.Group(), t.Element(), vr, value, length, vm, keyword)
}

// shownVR is the VR that the element was encoded with.
func shownVR(e *dicom.Element) string {
	if e.AsUN {
		return dicom.VRUN.String()
	}
	return e.VR.String()
}

func shownLength(e *dicom.Element) string {
	switch {
	case e.Undefined:
		return "u/l"
	case e.Bulk != nil:
		return strconv.FormatInt(e.Bulk.Length, 10)
	}
	return strconv.Itoa(len(e.Data))
}

func (d *dumper) sequence(e *dicom.Element, depth int) {
	how := "explicit"
	length := ""
	if e.Undefined {
		how, length = "undefined", "u/l"
	}
	d.line(depth, e.Tag, shownVR(e), fmt.Sprintf("(Sequence with %s length #=%d)", how, len(e.Items)), length, 1)
	for _, item := range e.Items {
		how, length := "explicit", ""
		if item.Undefined {
			how, length = "undefined", "u/l"
		}
		d.line(depth+1, tagItem, "na", fmt.Sprintf("(Item with %s length #=%d)", how, item.Len()), length, 1)
		d.dataSet(item.DataSet, depth+2)
	}
}

func (d *dumper) fragments(e *dicom.Element, depth int) {
	d.line(depth, e.Tag, shownVR(e), fmt.Sprintf("(PixelSequence #=%d)", len(e.Fragments)), "u/l", 1)
	for _, f := range e.Fragments {
		d.line(depth+1, tagItem, "pi", d.bytes(f, 1), strconv.Itoa(len(f)), 1)
	}
}

// multiplicity is the number of values (PS3.5 section 6.4).
func multiplicity(ds *dicom.DataSet, e *dicom.Element) int {
	switch n := len(e.Data); {
	case e.Bulk != nil, mayBeLarge(e.VR), e.AsUN:
		return 1
	case n == 0:
		return 0
	case e.VR.IsText():
		return max(1, len(ds.Strings(e.Tag)))
	case numberSize(e.VR) > 1:
		return n / numberSize(e.VR)
	}
	return 1
}

func (d *dumper) value(ds *dicom.DataSet, e *dicom.Element) string {
	switch {
	case e.Bulk != nil:
		return fmt.Sprintf("(not loaded, at offset %d)", e.Bulk.Offset)
	case len(e.Data) == 0:
		return "(no value available)"
	case e.AsUN:
		return d.bytes(e.Data, 1)
	}
	switch e.VR {
	case dicom.VRUI:
		return d.uid(e.Data)
	case dicom.VRAT:
		return d.list(ds, e, func(s string) string { return "(" + s[:4] + "," + s[4:] + ")" })
	case dicom.VRUS, dicom.VRSS, dicom.VRUL, dicom.VRSL, dicom.VRUV, dicom.VRSV, dicom.VRFL, dicom.VRFD:
		return d.list(ds, e, func(s string) string { return s })
	case dicom.VROW:
		return d.bytes(e.Data, 2)
	}
	if e.VR.IsText() {
		text := strings.TrimRight(ds.CharacterSet().Decode(e.Data, e.VR), " \x00")
		return d.text(text)
	}
	return d.bytes(e.Data, 1)
}

// uid shows a UID of the registry by its keyword.
func (d *dumper) uid(b []byte) string {
	s := strings.TrimRight(string(b), " \x00")
	if e, ok := dict.LookupUID(dicom.UID(s)); ok {
		return "=" + e.Keyword
	}
	return d.text(s)
}

// text shows a string in brackets, escaped.
func (d *dumper) text(s string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, r := range s {
		if d.max >= 0 && i >= d.max {
			b.WriteString("...")
			break
		}
		switch {
		case r == utf8.RuneError, !unicode.IsPrint(r):
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// list shows numbers separated by backslashes.
func (d *dumper) list(ds *dicom.DataSet, e *dicom.Element, show func(string) string) string {
	part := *e
	if d.max >= 0 && len(part.Data) > 8*d.max {
		part.Data = part.Data[:8*d.max] // no number is shorter in text than that
	}
	var b strings.Builder
	for i, s := range part.Strings(ds.CharacterSet) {
		if i > 0 {
			b.WriteByte('\\')
		}
		if d.max >= 0 && b.Len() > d.max {
			b.WriteString("...")
			break
		}
		b.WriteString(show(s))
	}
	return b.String()
}

// bytes shows bytes or words in hexadecimal.
func (d *dumper) bytes(p []byte, word int) string {
	cut := d.max >= 0 && 3*len(p) > d.max
	if cut {
		p = p[:(d.max+2)/3]
	}
	var b bytes.Buffer
	for ; len(p) >= word; p = p[word:] {
		if b.Len() > 0 {
			b.WriteByte('\\')
		}
		if word == 2 {
			fmt.Fprintf(&b, "%02x", p[1])
		}
		fmt.Fprintf(&b, "%02x", p[0])
	}
	if cut {
		b.WriteString("\\...")
	}
	if b.Len() == 0 {
		return "(no value available)"
	}
	return b.String()
}
