package encoding_test

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// Values that are not in memory are referred to.
func ExampleAppendJSON() {
	ds := new(dicom.DataSet)
	if err := ds.PutString(dict.PatientName, dicom.VRPN, "Doe^Jane"); err != nil {
		fmt.Println(err)
	}
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Bulk: &dicom.Bulk{Offset: 1400, Length: 524288}})
	out, err := encoding.AppendJSON(nil, ds, encoding.JSONOptions{
		BulkDataURI: func(at encoding.Path, e *dicom.Element) string {
			return "bulkdata/" + at.String() + e.Tag.Hex()
		},
	})
	fmt.Println(string(out), err)
	// Output:
	// {"00100010":{"vr":"PN","Value":[{"Alphabetic":"Doe^Jane"}]},"7FE00010":{"vr":"OW","BulkDataURI":"bulkdata/7FE00010"}} <nil>
}

func ExampleParseJSON() {
	ds, err := encoding.ParseJSON([]byte(`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Müller^Jürgen"}]}}`),
		encoding.JSONOptions{})
	fmt.Println(ds.String(dict.PatientName), ds.String(dict.SpecificCharacterSet), err)
	// Output:
	// Müller^Jürgen ISO_IR 192 <nil>
}

func ExampleParseXML() {
	ds, err := encoding.ParseXML([]byte(`<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
		<DicomAttribute tag="00280010" vr="US" keyword="Rows"><Value number="1">512</Value></DicomAttribute>
	</NativeDicomModel>`), encoding.XMLOptions{})
	if err != nil {
		fmt.Println(err)
	}
	rows, err := ds.Int(dict.Rows)
	fmt.Println(rows, err)
	// Output:
	// 512 <nil>
}
