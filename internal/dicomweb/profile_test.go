package dicomweb_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// The colours of a picture are described if the client asks for it (PS3.18
// section 8.3.5.1.5).
func TestRenderedProfile(t *testing.T) {
	f := start(t)
	profile := make([]byte, 60_000) // long enough to stay outside of the summary
	binary.BigEndian.PutUint32(profile, uint32(len(profile)))
	f.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, func(ds *dicom.DataSet) {
		for tag, v := range map[dicom.Tag]int64{dict.SamplesPerPixel: 3, dict.BitsAllocated: 8, dict.BitsStored: 8, dict.HighBit: 7, dict.PlanarConfiguration: 0} {
			ds.PutInts(tag, dicom.VRUS, v)
		}
		ds.PutString(dict.PhotometricInterpretation, dicom.VRCS, "RGB")
		ds.Put(dicom.Element{Tag: dict.ICCProfile, VR: dicom.VROB, Data: profile})
		ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Data: make([]byte, 4*6*3)})
	}))
	for query, want := range map[string]bool{"": false, "?iccprofile=no": false, "?iccprofile=yes": true} {
		for typ, mark := range map[string]string{"image/png": "iCCP", "image/jpeg": "ICC_PROFILE"} {
			r := f.get("/studies/1.1/series/1.1.1/instances/1.1.1.1/rendered"+query, "Accept", typ)
			if got := bytes.Contains(r.body, []byte(mark)); r.status != 200 || got != want {
				t.Errorf("%s %s: %d, profile %v", typ, query, r.status, got)
			}
			r.picture(t)
		}
	}
}
