package file

import (
	"bytes"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// FuzzScan goes through packs of any bytes.
func FuzzScan(f *testing.F) {
	var b [3 * align]byte
	h := header{kind: kindVoid, total: align, pack: 1}
	h.put(b[align:])
	f.Add(b[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &scanner{src: bytes.NewReader(b), pack: 1, end: int64(len(b))}
		for at := int64(0); ; {
			off, h, ok, err := s.next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				if s.off != s.end {
					t.Fatalf("ended at %d of %d", s.off, s.end)
				}
				return
			}
			if off < at || s.off != off+int64(h.total) || s.off > s.end {
				t.Fatalf("record at %d, next at %d", off, s.off)
			}
			at = s.off
			if _, err := s.frontWhole(off, h); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzMeta reads metadata of any bytes; what can be read is written the same.
func FuzzMeta(f *testing.F) {
	m := vectorMeta()
	b, _ := appendMeta(nil, &m)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMeta(b)
		if err != nil {
			return
		}
		again, err := appendMeta(nil, m)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x became %x, %v", b, again, err)
		}
	})
}

// FuzzLocation parses locations of any text.
func FuzzLocation(f *testing.F) {
	f.Add("00000001-0000001000")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := at(archive.Location(s)); err == nil && p.String() != s {
			t.Errorf("%q became %q", s, p)
		}
	})
}

// FuzzPackedUID packs any UID that is tolerable and gets it back.
func FuzzPackedUID(f *testing.F) {
	f.Add("1.2.840.10008.5.1.4.1.1.2")
	f.Fuzz(func(t *testing.T, s string) {
		uid := dicom.UID(s)
		p, err := packUID(uid)
		if (err == nil) != uid.Tolerable() {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && unpackUID(p) != uid {
			t.Errorf("%q became %q", s, unpackUID(p))
		}
	})
}
