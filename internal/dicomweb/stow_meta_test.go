package dicomweb_test

import (
	"bytes"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// TestFileMetaNamesAnother stores files whose File Meta Information names
// another instance, or another SOP class, than their data set.
func TestFileMetaNamesAnother(t *testing.T) {
	for _, c := range []struct {
		name            string
		class, instance dicom.UID
		reason          int64 // 0 if it is stored
	}{
		{"the same", dict.UIDCTImageStorage, "1.1.1.1", 0},
		{"an instance of before", dict.UIDCTImageStorage, "1.2.999.999.99.9.9999.9999.20030818153516", 0},
		{"one that has a UUID", dict.UIDCTImageStorage, "2.25.329800735698586629295641978511506172918", 0},
		{"a number that is no UUID", dict.UIDCTImageStorage, "2.25.4242", 0xA900},
		{"a number larger than a UUID", dict.UIDCTImageStorage, "2.25.999999999999999999999999999999999999999", 0xA900},
		{"another SOP class", dict.UIDMRImageStorage, "1.1.1.1", 0xA900},
		{"another SOP class and instance", dict.UIDMRImageStorage, "1.1.1.9", 0xA900},
	} {
		f := start(t)
		o := newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil)
		var b bytes.Buffer
		if err := encoding.WriteFile(&b, encoding.NewMeta(c.class, c.instance, o.syntax.UID), o.ds); err != nil {
			t.Fatal(err)
		}
		r, reason := f.store("/studies", b.Bytes())
		if reason != c.reason || (r.status == 200) != (c.reason == 0) {
			t.Errorf("%s: %d, reason %04X", c.name, r.status, reason)
		}
		if c.reason != 0 {
			if rows := f.get("/instances").rows(t); len(rows) != 0 {
				t.Errorf("%s: stored all the same", c.name)
			}
			continue
		}
		file := f.get("/studies/1.1/series/1.1.1/instances/1.1.1.1", "Accept", "application/dicom")
		meta, _, err := encoding.ParseFile(file.body, encoding.Options{})
		if err != nil || meta.UID(dict.MediaStorageSOPInstanceUID) != "1.1.1.1" {
			t.Errorf("%s: comes back as %s, %v", c.name, meta.UID(dict.MediaStorageSOPInstanceUID), err)
		}
	}
}
