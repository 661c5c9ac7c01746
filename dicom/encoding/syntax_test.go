package encoding

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

func TestLookup(t *testing.T) {
	n := 0
	for e := range dict.TransferSyntaxes() {
		ts, ok := Lookup(e.UID)
		if !ok || ts.UID != e.UID {
			t.Errorf("%s is not known", e.UID)
		}
		n++
	}
	if n < 60 {
		t.Errorf("only %d transfer syntaxes", n)
	}
	for uid, want := range map[dicom.UID]TransferSyntax{
		dict.UIDRLELossless:                                    {ExplicitVR: true, Encapsulated: true},
		dict.UIDDeflatedImageFrameCompression:                  {ExplicitVR: true, Encapsulated: true},
		dict.UIDEncapsulatedUncompressedExplicitVRLittleEndian: {ExplicitVR: true, Encapsulated: true},
		dict.UIDJPIPReferenced:                                 {ExplicitVR: true},
		dict.UIDJPIPReferencedDeflate:                          {ExplicitVR: true, Deflated: true},
		dict.UIDPapyrus3ImplicitVRLittleEndian:                 {},
		dict.UIDExplicitVRBigEndian:                            {ExplicitVR: true, BigEndian: true},
	} {
		want.UID = uid
		if got, _ := Lookup(uid); got != want {
			t.Errorf("%s: %+v", uid, got)
		}
	}
	if _, ok := Lookup(dict.UIDCTImageStorage); ok {
		t.Error("a SOP class is no transfer syntax")
	}
}

// TestRefusals has one malformed data set for each rule, in hexadecimal.
func TestRefusals(t *testing.T) {
	jpeg, _ := Lookup(dict.UIDJPEGBaseline8Bit)
	for _, c := range []struct {
		name string
		ts   TransferSyntax
		hex  string
		want error
	}{
		{"element twice", ExplicitLE, "10002000 4C4F0000 10002000 4C4F0000", ErrSyntax},
		{"descending tags", ExplicitLE, "10002000 4C4F0000 10001000 504E0000", ErrSyntax},
		{"descending tags in an item", ExplicitLE, "08004011 53510000 18000000 FEFF00E0 10000000 10002000 4C4F0000 10001000 504E0000", ErrSyntax},
		{"group 0000", ImplicitLE, "00000001 02000000 0100", ErrSyntax},
		{"group 0002", ExplicitLE, "02001000 55490200 3100", ErrSyntax},
		{"item at top level", ExplicitLE, "FEFF00E0 00000000", ErrSyntax},
		{"sequence delimiter at top level", ExplicitLE, "FEFFDDE0 00000000", ErrSyntax},
		{"item delimiter at top level", ExplicitLE, "FEFF0DE0 00000000", ErrSyntax},
		{"item delimiter in an item of defined length", ExplicitLE, "08004011 53510000 10000000 FEFF00E0 08000000 FEFF0DE0 00000000", ErrSyntax},
		{"item delimiter with a length", ExplicitLE, "08004011 53510000 FFFFFFFF FEFF00E0 FFFFFFFF FEFF0DE0 02000000 0000", ErrSyntax},
		{"item beyond its sequence", ExplicitLE, "08004011 53510000 08000000 FEFF00E0 08000000 10002000 4C4F0000", ErrSyntax},
		{"element beyond its item", ExplicitLE, "08004011 53510000 10000000 FEFF00E0 08000000 10002000 4C4F0200 10001000", ErrSyntax},
		{"sequence beyond its item", ExplicitLE, "08004011 53510000 14000000 FEFF00E0 0C000000 08004011 53510000 08000000 FEFF00E0 00000000", ErrSyntax},
		{"three bytes left in an item", ExplicitLE, "08004011 53510000 0B000000 FEFF00E0 03000000 100020", ErrSyntax},
		{"no item in a sequence", ExplicitLE, "08004011 53510000 08000000 10002000 4C4F0000", ErrSyntax},
		{"undefined length of UT", ExplicitLE, "20000040 55540000 FFFFFFFF", ErrSyntax},
		{"undefined length of LO", ImplicitLE, "10002000 FFFFFFFF", ErrSyntax},
		{"undefined length of OB that is not pixel data", jpeg, "42001100 4F420000 FFFFFFFF FEFFDDE0 00000000", ErrSyntax},
		{"fragments in a native syntax", ExplicitLE, "E07F1000 4F420000 FFFFFFFF FEFFDDE0 00000000", ErrSyntax},
		{"fragments in implicit VR", ImplicitLE, "E07F1000 FFFFFFFF FEFFDDE0 00000000", ErrSyntax},
		{"fragment of undefined length", jpeg, "E07F1000 4F420000 FFFFFFFF FEFF00E0 FFFFFFFF", ErrSyntax},
		{"element among fragments", jpeg, "E07F1000 4F420000 FFFFFFFF 10002000 4C4F0000", ErrSyntax},
		{"element beyond its item in a sequence in UN", ExplicitLE, "08004011 554E0000 10000000 FEFF00E0 08000000 10002000 04000000", ErrSyntax},
		{"no VR", ExplicitLE, "10002000 04000000 31323334", ErrSyntax},
		{"explicit VR as implicit", ImplicitLE, "08000500 43530A00 49534F5F 49522031 3932", ErrSyntax},
		{"ends in a header", ExplicitLE, "10002000 4C4F", io.ErrUnexpectedEOF},
		{"ends in a long header", ExplicitLE, "10002000 55540000", io.ErrUnexpectedEOF},
		{"ends in a value", ExplicitLE, "10002000 4C4F0400 3132", io.ErrUnexpectedEOF},
		{"ends in a sequence", ExplicitLE, "08004011 53510000 FFFFFFFF", io.ErrUnexpectedEOF},
		{"ends in an item", ExplicitLE, "08004011 53510000 FFFFFFFF FEFF00E0 FFFFFFFF 10002000 4C4F0000", io.ErrUnexpectedEOF},
		{"ends among fragments", jpeg, "E07F1000 4F420000 FFFFFFFF FEFF00E0 00000000", io.ErrUnexpectedEOF},
		{"ends in a fragment", jpeg, "E07F1000 4F420000 FFFFFFFF FEFF00E0 04000000 0000", io.ErrUnexpectedEOF},
		{"zlib header", DeflatedLE, "789C0300 00000001", ErrSyntax},
		{"not deflated", DeflatedLE, "FFFFFFFF FFFFFFFF", ErrSyntax},
		{"bytes after the deflated stream", DeflatedLE, "0300 0102", ErrSyntax},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		if err != nil {
			t.Fatal(c.name, err)
		}
		for _, o := range []Options{{}, {KeepUpTo: 1, BulkPixelData: true}} {
			_, err = Parse(b, c.ts, o)
			var located *Error
			if !errors.Is(err, c.want) || !errors.As(err, &located) {
				t.Errorf("%s: %v", c.name, err)
			}
			ds := new(dicom.DataSet)
			d := NewDecoder(bytes.NewReader(b), c.ts, o)
			if err := d.ReadAll(ds); !errors.Is(err, c.want) {
				t.Errorf("%s, from a stream: %v", c.name, err)
			}
			if err := d.ReadAll(ds); !errors.Is(err, c.want) {
				t.Errorf("%s, the second time: %v", c.name, err)
			}
		}
		if err := walk(NewDecoder(bytes.NewReader(b), c.ts, Options{}), new([]string)); !errors.Is(err, c.want) {
			t.Errorf("%s, walking: %v", c.name, err)
		}
	}
}

