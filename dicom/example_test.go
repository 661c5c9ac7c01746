package dicom_test

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

func ExampleDataSet() {
	ds := new(dicom.DataSet)
	ds.PutString(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 100")
	ds.PutString(dict.PatientName, dicom.VRPN, "Müller^Änne")
	ds.PutFloats(dict.PixelSpacing, dicom.VRDS, 0.5, 0.5)

	code := new(dicom.DataSet)
	ds.PutItems(dict.ProcedureCodeSequence, code)
	code.PutString(dict.CodeMeaning, dicom.VRLO, "Schädel") // in the character set of ds

	fmt.Println(ds.String(dict.PatientName))
	fmt.Println(ds.Floats(dict.PixelSpacing))
	for _, item := range ds.Items(dict.ProcedureCodeSequence) {
		fmt.Println(item.String(dict.CodeMeaning))
	}
	// Output:
	// Müller^Änne
	// [0.5 0.5] <nil>
	// Schädel
}
