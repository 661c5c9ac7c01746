package dicomweb

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// target returns the transfer syntax in which an instance goes out: wanted is
// what the client named, "" or "*" if it left the choice. Implicit VR Little
// Endian and Explicit VR Big Endian are sent only to those who name them: no
// client of DICOMweb has to know them (PS3.18 section 8.7.3.5.2).
func target(from encoding.TransferSyntax, wanted dicom.UID) (encoding.TransferSyntax, error) {
	switch {
	case wanted == from.UID, wanted == "*" && from.Deflated:
		return from, nil
	case wanted == "" || wanted == "*":
		if from.Native() {
			return encoding.ExplicitLE, nil
		}
		return from, nil
	}
	to, ok := encoding.Lookup(wanted)
	if !ok || !pixel.Transcodes(from.UID, wanted) {
		return to, notAcceptable("an instance cannot be had in that transfer syntax")
	}
	return to, nil
}

func decodes(ts dicom.UID) bool {
	_, ok := pixel.Decoder(ts)
	return ok
}

// fileHead is what stands in a file before the data set (PS3.10 chapter 7). The
// preamble that was received is never sent: it may be a program.
func fileHead(e *archive.Entry, ts dicom.UID) ([]byte, error) {
	return encoding.AppendMeta(nil, encoding.NewMeta(e.SOPClass, e.Instance, ts))
}

// fileReader is a file of an instance as it is stored, for reading at any place.
type fileReader struct {
	head []byte
	body io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (f *fileReader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < int64(len(f.head)) {
		n = copy(p, f.head[off:])
		if n == len(p) {
			return n, nil
		}
	}
	m, err := f.body.ReadAt(p[n:], off+int64(n)-int64(len(f.head)))
	return n + m, err
}

// serveFile answers one instance as a file, or the ranges of it that were asked
// for.
func (x *exchange) serveFile(s *stored, to encoding.TransferSyntax) error {
	h := x.w.Header()
	h.Set("Content-Type", typeDICOM+"; transfer-syntax="+string(to.UID))
	h.Set("Content-Disposition", `attachment; filename="`+string(s.entry.Instance)+`.dcm"`)
	h.Set("ETag", etag(s.entry, to.UID))
	if to.UID != s.syntax.UID {
		write, err := x.file(s, to)
		if err != nil || x.Method == http.MethodHead {
			return err
		}
		return write(x.w)
	}
	head, err := fileHead(s.entry, to.UID)
	if err != nil {
		return err
	}
	f := &fileReader{head, s}
	http.ServeContent(x.w, x.Request, "", time.Time{}, io.NewSectionReader(f, 0, int64(len(head))+s.entry.Length))
	return nil
}

// etag names a form of an instance: the instance never changes.
func etag(e *archive.Entry, form dicom.UID) string {
	return `"` + hex.EncodeToString(e.SHA256[:16]) + "-" + string(form) + `"`
}

// serveBytes answers bytes that are in memory, or the ranges of them that were
// asked for.
func (x *exchange) serveBytes(typ, tag string, b []byte) error {
	h := x.w.Header()
	h.Set("Content-Type", typ)
	h.Set("Content-Disposition", "attachment")
	h.Set("ETag", tag)
	http.ServeContent(x.w, x.Request, "", time.Time{}, bytes.NewReader(b))
	return nil
}
