package dicomweb

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

var bulkDataRoutes = []Route{
	{http.MethodGet, instancePath + "/bulkdata/{offset}/{length}", "Retrieve Bulkdata", "PS3.18 section 10.4.1.1.5", serveBulkData},
}

// serveBulkData answers the value of one element, in little endian. Its URL is
// one of those that the instance's metadata has; any other is not found.
func serveBulkData(x *exchange) error {
	place := x.path["offset"] + "/" + x.path["length"]
	off, n, ok := parsePlace(place)
	if !ok {
		return errNotFound
	}
	r, err := x.access()
	if err != nil {
		return err
	}
	s, err := x.open(r, &r.Entries[0])
	if err != nil {
		return err
	}
	defer s.Close()
	vr, tag, ok := bulkElement(s.Meta().Summary, place)
	if !ok {
		return errNotFound
	}
	if s.syntax.Encapsulated && tag == "7FE00010" && (vr == dicom.VROB || vr == dicom.VROW) {
		return x.bulkFrames(s)
	}
	o, err := x.negotiate(offer{typ: typeBytes}, offer{multipart: true, typ: typeBytes})
	if err != nil {
		return err
	}
	width := 1
	if s.syntax.BigEndian {
		width = vr.WordSize()
	}
	if o.multipart {
		return x.bulkPart(s, off, n, width)
	}
	h := x.w.Header()
	h.Set("Content-Type", typeBytes)
	h.Set("Content-Disposition", "attachment")
	h.Set("ETag", etag(s.entry, dicom.UID("bulk."+x.path["offset"])))
	if !s.syntax.Deflated && width == 1 {
		http.ServeContent(x.w, x.Request, "", time.Time{}, io.NewSectionReader(s, off, n))
		return nil
	}
	h.Set("Content-Length", strconv.FormatInt(n, 10))
	if x.Method == http.MethodHead {
		return nil
	}
	return s.copyBulk(x.w, off, n, width)
}

func (x *exchange) bulkPart(s *stored, off, n int64, width int) error {
	p := x.multipart(typeBytes)
	w, err := p.next(typeBytes, "", "")
	if err != nil {
		return err
	}
	if err := s.copyBulk(w, off, n, width); err != nil {
		return err
	}
	return p.end()
}

// bulkFrames answers encapsulated pixel data: a part a frame.
func (x *exchange) bulkFrames(s *stored) error {
	o, err := x.negotiate(frameOffers(s.syntax)...)
	if err != nil {
		return err
	}
	p, err := x.pixelsOf(s)
	if err != nil {
		return err
	}
	if !o.multipart && p.Frames > 1 {
		return notAcceptable("several frames come in several parts")
	}
	numbers := make([]int, p.Frames)
	for i := range numbers {
		numbers[i] = i + 1
	}
	return x.writeFrames(s, p, o, numbers)
}

// copyBulk writes a value with words of the width in little endian.
func (s *stored) copyBulk(w io.Writer, off, n int64, width int) error {
	r, err := s.read(off, n)
	if err != nil {
		return err
	}
	defer r.Close()
	if width == 1 {
		_, err := io.CopyN(w, r, n)
		return err
	}
	buf := make([]byte, 64<<10) // a multiple of every width
	for n > 0 {
		b := buf[:min(n, int64(len(buf)))]
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		swapBytes(b, width)
		if _, err := w.Write(b); err != nil {
			return err
		}
		n -= int64(len(b))
	}
	return nil
}

// bulkElement finds the element of a summary whose bulk value lies at the place,
// and returns its VR and its tag. The archive writes them as
// "TTTTTTTT":{"vr":"VR","BulkDataURI":"PLACE"}.
func bulkElement(summary []byte, place string) (vr dicom.VR, tag string, ok bool) {
	const head = len(`"7FE00010":{"vr":"OW",`)
	reference := append(append([]byte(nil), bulkMember...), place+`"`...)
	i := bytes.Index(summary, reference)
	if i < head {
		return vr, "", false
	}
	element := summary[i-head : i]
	if !bytes.Equal(element[9:18], []byte(`":{"vr":"`)) || element[0] != '"' {
		return vr, "", false
	}
	vr, ok = dicom.ParseVR(string(element[18:20]))
	return vr, string(element[1:9]), ok
}
