package dict

import (
	"sort"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		tag     dicom.Tag
		keyword string
		vr      dicom.VR
		vm      string
		retired bool
	}{
		{PatientID, "PatientID", dicom.VRLO, "1", false},
		{PixelData, "PixelData", dicom.VROW, "1", false},
		{SmallestImagePixelValue, "SmallestImagePixelValue", dicom.VRUS, "1", false},
		{LUTData, "LUTData", dicom.VROW, "1-n", false},
		{0x00000100, "CommandField", dicom.VRUS, "1", false},
		{0x00020000, "FileMetaInformationGroupLength", dicom.VRUL, "1", false},
		{0x60003000, "OverlayData", dicom.VROW, "1", false},
		{0x601E0010, "OverlayRows", dicom.VRUS, "1", false},
		{0x50063000, "CurveData", dicom.VROW, "1", true},
		{0x00203142, "SourceImageIDs", dicom.VRCS, "1-n", true},
		{0x00041400, "OffsetOfTheNextDirectoryRecord", dicom.VRUL, "1", false},
		{0xFFFEE000, "Item", 0, "1", false},
	} {
		e, ok := Lookup(c.tag)
		if !ok || e.Keyword != c.keyword || e.VR != c.vr || e.VM != c.vm || e.Retired != c.retired {
			t.Errorf("%v: %+v", c.tag, e)
		}
	}
	for _, tag := range []dicom.Tag{0x00090010, 0x60010010, 0x00080003, 0x7F010010} {
		if e, ok := Lookup(tag); ok {
			t.Errorf("%v: %+v", tag, e)
		}
	}
}

func TestVR(t *testing.T) {
	for tag, want := range map[dicom.Tag]dicom.VR{
		0x00090010: dicom.VRLO, // private creator
		0x00091001: dicom.VRUN,
		0x00080000: dicom.VRUL, // group length
		0x00090000: dicom.VRUL,
		0x00100010: dicom.VRPN,
	} {
		if got := VR(tag); got != want {
			t.Errorf("%v: %v", tag, got)
		}
	}
	if _, choice := VRChoice(SmallestImagePixelValue); choice != USOrSS {
		t.Errorf("choice %v", choice)
	}
}

// TestTables holds the generated tables against what looking up relies on.
func TestTables(t *testing.T) {
	for i := range elements {
		e := &elements[i]
		if i > 0 && e.Tag <= elements[i-1].Tag {
			t.Fatalf("%v is out of order", e.Tag)
		}
		if find(e.Tag) != e {
			t.Errorf("%v is not found", e.Tag)
		}
		if e.VR != 0 && !e.VR.Valid() {
			t.Errorf("%v has VR %v", e.Tag, e.VR)
		}
	}
	for i := range repeating {
		e := &repeating[i].entry
		if find(e.Tag) != e {
			t.Errorf("%v is not found", e.Tag)
		}
	}
	for _, i := range byKeyword {
		want := indexed(i)
		if e, ok := ByKeyword(want.Keyword); !ok || e != *want {
			t.Errorf("%s is not found", want.Keyword)
		}
	}
	if !sort.SliceIsSorted(uids[:], func(i, j int) bool { return uids[i].UID < uids[j].UID }) {
		t.Error("UIDs are out of order")
	}
	if _, ok := ByKeyword("patientid"); ok {
		t.Error("keywords are compared without regard to case")
	}
}

func TestUIDs(t *testing.T) {
	for _, c := range []struct {
		uid     dicom.UID
		typ     UIDType
		storage bool
		retired bool
	}{
		{UIDCTImageStorage, SOPClass, true, false},
		{UIDHangingProtocolStorage, SOPClass, true, false},
		{"1.2.840.10008.5.1.4.1.1.6", SOPClass, true, true}, // ultrasound, before 1993
		{UIDMediaStorageDirectoryStorage, SOPClass, false, false},
		{UIDVerification, SOPClass, false, false},
		{UIDStudyRootQueryRetrieveInformationModelFind, SOPClass, false, false},
		{UIDStorageCommitmentPushModel, SOPClass, false, false},
		{UIDStorageCommitmentPushModelInstance, SOPInstance, false, false},
		{UIDExplicitVRBigEndian, TransferSyntax, false, true},
		{UIDJPEGExtended35, TransferSyntax, false, true},
		{UIDJPEGExtended12Bit, TransferSyntax, false, false},
	} {
		e, ok := LookupUID(c.uid)
		if !ok || e.Type != c.typ || e.Storage != c.storage || e.Retired != c.retired || IsStorageSOPClass(c.uid) != c.storage {
			t.Errorf("%s: %+v", c.uid, e)
		}
	}
	if _, ok := LookupUID("1.2.3"); ok {
		t.Error("1.2.3 is in the registry")
	}
	if UIDName("1.2.3") != "1.2.3" || UIDName(UIDCTImageStorage) != "CT Image Storage" {
		t.Error("UIDName")
	}
	storage, syntaxes := 0, 0
	for range StorageSOPClasses() {
		storage++
	}
	for range TransferSyntaxes() {
		syntaxes++
	}
	if storage < 200 || syntaxes < 60 {
		t.Errorf("%d storage SOP classes, %d transfer syntaxes", storage, syntaxes)
	}
}

// TestLookupIsCheap keeps looking up free of allocations.
func TestLookupIsCheap(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		Lookup(PatientID)
		ByKeyword("PatientID")
		LookupUID(UIDCTImageStorage)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		VR(PatientID)
	}
}
