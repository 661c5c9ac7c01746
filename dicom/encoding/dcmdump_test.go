package encoding

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// dumped is one element as DCMTK's dcmdump printed it.
type dumped struct {
	depth        int
	tag          dicom.Tag
	vr           string
	value        string
	length, name string // empty where the corpus cut the line off
	vm           int
}

var (
	dumpStart = regexp.MustCompile(`^( *)\(([0-9a-f]{4},[0-9a-f]{4})\) (..) `)
	dumpEnd   = regexp.MustCompile(`(?s)^(.*?) *# *([0-9]+|u/l), *([0-9]+) ([^#]*)$`)
	dumpCut   = regexp.MustCompile(`(?s)^(.*) \.\.\.\[\+[0-9]+ chars, sha256 .*$`)
)

// readDump returns the elements of a dump, delimiters left out, and whether it
// has any.
func readDump(t *testing.T, path string) []dumped {
	t.Helper()
	var b []byte
	f, err := os.Open(path + ".gz")
	if err == nil {
		defer f.Close()
		z, zErr := gzip.NewReader(f)
		if zErr != nil {
			t.Fatal(zErr)
		}
		b, err = io.ReadAll(z)
	} else {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil
	}
	var all []dumped
	var text string
	end := func() {
		if m := dumpStart.FindStringSubmatch(text); m != nil {
			all = append(all, newDumped(m, text[len(m[0]):]))
		}
		text = ""
	}
	for line := range strings.Lines(string(b)) {
		if dumpStart.MatchString(line) || strings.HasPrefix(line, "# ") {
			end()
		}
		if !strings.HasPrefix(line, "# ") {
			text += line
		}
	}
	end()
	kept := all[:0]
	for _, d := range all {
		if d.tag != tagItemDelimiter && d.tag != tagSequenceDelim {
			kept = append(kept, d)
		}
	}
	return kept
}

func newDumped(start []string, rest string) dumped {
	tag, _ := dicom.ParseTag(start[2])
	d := dumped{depth: len(start[1]) / 2, tag: tag, vr: start[3], value: strings.TrimRight(rest, "\n ")}
	if m := dumpCut.FindStringSubmatch(d.value); m != nil {
		d.value = m[1]
	} else if m := dumpEnd.FindStringSubmatch(d.value); m != nil {
		d.value, d.length, d.name = m[1], m[2], m[4]
		d.vm, _ = strconv.Atoi(m[3])
	}
	return d
}

// flat is one element, item or fragment of ours, in the order of a dump.
type flat struct {
	depth int
	tag   dicom.Tag
	e     *dicom.Element // nil for items and fragments
	item  *dicom.Item
	data  []byte // of a fragment
	in    *dicom.DataSet
}

func flatten(ds *dicom.DataSet, depth int, all []flat) []flat {
	for e := range ds.All() {
		all = append(all, flat{depth: depth, tag: e.Tag, e: e, in: ds})
		if e.AsUN && !e.Undefined {
			continue // dcmdump does not look into it
		}
		for i := range e.Items {
			all = append(all, flat{depth: depth + 1, tag: tagItem, item: &e.Items[i]})
			all = flatten(e.Items[i].DataSet, depth+2, all)
		}
		for _, f := range e.Fragments {
			all = append(all, flat{depth: depth + 1, tag: tagItem, data: f})
		}
	}
	return all
}

// TestDCMDump compares tag, VR, length, number of values and value of every
// element of the corpus with what DCMTK says.
func TestDCMDump(t *testing.T) {
	compared := 0
	for _, row := range corpus.Rows(t, "conformance/", "series/", "charset/") {
		want := readDump(t, filepath.Join(corpus.Dir(t), "expected", "dcmdump", row.Path()+".txt"))
		if want == nil || row.Expected() == "reject" {
			continue
		}
		meta, ts, body, err := readCorpusFile(t, row)
		if err != nil {
			continue // see TestCorpus
		}
		ds, err := Parse(body, ts, Options{})
		if err != nil {
			continue
		}
		if meta == nil {
			meta = new(dicom.DataSet)
		}
		got := flatten(ds, 0, flatten(meta, 0, nil))
		// dcmdump invents a group length for the meta header that has none.
		if len(want) > 0 && len(got) > 0 && want[0].tag != got[0].tag && want[0].tag == dict.FileMetaInformationGroupLength {
			want = want[1:]
		}
		// +U8 adds the character set that it converts to.
		if !ds.Has(dict.SpecificCharacterSet) {
			want = slices.DeleteFunc(want, func(d dumped) bool { return d.tag == dict.SpecificCharacterSet && d.depth == 0 })
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d elements and items, dcmdump has %d", row.Path(), len(got), len(want))
			continue
		}
		faults := 0
		for i := range got {
			if err := want[i].compare(&got[i], ts); err != nil {
				t.Errorf("%s: %v %s: %v", row.Path(), got[i].tag, want[i].vr, err)
				if faults++; faults == 5 {
					break
				}
			}
		}
		compared += len(got)
	}
	t.Logf("%d elements and items compared", compared)
}

