package dict_test

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom/dict"
)

func Example() {
	e, _ := dict.ByKeyword("PatientName")
	fmt.Println(e.Tag, e.VR, e.VM)
	fmt.Println(dict.Keyword(dict.StudyInstanceUID))
	fmt.Println(dict.UIDName(dict.UIDCTImageStorage), dict.IsStorageSOPClass(dict.UIDCTImageStorage))
	// Output:
	// (0010,0010) PN 1
	// StudyInstanceUID
	// CT Image Storage true
}