// TestWrongTransferSyntax reads every encoding as every other one.
func TestWrongTransferSyntax(t *testing.T) {
	for _, is := range natives {
		b := mustAppend(t, is, mixedDataSet())
		for _, announced := range natives {
			if announced == is {
				continue
			}
			// More bytes behind, so that no length is too long to be believed.
			b := append(bytes.Clone(b), make([]byte, 1<<16)...)
			if _, err := Parse(b, announced, Options{}); err == nil {
				t.Errorf("%s was read as %s", is.UID, announced.UID)
			}
		}
	}
}

// TestOddities has data sets that are read though they are not as usual.
func TestOddities(t *testing.T) {
	jpeg, _ := Lookup(dict.UIDJPEGBaseline8Bit)
	for _, c := range []struct {
		name string
		ts   TransferSyntax
		hex  string
	}{
		{"nothing", ExplicitLE, ""},
		{"odd length", ExplicitLE, "10002000 4C4F0300 313233 10003000 44410000"},
		{"VR that nobody knows", ExplicitLE, "09001010 5A5A0000 02000000 3132 10003000 44410000"},
		{"no fragments at all", jpeg, "E07F1000 4F420000 FFFFFFFF FEFFDDE0 00000000"},
		{"native pixel data in an encapsulated syntax", jpeg, "E07F1000 4F420000 02000000 0102"},
		{"empty sequences", ExplicitLE, "08004011 53510000 00000000 08004A11 53510000 FFFFFFFF FEFFDDE0 00000000"},
		{"empty items", ExplicitLE, "08004011 53510000 18000000 FEFF00E0 00000000 FEFF00E0 FFFFFFFF FEFF0DE0 00000000"},
		{"private sequence in implicit VR", ImplicitLE, "09001010 FFFFFFFF FEFF00E0 00000000 FEFFDDE0 00000000"},
		{"trailing padding", ExplicitLE, "10003000 44410000 FCFFFCFF 4F420000 04000000 00000000"},
		{"long value of a short VR in UN", ExplicitBE, "00091010 554E0000 00000002 3132"},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		if err != nil {
			t.Fatal(c.name, err)
		}
		ds, err := Parse(b, c.ts, Options{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err := sameAgain(ds, c.ts, b); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestErrorsHaveNoValues(t *testing.T) {
	b := []byte("\x10\x00\x10\x00PN\x08\x00Muller^A\x10\x00\x10\x00PN\x02\x00Mu")
	_, err := Parse(b, ExplicitLE, Options{})
	var e *Error
	if !errors.As(err, &e) || e.Offset != 16 || e.Tag != dict.PatientName {
		t.Fatalf("%v", err)
	}
	if strings.Contains(err.Error(), "Mu") {
		t.Errorf("%v", err)
	}
}

// failing breaks off with an error of its own.
type failing struct{ r io.Reader }

var errBroken = errors.New("broken")

func (f failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err == io.EOF {
		err = errBroken
	}
	return n, err
}

func TestStreamErrors(t *testing.T) {
	b := mustAppend(t, ExplicitLE, mixedDataSet())
	for n := range b {
		err := NewDecoder(failing{bytes.NewReader(b[:n])}, ExplicitLE, Options{}).ReadAll(new(dicom.DataSet))
		if !errors.Is(err, errBroken) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		_, err = Parse(b[:n], ExplicitLE, Options{})
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut off after %d bytes: %v", n, err)
		}
	}
	if err := NewDecoder(stuck{}, ExplicitLE, Options{}).ReadAll(new(dicom.DataSet)); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("stuck: %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }
