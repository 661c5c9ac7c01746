package encoding

import (
	"bufio"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
)

// Transcode reads a data set from r in one transfer syntax and writes it to w
// in another, without holding more of it than a buffer. Values stay the same.
// Where headers change their size, sequences and items get undefined lengths
// and group lengths are left out; else nothing but the byte order changes.
//
// Pixel data passes only between native transfer syntaxes; where a codec would
// be needed the error wraps ErrTransferSyntax.
func Transcode(w io.Writer, to TransferSyntax, r io.Reader, from TransferSyntax, o Options) error {
	if from.UID == to.UID {
		_, err := io.Copy(w, r)
		return err
	}
	return newTranscoder(w, to, r, from, o).run((*transcoder).dataSet)
}

func newTranscoder(w io.Writer, to TransferSyntax, r io.Reader, from TransferSyntax, o Options) *transcoder {
	t := &transcoder{
		in:       NewDecoder(r, from, o),
		to:       layoutOf(to),
		from:     layoutOf(from),
		sameSize: from.ExplicitVR == to.ExplicitVR,
		native:   from.Native() && to.Native(),
	}
	if to.Deflated {
		t.packer = newDeflater(w)
		w = t.packer
	}
	t.out = bufio.NewWriterSize(w, flushAt)
	return t
}

// run passes the data set on by f and ends the output.
func (t *transcoder) run(f func(*transcoder) error) error {
	if err := f(t); err != nil {
		return err
	}
	if err := t.out.Flush(); err != nil {
		return err
	}
	if t.packer != nil {
		return t.packer.Close()
	}
	return nil
}

// transcoder passes elements from a decoder on to a writer.
type transcoder struct {
	in       *Decoder
	out      *bufio.Writer
	packer   *deflater // what out writes to, nil if the output is not deflated
	to, from layout
	sameSize bool // headers are as long as they were
	native   bool
	depth    int // of sequences: the pixel data of icons may be native everywhere
	buf      [16]byte
}

func (t *transcoder) dataSet() error {
	for {
		h, err := t.in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.element(&h); err != nil {
			return err
		}
	}
}

func (t *transcoder) element(h *Header) error {
	switch {
	case isPixelData(h.Tag) && !t.native && t.depth == 0 || h.IsEncapsulated():
		return &Error{h.Offset, h.Tag, fmt.Errorf("%w: pixel data needs a codec", ErrTransferSyntax)}
	case h.Tag.IsGroupLength() && !t.sameSize:
		return nil
	case h.IsSequence():
		return t.sequence(h)
	}
	vr := h.VR
	if t.to.explicit {
		vr = writtenVR(h.VR, h.AsUN, int(h.Length))
	}
	t.header(h.Tag, vr, h.Length)
	return t.value(h, vr)
}

func (t *transcoder) header(tag dicom.Tag, vr dicom.VR, length uint32) {
	t.out.Write(appendHeader(t.buf[:0], t.to, tag, vr, length)) // an error stays in t.out
}

func (t *transcoder) item(tag dicom.Tag, length uint32) {
	t.out.Write(appendItem(t.buf[:0], t.to.big, tag, length))
}

// value passes the value on, byte order reversed if the two sides differ in it.
// What is written as UN is little endian, what came as UN too.
func (t *transcoder) value(h *Header, written dicom.VR) error {
	word := h.VR.WordSize()
	fromBig := t.from.big && !h.AsUN
	toBig := t.to.big && written != dicom.VRUN
	if word == 1 || fromBig == toBig || h.VR == dicom.VRUN {
		_, err := io.Copy(t.out, t.in.Reader())
		return err
	}
	buf := scratch.Get().(*[64 << 10]byte)
	defer scratch.Put(buf)
	r := t.in.Reader()
	for {
		n, err := io.ReadFull(r, buf[:])
		swap(buf[:n], word)
		if _, writeErr := t.out.Write(buf[:n]); writeErr != nil {
			return writeErr
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return nil // the value's end; that of the stream is an *Error
		default:
			return err
		}
	}
}

func (t *transcoder) sequence(h *Header) error {
	outer := *t
	vr, length := dicom.VRSQ, h.Length
	if h.AsUN && t.to.explicit {
		vr = dicom.VRUN
	}
	if !t.sameSize && !h.AsUN {
		length = Undefined
	}
	t.header(h.Tag, vr, length)
	if h.AsUN { // implicit VR little endian on both sides
		t.to, t.from, t.sameSize = layout{}, layout{}, true
	}
	t.depth++
	if err := t.items(); err != nil {
		return err
	}
	t.depth--
	if length == Undefined {
		t.item(tagSequenceDelim, 0)
	}
	t.to, t.from, t.sameSize = outer.to, outer.from, outer.sameSize
	return nil
}

func (t *transcoder) items() error {
	for {
		length, err := t.in.NextItem()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !t.sameSize {
			length = Undefined
		}
		t.item(tagItem, length)
		if err := t.dataSet(); err != nil {
			return err
		}
		if length == Undefined {
			t.item(tagItemDelimiter, 0)
		}
	}
}
