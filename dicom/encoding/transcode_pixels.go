package encoding

import (
	"fmt"
	"io"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Pixels says what TranscodePixels puts in the place of a data set's pixel data,
// and which attributes change with it.
type Pixels struct {
	// Elements take the place of the elements with their tags at the top level,
	// or come where they belong if there are none. Their tags lie below Pixel
	// Data's.
	Elements *dicom.DataSet
	// Without lists elements of the top level that are left out.
	Without []dicom.Tag
	// VR and Length are those of Pixel Data. Length is Undefined for fragments.
	VR     dicom.VR
	Length uint32
	// Write writes the value. from has the old one if that is native, in little
	// endian whatever the transfer syntax; else it is nil.
	Write func(w *PixelWriter, from io.Reader) error
}

// TranscodePixels is Transcode with other pixel data. Only Pixel Data of the top
// level is replaced: fragments in the items of sequences are an error that wraps
// ErrTransferSyntax. Group lengths of the top level are left out.
func TranscodePixels(w io.Writer, to TransferSyntax, r io.Reader, from TransferSyntax, o Options, p *Pixels) error {
	return newTranscoder(w, to, r, from, o).run(func(t *transcoder) error { return t.replace(p) })
}

// replace passes the elements of the top level on, changed as p says.
func (t *transcoder) replace(p *Pixels) error {
	pending := slices.Collect(p.Elements.All())
	for {
		h, err := t.in.Next()
		if err != nil && err != io.EOF {
			return err
		}
		for len(pending) > 0 && (err == io.EOF || pending[0].Tag < h.Tag) {
			if err := t.put(pending[0]); err != nil {
				return err
			}
			pending = pending[1:]
		}
		if err == io.EOF {
			return nil
		}
		switch {
		case len(pending) > 0 && pending[0].Tag == h.Tag:
			err = t.put(pending[0])
			pending = pending[1:]
		case slices.Contains(p.Without, h.Tag), h.Tag.IsGroupLength():
		case h.Tag == dict.PixelData:
			err = t.pixels(&h, p)
		default:
			err = t.element(&h)
		}
		if err != nil {
			return err
		}
	}
}

// put writes an element that did not come from the stream.
func (t *transcoder) put(e *dicom.Element) error {
	ds := new(dicom.DataSet)
	ds.Put(*e)
	b, err := Append(nil, TransferSyntax{ExplicitVR: t.to.explicit, BigEndian: t.to.big}, ds)
	if err != nil {
		return err
	}
	_, err = t.out.Write(b)
	return err
}

func (t *transcoder) pixels(h *Header, p *Pixels) error {
	w := &PixelWriter{t: t, vr: p.VR, fragments: p.Length == Undefined}
	var from io.Reader
	if !h.IsEncapsulated() {
		from = t.in.LittleEndian()
	}
	t.header(dict.PixelData, p.VR, p.Length)
	if w.fragments {
		t.item(tagItem, 0) // an empty Basic Offset Table: one fragment a frame shows where they are
	}
	if err := p.Write(w, from); err != nil {
		return err
	}
	switch {
	case w.fragments:
		t.item(tagSequenceDelim, 0)
	case w.n != int64(p.Length):
		return &Error{-1, dict.PixelData, fmt.Errorf("%d bytes of pixel data instead of %d", w.n, p.Length)}
	}
	return nil
}

// PixelWriter takes the new pixel data of a data set.
type PixelWriter struct {
	t         *transcoder
	vr        dicom.VR
	fragments bool
	n         int64
}

// Write writes native pixel data, given in little endian. Each call has whole
// words of the VR.
func (w *PixelWriter) Write(b []byte) (int, error) {
	w.n += int64(len(b))
	word := w.vr.WordSize()
	if !w.t.to.big || word == 1 {
		return w.t.out.Write(b)
	}
	buf := scratch.Get().(*[64 << 10]byte)
	defer scratch.Put(buf)
	for n := 0; n < len(b); {
		part := buf[:copy(buf[:], b[n:])]
		swap(part, word)
		if _, err := w.t.out.Write(part); err != nil {
			return n, err
		}
		n += len(part)
	}
	return len(b), nil
}

// Fragment writes one fragment, padded to even length (PS3.5 section A.4).
func (w *PixelWriter) Fragment(b []byte) error {
	padded := int64(len(b)) + int64(len(b)%2)
	if padded >= Undefined {
		return &Error{-1, dict.PixelData, fmt.Errorf("%w: fragment of %d bytes", ErrTransferSyntax, len(b))}
	}
	w.t.item(tagItem, uint32(padded))
	if _, err := w.t.out.Write(b); err != nil {
		return err
	}
	if len(b)%2 == 1 {
		return w.t.out.WriteByte(0)
	}
	return nil
}

// LittleEndian is Reader with numbers in little endian whatever the transfer
// syntax.
func (d *Decoder) LittleEndian() io.Reader {
	h := &d.head
	if word := h.VR.WordSize(); d.levels[len(d.levels)-1].big && !h.AsUN && h.VR != dicom.VRUN && word > 1 {
		return &swapReader{r: d.Reader(), word: word}
	}
	return d.Reader()
}

// swapReader turns the byte order of words around.
type swapReader struct {
	r    io.Reader
	word int
	buf  [8 << 10]byte
	rest []byte // of buf, swapped and not yet read
	err  error
}

// Read implements io.Reader.
func (s *swapReader) Read(p []byte) (int, error) {
	if len(s.rest) == 0 && s.err == nil {
		var n int
		n, s.err = io.ReadFull(s.r, s.buf[:])
		if s.err == io.ErrUnexpectedEOF {
			s.err = io.EOF // the value's end; that of the stream is an *Error
		}
		s.rest = s.buf[:n]
		swap(s.rest, s.word)
	}
	if len(s.rest) == 0 {
		return 0, s.err
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