func (w *dumped) compare(g *flat, ts TransferSyntax) error {
	if g.tag != w.tag || g.depth != w.depth {
		return fmt.Errorf("dcmdump has %v, depth %d instead of %d", w.tag, w.depth, g.depth)
	}
	switch {
	case g.item != nil:
		if w.length != "" && (w.length == "u/l") != g.item.Undefined {
			return fmt.Errorf("length of item: %s", w.length)
		}
		return nil
	case g.e == nil:
		return w.compareHex(g.data, 1)
	}
	e := g.e
	if err := w.compareVR(e, ts); err != nil {
		return err
	}
	if e.AsUN && e.VR == dicom.VRSQ && !e.Undefined {
		return nil
	}
	if e.VR == dicom.VRSQ || e.Fragments != nil {
		if (w.length == "u/l") != e.Undefined {
			return fmt.Errorf("length %s", w.length)
		}
		return nil
	}
	plain := bytes.IndexFunc(e.Data, func(r rune) bool { return r >= 0x7F || r == 0x1B }) < 0
	// dcmdump pads odd lengths.
	if w.length != "" && (plain || !e.VR.UsesCharacterSet()) && e.Tag != dict.SpecificCharacterSet && w.length != strconv.Itoa((len(e.Data)+1)&^1) {
		return fmt.Errorf("length %s instead of %d", w.length, len(e.Data))
	}
	blank := len(bytes.Trim(e.Data, " \x00")) == 0
	if vm := multiplicity(g.in, e); plain && !blank && w.length != "" && w.known(e) && e.Tag != dict.SpecificCharacterSet && w.vm != vm {
		return fmt.Errorf("%d values instead of %d", w.vm, vm)
	}
	return w.compareValue(e, plain)
}

// known reports whether DCMTK's private dictionary played no role.
func (w *dumped) known(e *dicom.Element) bool {
	return w.vr != "??" && (w.vr == e.VR.String() || e.AsUN)
}

func (w *dumped) compareVR(e *dicom.Element, ts TransferSyntax) error {
	vr := shownVR(e)
	switch {
	case w.vr == vr:
	case !ts.ExplicitVR && e.Tag.IsPrivate():
	case w.vr == "xs" && (vr == "US" || vr == "SS"), w.vr == "ox" && vr == "OW", w.vr == "lt" && vr == "OW", w.vr == "up" && vr == "UL":
	case w.vr == "??" && vr == "UN":
	case e.Fragments != nil && w.vr == "OB" && vr == "OW": // dcmdump says OB whatever the file has
	default:
		return fmt.Errorf("dcmdump's VR instead of %s", vr)
	}
	return nil
}

func (w *dumped) compareValue(e *dicom.Element, plain bool) error {
	if e.Tag == dict.SpecificCharacterSet {
		return nil // converted
	}
	if w.value == "(no value available)" || len(e.Data) == 0 {
		if (w.value == "(no value available)" || w.value == "[]") && len(bytes.Trim(e.Data, " \x00")) == 0 {
			return nil
		}
		return fmt.Errorf("value: one is empty: %d bytes", len(e.Data))
	}
	if !w.known(e) {
		return nil
	}
	switch {
	case e.AsUN:
		return w.compareHex(e.Data, 1)
	case e.VR == dicom.VRUI:
		return w.compareUID(e)
	case e.VR.IsText():
		text := strings.TrimRight(string(e.Data), " \x00")
		got := strings.TrimSuffix(strings.TrimPrefix(w.value, "["), "]")
		if plain && strings.TrimRight(got, " \x00") != text && !strings.HasPrefix(text, got) {
			return fmt.Errorf("text differs")
		}
		return nil
	case e.VR == dicom.VROW:
		return w.compareHex(e.Data, 2)
	case mayBeLarge(e.VR) && e.VR != dicom.VROB && e.VR != dicom.VRUN:
		return nil
	case e.VR == dicom.VROB || e.VR == dicom.VRUN:
		return w.compareHex(e.Data, 1)
	}
	return w.compareNumbers(e)
}

func (w *dumped) compareUID(e *dicom.Element) error {
	uid := dicom.UID(strings.TrimRight(string(e.Data), " \x00"))
	if strings.HasPrefix(w.value, "=") {
		if _, ok := dict.LookupUID(uid); !ok {
			return fmt.Errorf("%s is not in the registry", uid)
		}
		return nil
	}
	if got := strings.Trim(w.value, "[] "); got != string(uid) {
		return fmt.Errorf("%s instead of %s", got, uid)
	}
	return nil
}

func (w *dumped) compareHex(b []byte, word int) error {
	var s strings.Builder
	for i := 0; i+word <= len(b); i += word {
		if i > 0 {
			s.WriteByte('\\')
		}
		if word == 2 {
			fmt.Fprintf(&s, "%02x", b[i+1])
		}
		fmt.Fprintf(&s, "%02x", b[i])
		if s.Len() > 1300 {
			break
		}
	}
	if got := strings.TrimRight(w.value, " "); got != s.String() && !strings.HasPrefix(s.String(), got) && len(b) > 0 {
		return fmt.Errorf("bytes differ")
	}
	return nil
}

func (w *dumped) compareNumbers(e *dicom.Element) error {
	ours := e.Strings(func() *dicom.CharacterSet { return dicom.DefaultCharacterSet() })
	theirs := strings.Split(w.value, `\`)
	if w.length == "" {
		theirs = theirs[:len(theirs)-1]
	} else if len(ours) != len(theirs) {
		return fmt.Errorf("%d numbers instead of %d", len(theirs), len(ours))
	}
	for i, their := range theirs {
		if e.VR == dicom.VRAT {
			their = strings.ToUpper(strings.Trim(strings.Replace(their, ",", "", 1), "()"))
		}
		a, errA := strconv.ParseFloat(ours[i], 64)
		b, errB := strconv.ParseFloat(their, 64)
		close := errA == nil && errB == nil && (math.Abs(a-b) <= 1e-6*math.Abs(a) || math.IsNaN(a) && math.IsNaN(b))
		if ours[i] != their && !close {
			return fmt.Errorf("%s instead of %s", their, ours[i])
		}
	}
	return nil
}
