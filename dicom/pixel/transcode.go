package pixel

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// TranscodeOptions are for NewTranscoder. The zero value is good.
type TranscodeOptions struct {
	Limits encoding.Limits // of the data set
	Pixels Limits
}

// A Transcoder brings one data set from one transfer syntax into another without
// loss: decoded, both give the same samples. It holds one frame at a time, and is
// for one goroutine.
type Transcoder struct {
	r        io.ReaderAt
	size     int64
	from, to encoding.TransferSyntax
	o        TranscodeOptions

	// plan is nil where no pixel passes through a codec.
	plan   *encoding.Pixels
	source frameSource
	d      Description // of the data set as it is
	first  *Frame      // decoded
	coded  []byte      // first in the new transfer syntax, if that is encapsulated
}

// maxTranscoderValue is the longest value of the header that is looked at.
const maxTranscoderValue = 64 << 10

// NewTranscoder looks at the data set of size bytes that r has in the transfer
// syntax from, and works its first frame, so that most of what can fail has
// failed before a byte is written.
//
// Errors wrap ErrUnsupported where the data set cannot be had in the syntax to
// without loss: a codec is missing, the encoder does not take so many bits, or
// bits of pixels that Bits Stored leaves out have a meaning, as overlays had once.
func NewTranscoder(ctx context.Context, r io.ReaderAt, size int64, from, to dicom.UID, o TranscodeOptions) (*Transcoder, error) {
	t := &Transcoder{r: r, size: size, o: o}
	if err := t.prepare(ctx, from, to); err != nil {
		return nil, fmt.Errorf("transcode from %s to %s: %w", from, to, err)
	}
	return t, nil
}

func (t *Transcoder) prepare(ctx context.Context, from, to dicom.UID) error {
	if !Transcodes(from, to) {
		return fmt.Errorf("%w: no codec", ErrUnsupported)
	}
	t.from, _ = encoding.Lookup(from)
	t.to, _ = encoding.Lookup(to)
	if from == to || t.from.Native() && t.to.Native() {
		return nil
	}
	header := new(dicom.DataSet)
	dec := t.decoder(true)
	if _, err := dec.ReadUntil(header, dict.PixelData); err != nil {
		return err
	}
	h, err := dec.Next()
	switch {
	case err != nil && err != io.EOF:
		return err
	case header.Has(dict.FloatPixelData) || header.Has(dict.DoubleFloatPixelData):
		return fmt.Errorf("%w: floating point pixels are never encapsulated", ErrUnsupported)
	case err == io.EOF || h.Tag != dict.PixelData:
		return t.withoutPixels()
	}
	return t.open(ctx, header, dec, &h)
}

func (t *Transcoder) decoder(bulk bool) *encoding.Decoder {
	o := encoding.Options{Limits: t.o.Limits}
	if bulk {
		o.KeepUpTo, o.BulkPixelData = maxTranscoderValue, true
	}
	return encoding.NewDecoder(io.NewSectionReader(t.r, 0, t.size), t.from, o)
}

// withoutPixels is for a data set that has none. It may not go into an
// encapsulated transfer syntax (PS3.5 section A.4), but come from one: such
// files exist.
func (t *Transcoder) withoutPixels() error {
	if t.to.Encapsulated {
		return fmt.Errorf("%w: a data set without pixel data in an encapsulated transfer syntax", ErrUnsupported)
	}
	t.from.Encapsulated = false // encoding looks no further
	return nil
}

// open finds the frames, works the first one and plans the rest.
func (t *Transcoder) open(ctx context.Context, header *dicom.DataSet, dec *encoding.Decoder, h *encoding.Header) error {
	d, err := Describe(header)
	if err != nil {
		return err
	}
	if err := d.within(t.o.Pixels.withDefaults()); err != nil {
		return err
	}
	t.d = *d
	if err := t.lossless(header); err != nil {
		return err
	}
	if t.from.Encapsulated != h.IsEncapsulated() {
		return fmt.Errorf("%w: native pixel data in an encapsulated transfer syntax, or the other way round", ErrSyntax)
	}
	if h.IsEncapsulated() {
		var index *FrameIndex
		index, err = LocateFrames(t.r, h.Value, t.size, header, d.Frames)
		t.source = &encapsulatedFrames{t.r, index}
	} else {
		t.source = &nativeFrames{r: dec.LittleEndian(), d: d}
	}
	if err != nil {
		return err
	}
	if err := t.work(ctx, t.firstFrame); err != nil {
		return err
	}
	t.plan, err = t.changes(header)
	return err
}

