package encoding

import (
	"compress/flate"
	"io"
)

// deflater deflates a data set and pads it to even length (PS3.5 section A.5).
type deflater struct {
	*flate.Writer
	out *evenWriter
}

// evenWriter remembers whether the number of bytes written is odd.
type evenWriter struct {
	w   io.Writer
	odd bool
}

func (e *evenWriter) Write(p []byte) (int, error) {
	n, err := e.w.Write(p)
	e.odd = e.odd != (n%2 == 1)
	return n, err
}

func newDeflater(w io.Writer) *deflater {
	out := &evenWriter{w: w}
	packer, _ := flate.NewWriter(out, flate.DefaultCompression) // the level is valid
	return &deflater{packer, out}
}

func (d *deflater) Close() error {
	if err := d.Writer.Close(); err != nil || !d.out.odd {
		return err
	}
	_, err := d.out.Write([]byte{0})
	return err
}
