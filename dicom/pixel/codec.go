package pixel

import (
	"fmt"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
)

// decoded is what a codec makes of one frame.
type decoded struct {
	// samples are interleaved, of Description.SampleBytes each, little endian.
	// Bits above Bits Stored may be anything.
	samples []byte
	// photometric is what the samples are if the codec has changed it, as
	// JPEG 2000 makes RGB of YBR_RCT; else it is empty.
	photometric Photometric
}

// decodeFunc decodes one frame. d has been checked, also against l, which has
// its defaults filled in; the frame's own header has not.
type decodeFunc func(frame []byte, d *Description, l Limits) (decoded, error)

// encodeFunc encodes the samples of one frame, which are in the form that the
// package's comment describes and have the size that d gives them.
type encodeFunc func(samples []byte, d *Description) ([]byte, error)

// decoders and encoders are the codecs by transfer syntax. Each codec's file
// declares its own with a line such as
//
//	var _ = register(dict.UIDRLELossless, decodeRLE)
//
// and nothing changes them once the package's variables are initialised.
var (
	decoders = map[dicom.UID]decodeFunc{}
	encoders = map[dicom.UID]encodeFunc{}
)

func register(ts dicom.UID, f decodeFunc) struct{} {
	decoders[ts] = f
	return struct{}{}
}

func registerEncoder(ts dicom.UID, f encodeFunc) struct{} {
	encoders[ts] = f
	return struct{}{}
}

// A FrameDecoder decodes frames of one encapsulated transfer syntax. It may be
// used by many at once.
type FrameDecoder struct{ decode decodeFunc }

// Decoder returns the decoder for an encapsulated transfer syntax.
func Decoder(ts dicom.UID) (FrameDecoder, bool) {
	f, ok := decoders[ts]
	return FrameDecoder{f}, ok
}

// Decode decodes one frame that d describes.
func (fd FrameDecoder) Decode(frame []byte, d *Description, l Limits) (*Frame, error) {
	l = l.withDefaults()
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("decode frame: %w", err)
	}
	if err := d.within(l); err != nil {
		return nil, fmt.Errorf("decode frame: %w", err)
	}
	if len(frame) == 0 {
		return nil, fmt.Errorf("decode frame: %w: it is empty", ErrSyntax)
	}
	out, err := fd.decode(frame, d, l)
	if err != nil {
		return nil, fmt.Errorf("decode frame: %w", err)
	}
	return newFrame(out, d)
}

// newFrame brings what a codec returned into the form of a Frame.
func newFrame(out decoded, d *Description) (*Frame, error) {
	if int64(len(out.samples)) != d.FrameBytes() {
		return nil, fmt.Errorf("decode frame: %w: %d bytes instead of %d", ErrSyntax, len(out.samples), d.FrameBytes())
	}
	normalise(out.samples, d)
	f := &Frame{Description: *d, Data: out.samples}
	f.Frames, f.Planar, f.HighBit = 1, false, d.BitsStored-1
	if out.photometric != "" {
		f.Photometric = out.photometric
	}
	f.Photometric = full422(f.Photometric) // all samples are there, whatever the data set says
	return f, nil
}

// A FrameEncoder encodes frames in one transfer syntax without loss. It may be
// used by many at once.
type FrameEncoder struct{ encode encodeFunc }

// Encoder returns the encoder for an encapsulated transfer syntax. All are
// lossless; for those of which a syntax also permits lossy streams, theirs are
// not.
func Encoder(ts dicom.UID) (FrameEncoder, bool) {
	f, ok := encoders[ts]
	return FrameEncoder{f}, ok
}

// Encode encodes one frame. What the syntax cannot hold without loss is an error
// that wraps ErrUnsupported.
func (fe FrameEncoder) Encode(f *Frame) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	if int64(len(f.Data)) != f.FrameBytes() {
		return nil, fmt.Errorf("encode frame: %w: %d bytes instead of %d", ErrSyntax, len(f.Data), f.FrameBytes())
	}
	b, err := fe.encode(f.Data, &f.Description)
	if err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	return b, nil
}

// DecodedSyntaxes returns the encapsulated transfer syntaxes that have a decoder,
// sorted.
func DecodedSyntaxes() []dicom.UID { return sortedKeys(decoders) }

// EncodedSyntaxes returns the encapsulated transfer syntaxes that have an
// encoder, sorted.
func EncodedSyntaxes() []dicom.UID { return sortedKeys(encoders) }

func sortedKeys[V any](m map[dicom.UID]V) []dicom.UID {
	keys := make([]dicom.UID, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
