package dicomweb

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

var bulkDataRoutes = []Route{
	{http.MethodGet, instancePath + "/bulkdata/{offset}/{length}", "Retrieve Bulkdata", "PS3.18 section 10.4.1.1.5", valueForm, serveBulkData},
}

var valueForm = &Form{Query: []Parameter{acceptParameter}, Answers: []string{
	partsOf(typeBytes), typeBytes, partsOf("image/jpeg"), partsOf("image/dicom-rle"), partsOf("image/jls"),
	partsOf("image/jp2"), partsOf("image/jpx"), partsOf("image/jphc"),
}}

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
	return x.serveValue(s, &bulkValue{off: off, n: n, vr: vr, pixels: tag == pixelData && (vr == dicom.VROB || vr == dicom.VROW)})
}

// serveValue answers one bulk value, alone or in parts.
func (x *exchange) serveValue(s *stored, v *bulkValue) error {
	if v.pixels && s.syntax.Encapsulated {
		return x.bulkFrames(s, v)
	}
	o, err := x.negotiate(offer{typ: typeBytes}, offer{multipart: true, typ: typeBytes})
	if err != nil {
		return err
	}
	if o.multipart {
		return x.bulkPart(s, v)
	}
	width := v.width(s)
	h := x.w.Header()
	h.Set("Content-Type", typeBytes)
	h.Set("Content-Disposition", "attachment")
	tag := etag(s.entry, dicom.UID("bulk."+strconv.FormatInt(v.off, 10)))
	h.Set("ETag", tag)
	if !s.syntax.Deflated && width == 1 {
		http.ServeContent(x.w, x.Request, "", time.Time{}, io.NewSectionReader(s, v.off, v.n))
		return nil
	}
	if x.unchanged(tag) {
		return nil
	}
	h.Set("Content-Length", strconv.FormatInt(v.n, 10))
	if x.Method == http.MethodHead {
		return nil
	}
	return s.copyBulk(x.w, v.off, v.n, width)
}

// bulkValue is the place of a bulk value in the data set of an instance.
type bulkValue struct {
	off, n int64
	vr     dicom.VR
	pixels bool // it is the pixel data of the instance
}

// width returns of how many bytes the words of the value are whose order has to
// be turned around; 1 for none.
func (v *bulkValue) width(s *stored) int {
	if s.syntax.BigEndian {
		return v.vr.WordSize()
	}
	return 1
}

// url returns what the metadata calls the value.
func (v *bulkValue) url(instance string) string {
	return instance + "/bulkdata/" + strconv.FormatInt(v.off, 10) + "/" + strconv.FormatInt(v.n, 10)
}

func (x *exchange) bulkPart(s *stored, v *bulkValue) error {
	p := x.multipart(typeBytes)
	if err := x.writeValue(p, s, v); err != nil {
		return err
	}
	return p.end()
}

// writeValue writes a value that is not compressed as a part.
func (x *exchange) writeValue(p *parts, s *stored, v *bulkValue) error {
	w, err := p.next(typeBytes, "", v.url(x.resource(s.entry.Study, s.entry.Series, s.entry.Instance)))
	if err != nil {
		return err
	}
	return s.copyBulk(w, v.off, v.n, v.width(s))
}

// bulkFrames answers encapsulated pixel data: a part a frame, or decoded as one
// value.
func (x *exchange) bulkFrames(s *stored, v *bulkValue) error {
	o, err := x.negotiate(frameOffers(s.syntax)...)
	if err != nil {
		return err
	}
	f, err := x.pixelsOf(s)
	if err != nil {
		return err
	}
	if o.multipart {
		p := x.multipart(o.typ)
		if err := x.writeEncapsulated(p, s, f, o, v); err != nil {
			return err
		}
		return p.end()
	}
	if decoding(s, o) {
		return x.decodedAlone(s, f, o)
	}
	if f.Frames > 1 {
		return notAcceptable("several frames come in several parts")
	}
	return x.writeFrames(s, f, o, []int{1})
}

// decodedAlone answers all frames, decoded, as one value.
func (x *exchange) decodedAlone(s *stored, f *pixels, o *offer) error {
	first, err := x.frameIn(s, f, 1, encoding.ExplicitLE.UID)
	if err != nil {
		return err
	}
	h := x.w.Header()
	h.Set("Content-Type", o.typ+"; transfer-syntax="+string(o.syntax))
	h.Set("Content-Disposition", "attachment")
	return x.writeDecoded(x.w, s, f, first)
}

// decoding reports whether frames have to be decoded for an offer.
func decoding(s *stored, o *offer) bool {
	return s.syntax.Encapsulated && o.syntax == encoding.ExplicitLE.UID
}

// writeEncapsulated writes encapsulated pixel data: a part for each frame, or a
// single one if they are decoded (PS3.18 section 8.7.3.3).
func (x *exchange) writeEncapsulated(p *parts, s *stored, f *pixels, o *offer, v *bulkValue) error {
	location := v.url(x.resource(s.entry.Study, s.entry.Series, s.entry.Instance))
	decode := decoding(s, o)
	if decode && (f.BitsAllocated > 1 || f.Frames == 1) {
		first, err := x.frameIn(s, f, 1, encoding.ExplicitLE.UID) // before the part begins: the status can still tell
		if err != nil {
			return err
		}
		w, err := p.next(o.typ, o.syntax, location)
		if err != nil {
			return err
		}
		return x.writeDecoded(w, s, f, first)
	}
	for n := 1; n <= f.Frames; n++ {
		if err := x.framePart(p, s, f, o, n, location); err != nil {
			return err
		}
	}
	return nil
}

// writeDecoded writes all frames one after the other, of which the first is there.
func (x *exchange) writeDecoded(w io.Writer, s *stored, f *pixels, first []byte) error {
	if _, err := w.Write(first); err != nil {
		return err
	}
	for n := 2; n <= f.Frames; n++ {
		b, err := x.frameIn(s, f, n, encoding.ExplicitLE.UID)
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// pixelData is dict.PixelData as a summary writes it.
const pixelData = "7FE00010"

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
