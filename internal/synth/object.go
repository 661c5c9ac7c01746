package synth

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// Object is one instance. Its pixels, if it has any, are drawn frame by frame
// when it is written. An Object is for one goroutine.
type Object struct {
	// Header is the data set without the pixel data.
	Header          *dicom.DataSet
	Class, Instance dicom.UID
	pixels          *pixels
}

// pixels are native frames (PS3.5 section 8.1.1), little endian.
type pixels struct {
	frames  int
	size    int                         // of one frame, in bytes
	columns int                         // of one frame
	samples int                         // per pixel
	bytes   int                         // per sample, 1 or 2
	packed  bool                        // eight samples to a byte
	draw    func(frame int, dst []byte) // fills dst, which has the size of a frame
}

// repeat draws the first n frames once and repeats them.
func (p *pixels) repeat(n int) {
	draw, drawn := p.draw, make([][]byte, min(n, p.frames))
	p.draw = func(frame int, dst []byte) {
		k := frame % len(drawn)
		if drawn[k] == nil {
			drawn[k] = make([]byte, p.size)
			draw(k, drawn[k])
		}
		copy(dst, drawn[k])
	}
}

// Size returns the length of the native pixel data in bytes, without padding.
func (o *Object) Size() int64 {
	if o.pixels == nil {
		return 0
	}
	return int64(o.pixels.frames) * int64(o.pixels.size)
}

// DataSet returns the whole data set, with native pixel data.
func (o *Object) DataSet() *dicom.DataSet {
	if o.pixels == nil {
		return o.Header
	}
	ds := new(dicom.DataSet)
	for e := range o.Header.All() {
		ds.Put(*e)
	}
	data := make([]byte, o.Size()+o.Size()&1)
	for f := range o.pixels.frames {
		o.pixels.draw(f, data[f*o.pixels.size:(f+1)*o.pixels.size])
	}
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: o.pixels.vr(), Data: data})
	return ds
}

func (p *pixels) vr() dicom.VR {
	if p.bytes == 2 {
		return dicom.VROW
	}
	return dicom.VROB
}

// ErrTransferSyntax says that an object cannot be written in a transfer syntax.
var ErrTransferSyntax = errors.New("synthetic objects are written native, deflated or in RLE only")

// Write writes the data set in a transfer syntax that needs no codec but RLE.
// It holds one frame at a time.
func (o *Object) Write(w io.Writer, ts encoding.TransferSyntax) error {
	if ts.Encapsulated && (ts.UID != dict.UIDRLELossless || o.pixels == nil || o.pixels.packed) {
		return fmt.Errorf("transfer syntax %s: %w", ts.UID, ErrTransferSyntax)
	}
	if !ts.Deflated {
		return o.write(w, ts)
	}
	// PS3.5 section A.5: explicit VR little endian, deflated, padded to even length.
	count := &counter{w: w}
	z, err := flate.NewWriter(count, flate.DefaultCompression)
	if err != nil {
		return err
	}
	if err := o.write(z, encoding.ExplicitLE); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if count.n&1 == 1 {
		_, err = w.Write([]byte{0})
	}
	return err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (o *Object) write(w io.Writer, ts encoding.TransferSyntax) error {
	if err := encoding.Write(w, ts, o.Header); err != nil {
		return err
	}
	if o.pixels == nil {
		return nil
	}
	if ts.Encapsulated {
		return o.pixels.writeRLE(w)
	}
	return o.pixels.writeNative(w, ts)
}

func (p *pixels) writeNative(w io.Writer, ts encoding.TransferSyntax) error {
	length := int64(p.frames) * int64(p.size)
	vr := p.vr()
	if !ts.ExplicitVR {
		vr = 0
	}
	if _, err := w.Write(pixelHeader(vr, uint32(length+length&1), ts.BigEndian)); err != nil {
		return err
	}
	frame := make([]byte, p.size)
	for f := range p.frames {
		p.draw(f, frame)
		if ts.BigEndian && p.bytes == 2 {
			for i := 0; i+1 < len(frame); i += 2 {
				frame[i], frame[i+1] = frame[i+1], frame[i]
			}
		}
		if _, err := w.Write(frame); err != nil {
			return err
		}
	}
	if length&1 == 1 {
		_, err := w.Write([]byte{0})
		return err
	}
	return nil
}

// pixelHeader returns the element header of Pixel Data (7FE0,0010); with VR 0
// that of implicit VR.
func pixelHeader(vr dicom.VR, length uint32, bigEndian bool) []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	if bigEndian {
		order = binary.BigEndian
	}
	h := order.AppendUint16(nil, dict.PixelData.Group())
	h = order.AppendUint16(h, dict.PixelData.Element())
	if vr != 0 {
		h = append(h, byte(vr>>8), byte(vr), 0, 0)
	}
	return order.AppendUint32(h, length)
}

// WriteFile writes the object as a file (PS3.10 section 7) in a transfer syntax.
func (o *Object) WriteFile(path string, syntax dicom.UID) error {
	ts, ok := encoding.Lookup(syntax)
	if !ok {
		return fmt.Errorf("transfer syntax %s: %w", syntax, ErrTransferSyntax)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	if err = o.writePart10(w, ts); err == nil {
		err = w.Flush()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write synthetic object: %w", err)
	}
	return nil
}

// writePart10 writes what WriteFile puts into the file.
func (o *Object) writePart10(w io.Writer, ts encoding.TransferSyntax) error {
	if err := encoding.WriteMeta(w, encoding.NewMeta(o.Class, o.Instance, ts.UID)); err != nil {
		return err
	}
	return o.Write(w, ts)
}
