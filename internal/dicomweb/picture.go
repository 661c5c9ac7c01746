package dicomweb

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// The rendered media types of PS3.18 table 8.7.4-1 that are made.
const (
	typeJPEG = "image/jpeg"
	typePNG  = "image/png"
	typeGIF  = "image/gif"
)

var errNoPicture = notAcceptable("the instance has no pixel data, so that there is no picture of it")

// unpicturable gives the reason why there is no picture a text of its own.
func unpicturable(err error) error {
	switch {
	case errors.Is(err, pixel.ErrNoPixels):
		return errNoPicture
	case errors.Is(err, pixel.ErrUnsupported), errors.Is(err, encoding.ErrTransferSyntax):
		return notAcceptable("no picture can be made: the pixel data is in a form that is not decoded")
	}
	return err
}

// subject is an instance that pictures are made of.
type subject struct {
	*stored
	header *dicom.DataSet // with the values that rendering needs
	pixels *pixels
	frames []int  // which are shown if no others are asked for
	state  *state // a presentation state that applies, or nil
}

// subjectOf prepares an instance for pictures.
func (x *exchange) subjectOf(s *stored, st *state) (*subject, error) {
	header, err := s.header()
	if err != nil {
		return nil, err
	}
	p, err := x.pixelsOf(s)
	if err != nil {
		return nil, unpicturable(err)
	}
	if s.syntax.Encapsulated && !decodes(s.syntax.UID) {
		return nil, unpicturable(pixel.ErrUnsupported)
	}
	left := int64(maxTable)
	if err := s.fill(header, &left); err != nil {
		return nil, err
	}
	frames := make([]int, p.Frames)
	for i := range frames {
		frames[i] = i + 1
	}
	return &subject{s, header, p, frames, st}, nil
}

// fill reads the bulk values that rendering needs, lookup tables and overlays,
// into the header and its sequences, left bytes in all.
func (s *stored) fill(ds *dicom.DataSet, left *int64) error {
	for e := range ds.All() {
		for _, item := range e.Items {
			if err := s.fill(item.DataSet, left); err != nil {
				return err
			}
		}
		if g := e.Tag.Group(); e.Bulk == nil || g != 0x0028 && (g < 0x6000 || g > 0x601E) {
			continue
		}
		if *left -= e.Bulk.Length; *left < 0 {
			return pixel.ErrLimit
		}
		var b bytes.Buffer
		width := 1
		if s.syntax.BigEndian {
			width = e.VR.WordSize()
		}
		if err := s.copyBulk(&b, e.Bulk.Offset, e.Bulk.Length, width); err != nil {
			return err
		}
		e.Data, e.Bulk = b.Bytes(), nil
	}
	return nil
}

// decode returns frame n, counted from 1, as samples.
func (x *exchange) decode(s *subject, n int) (*pixel.Frame, error) {
	b, err := x.frame(s.stored, s.pixels, n)
	if err != nil {
		return nil, err
	}
	if s.syntax.Encapsulated {
		d, _ := pixel.Decoder(s.syntax.UID)
		return d.Decode(b, &s.pixels.Description, pixel.Limits{})
	}
	one := new(dicom.DataSet) // the instance with this frame alone
	for e := range s.header.All() {
		if e.Tag.Group() == 0x0028 && e.Tag != dict.NumberOfFrames {
			one.Put(*e)
		}
	}
	one.Put(dicom.Element{Tag: s.pixels.tag, VR: dicom.VROW, Data: b})
	im, err := pixel.Open(one, encoding.ExplicitLE.UID, pixel.Limits{})
	if err != nil {
		return nil, err
	}
	return im.Frame(0)
}

// picture renders frame n, counted from 1.
func (x *exchange) picture(s *subject, n int, l *look) (image.Image, error) {
	o, err := l.options(s.pixels.Columns, s.pixels.Rows)
	if err != nil {
		return nil, err
	}
	if s.state != nil {
		o.Presentation = s.state.header
	}
	f, err := x.decode(s, n)
	if err != nil {
		return nil, unpicturable(err)
	}
	p, err := f.Render(s.header, n-1, o)
	if err != nil {
		return nil, unpicturable(err)
	}
	return annotate(p, s, n, l), nil
}

// encodePicture writes a picture in a rendered media type, with an ICC profile
// unless that is nil; GIF has none.
func encodePicture(w io.Writer, p image.Image, typ string, quality int, profile []byte) error {
	switch typ {
	case typePNG:
		return pixel.WritePNG(w, p, profile)
	case typeGIF:
		return gif.Encode(w, paletted(p), nil)
	}
	return pixel.WriteJPEG(w, p, quality, profile)
}

// greys are all shades of a picture of eight bits.
var greys = func() (p color.Palette) {
	for i := range 256 {
		p = append(p, color.Gray{Y: uint8(i)})
	}
	return p
}()

// paletted returns a grey picture with a palette that has all of its shades; the
// encoder finds one for others.
func paletted(p image.Image) image.Image {
	g, ok := p.(*image.Gray)
	if !ok {
		return p
	}
	return &image.Paletted{Pix: g.Pix, Stride: g.Stride, Rect: g.Rect, Palette: greys}
}

// animate writes the frames of an instance as an animated picture, as long as
// each is shown for.
func (x *exchange) animate(w io.Writer, s *subject, l *look) error {
	g := gif.GIF{}
	delay := 10 // hundredths of a second
	if ms, err := s.header.Float(dict.FrameTime); err == nil && ms > 0 && ms < 10000 {
		delay = max(int(ms/10+0.5), 2)
	}
	budget := int64(maxAnimated)
	for _, n := range s.frames {
		if err := x.ctx().Err(); err != nil {
			return err
		}
		p, err := x.picture(s, n, l)
		if err != nil {
			return err
		}
		b := p.Bounds()
		if budget -= int64(b.Dx()) * int64(b.Dy()); budget < 0 {
			return errTooManyPictures
		}
		frame, ok := paletted(p).(*image.Paletted)
		if !ok {
			frame = image.NewPaletted(b, webColours)
			draw.Draw(frame, b, p, b.Min, draw.Src)
		}
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, delay)
	}
	return gif.EncodeAll(w, &g)
}

// maxAnimated is how many pixels an animated picture has at most, over all frames.
const maxAnimated = 64 << 20

// webColours are six shades of each colour.
var webColours = func() (p color.Palette) {
	for i := range 216 {
		p = append(p, color.RGBA{uint8(i / 36 * 51), uint8(i / 6 % 6 * 51), uint8(i % 6 * 51), 255})
	}
	return p
}()
