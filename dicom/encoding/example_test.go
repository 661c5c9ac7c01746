package encoding_test

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// exampleFile makes a small DICOM file.
func exampleFile() []byte {
	ds := new(dicom.DataSet)
	ds.PutString(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 192")
	ds.PutUID(dict.SOPClassUID, dict.UIDSecondaryCaptureImageStorage)
	ds.PutString(dict.PatientName, dicom.VRPN, "Muster^Änne")
	ds.PutInts(dict.Rows, dicom.VRUS, 2)
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: []byte{1, 0, 2, 0}})
	var w bytes.Buffer
	meta := encoding.NewMeta(dict.UIDSecondaryCaptureImageStorage, "2.25.7", encoding.ExplicitLE.UID)
	if err := encoding.WriteFile(&w, meta, ds); err != nil {
		panic(err)
	}
	return w.Bytes()
}

func ExampleReadFile() {
	_, ds, err := encoding.ReadFile(bytes.NewReader(exampleFile()), encoding.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	encoding.Dump(os.Stdout, ds, encoding.DumpOptions{})
	// Output:
	// (0008,0005) CS [ISO_IR 192]                             #  10, 1 SpecificCharacterSet
	// (0008,0016) UI =SecondaryCaptureImageStorage            #  26, 1 SOPClassUID
	// (0010,0010) PN [Muster^Änne]                            #  12, 1 PatientName
	// (0028,0010) US 2                                        #   2, 1 Rows
	// (7fe0,0010) OW 0001\0002                                #   4, 1 PixelData
}

// The header is read into memory, the pixel data as a stream.
func ExampleDecoder_ReadUntil() {
	f, err := encoding.NewFile(bytes.NewReader(exampleFile()), encoding.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d := f.Decoder()
	header := new(dicom.DataSet)
	if _, err := d.ReadUntil(header, dict.PixelData); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(header.String(dict.PatientName))
	for {
		h, err := d.Next()
		if err != nil { // io.EOF at the end
			break
		}
		n, _ := io.Copy(io.Discard, d.Reader())
		fmt.Println(dict.Keyword(h.Tag), n)
	}
	// Output:
	// Muster^Änne
	// PixelData 4
}

func ExampleTranscode() {
	f, _ := encoding.NewFile(bytes.NewReader(exampleFile()), encoding.Options{})
	var w bytes.Buffer
	if err := encoding.Transcode(&w, encoding.ImplicitLE, f.DataSet(), f.TransferSyntax, encoding.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	ds, _ := encoding.Parse(w.Bytes(), encoding.ImplicitLE, encoding.Options{})
	fmt.Println(ds.String(dict.PatientName))
	// Output: Muster^Änne
}
