package archive

import (
	"context"
	"io"
)

// metered is an Object whose bytes count towards the budget of the session that
// reads it. Once that is passed, every read fails: a transfer under way ends.
type metered struct {
	Object
	length  int64
	ctx     context.Context
	session *Session
}

// spend counts n bytes; its error is ErrPaused.
func (m *metered) spend(n int64) error {
	why, alarm := m.session.archive.guard.Send(m.session.principal, n)
	return m.session.paused(m.ctx, why, alarm)
}

// ReadAt implements io.ReaderAt.
func (m *metered) ReadAt(b []byte, off int64) (int, error) {
	n, err := m.Object.ReadAt(b, off)
	if paused := m.spend(int64(n)); paused != nil {
		return 0, paused
	}
	return n, err
}

// WriteTo implements io.WriterTo.
func (m *metered) WriteTo(w io.Writer) (int64, error) {
	return copyObject(&meteredWriter{w, m}, m.Object)
}

// NewReader returns the fastest reader over the whole object.
func (m *metered) NewReader() io.Reader { return m.NewRangeReader(0, m.length) }

// NewRangeReader returns the fastest reader of n bytes at off.
func (m *metered) NewRangeReader(off, n int64) io.ReadCloser {
	if r, ok := m.Object.(interface {
		NewRangeReader(off, n int64) io.ReadCloser
	}); ok {
		return &meteredReader{r.NewRangeReader(off, n), m}
	}
	return &meteredReader{io.NopCloser(io.NewSectionReader(m.Object, off, n)), m}
}

type meteredReader struct {
	io.ReadCloser
	m *metered
}

// Read implements io.Reader.
func (r *meteredReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	if paused := r.m.spend(int64(n)); paused != nil {
		return 0, paused
	}
	return n, err
}

// WriteTo implements io.WriterTo, in the reader's own way if it has one.
func (r *meteredReader) WriteTo(w io.Writer) (int64, error) {
	if from, ok := r.ReadCloser.(io.WriterTo); ok {
		return from.WriteTo(&meteredWriter{w, r.m})
	}
	return io.Copy(w, struct{ io.Reader }{r})
}

// meteredWriter counts before it passes on.
type meteredWriter struct {
	io.Writer
	m *metered
}

// Write implements io.Writer.
func (w *meteredWriter) Write(b []byte) (int, error) {
	if err := w.m.spend(int64(len(b))); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}
