package encoding

import (
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

func dumpOf(t *testing.T, ds *dicom.DataSet, o DumpOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Dump(&b, ds, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDumpEscapes keeps what could act on a terminal or look like another line
// out of dumps.
func TestDumpEscapes(t *testing.T) {
	ds := new(dicom.DataSet)
	ds.Put(dicom.Element{Tag: dict.SpecificCharacterSet, VR: dicom.VRCS, Data: []byte("ISO_IR 192")})
	ds.Put(dicom.Element{Tag: dict.PatientName, VR: dicom.VRPN, Data: []byte("a\x1b[31m\r\n(0010,0020)\x00\u202eb\u009b")})
	ds.Put(dicom.Element{Tag: dict.PatientID, VR: dicom.VRUI, Data: []byte("1\x1b.2")})
	got := dumpOf(t, ds, DumpOptions{})
	if n := strings.Count(got, "\n"); n != 3 {
		t.Errorf("%d lines", n)
	}
	for _, c := range got {
		if c != '\n' && (c < ' ' || c == 0x7F || c == 0x9B || c == 0x202E) {
			t.Errorf("%U is in it", c)
		}
	}
}

func TestDump(t *testing.T) {
	ds := mixedDataSet()
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Undefined: true, Fragments: [][]byte{nil, make([]byte, 100)}})
	ds.Put(dicom.Element{Tag: dict.DataSetTrailingPadding, VR: dicom.VROB, Bulk: &dicom.Bulk{Offset: 7, Length: 1000}})
	short, long := dumpOf(t, ds, DumpOptions{}), dumpOf(t, ds, DumpOptions{MaxValue: -1})
	for _, want := range []string{
		"(0008,1140) SQ (Sequence with explicit length #=2)",
		"  (fffe,e000) na (Item with explicit length #=1)",
		"    (0040,a170) SQ (Sequence with undefined length #=1)     # u/l, 1 PurposeOfReferenceCodeSequence\n",
		"        (0008,0104) LO [Müller]",
		"(0011,0010) LO [ACME]                                   #   4, 1 PrivateCreator\n",
		"(0011,1001) UN 01\\02\\03\\04                              #   4, 1 Unknown\n",
		"(0028,0009) AT (0018,1063)                              #   4, 1 FrameIncrementPointer\n",
		"(0028,0106) SS -3 ",
		"(7fe0,0010) OB (PixelSequence #=2)                      # u/l, 1 PixelData\n",
		"  (fffe,e000) pi (no value available)                     #   0, 1 Item\n",
		"(fffc,fffc) OB (not loaded, at offset 7)                # 1000, 1 DataSetTrailingPadding\n",
	} {
		if !strings.Contains(short, want) || !strings.Contains(long, want) {
			t.Errorf("%q is not in it", want)
		}
	}
	if strings.Count(short, "00\\00") >= strings.Count(long, "00\\00") || !strings.Contains(short, "00\\...") {
		t.Error("long values are not cut")
	}
	if t.Failed() {
		t.Log(short)
	}
}