// firstFrame reads the first frame and encodes it, for nothing but to see that
// it can be; WriteTo uses the result.
func (t *Transcoder) firstFrame() (err error) {
	if t.first, err = t.frame(0); err != nil || t.to.Native() {
		return err
	}
	t.coded, err = t.encode(t.first)
	return err
}

// frame reads and decodes frame i.
func (t *Transcoder) frame(i int) (*Frame, error) {
	b, err := t.source.frame(i)
	if err != nil {
		return nil, fmt.Errorf("frame %d: %w", i+1, err)
	}
	if t.from.Encapsulated {
		decoder, _ := Decoder(t.from.UID)
		return decoder.Decode(b, &t.d, t.o.Pixels)
	}
	one := t.d
	one.Frames = 1
	if !unusedClear(b, &one) {
		return nil, fmt.Errorf("%w: frame %d has bits outside of Bits Stored", ErrUnsupported, i+1)
	}
	out, err := nativeFrame(b, &one, 0)
	if err != nil {
		return nil, fmt.Errorf("frame %d: %w", i+1, err)
	}
	return newFrame(out, &one)
}

func (t *Transcoder) encode(f *Frame) ([]byte, error) {
	encoder, _ := Encoder(t.to.UID)
	return encoder.Encode(f)
}

// To returns the transfer syntax in which WriteTo writes.
func (t *Transcoder) To() dicom.UID { return t.to.UID }

// WriteTo writes the data set to w in the new transfer syntax. It may be called
// again. The end of ctx ends it between two frames.
func (t *Transcoder) WriteTo(ctx context.Context, w io.Writer) error {
	r := io.NewSectionReader(t.r, 0, t.size)
	o := encoding.Options{Limits: t.o.Limits}
	var err error
	if t.plan == nil {
		err = encoding.Transcode(w, t.to, r, t.from, o)
	} else {
		plan := *t.plan
		plan.Write = func(w *encoding.PixelWriter, value io.Reader) error { return t.write(ctx, w, value) }
		err = encoding.TranscodePixels(w, t.to, r, t.from, o, &plan)
	}
	if err != nil {
		return fmt.Errorf("transcode from %s to %s: %w", t.from.UID, t.to.UID, err)
	}
	return nil
}

// write writes the pixel data frame by frame.
func (t *Transcoder) write(ctx context.Context, w *encoding.PixelWriter, value io.Reader) error {
	if value != nil {
		t.source = &nativeFrames{r: value, d: &t.d}
	}
	pack := packer{w: w}
	for i := range t.d.Frames {
		f, coded := t.first, t.coded
		if i > 0 || value != nil { // a stream has to be read from its beginning
			err := t.work(ctx, func() (err error) {
				if f, err = t.frame(i); err == nil && i > 0 && t.to.Encapsulated {
					coded, err = t.encode(f)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		if f.Photometric != t.first.Photometric {
			return fmt.Errorf("%w: frames of several photometric interpretations", ErrUnsupported)
		}
		var err error
		if t.to.Encapsulated {
			err = w.Fragment(coded)
		} else {
			err = pack.frame(f)
		}
		if err != nil {
			return err
		}
	}
	return pack.end()
}

// nativeLength returns the length of native pixel data with the frames of f's
// size, padded to be even.
func (t *Transcoder) nativeLength() (uint32, error) {
	bits := t.first.nativeBits()
	n := (bits*int64(t.d.Frames) + 15) / 16 * 2
	if n >= encoding.Undefined || bits > math.MaxInt64/int64(t.d.Frames) {
		return 0, fmt.Errorf("%w: native pixel data of 4 GiB and more", ErrUnsupported)
	}
	return uint32(n), nil
}
