package pixel

import (
	"context"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// TranscodeFrame brings one frame of the pixel data that d describes from one
// transfer syntax into another without loss. Native frames are in little endian,
// from the lowest bit of the first byte on. What NewTranscoder says of errors
// holds here too; how d changes, a Transcoder tells.
func TranscodeFrame(ctx context.Context, b []byte, d *Description, from, to dicom.UID, l Limits) ([]byte, error) {
	t := Transcoder{d: *d, o: TranscodeOptions{Pixels: l}, source: oneFrame(b)}
	t.d.Frames = 1
	err := t.prepareFrame(from, to)
	if err == nil {
		err = t.work(ctx, t.firstFrame)
	}
	if err != nil {
		return nil, fmt.Errorf("transcode a frame from %s to %s: %w", from, to, err)
	}
	if t.to.Native() {
		return t.first.Native(), nil
	}
	return t.coded, nil
}

func (t *Transcoder) prepareFrame(from, to dicom.UID) error {
	switch {
	case !Transcodes(from, to):
		return fmt.Errorf("%w: no codec", ErrUnsupported)
	case t.d.Float:
		return fmt.Errorf("%w: floating point pixels are never encapsulated", ErrUnsupported)
	}
	t.from, _ = encoding.Lookup(from)
	t.to, _ = encoding.Lookup(to)
	if err := t.d.check(); err != nil {
		return err
	}
	return t.d.within(t.o.Pixels.withDefaults())
}

// oneFrame is a frameSource of one frame.
type oneFrame []byte

// frame implements frameSource.
func (b oneFrame) frame(int) ([]byte, error) { return b, nil }
