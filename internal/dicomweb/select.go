package dicomweb

import (
	"compress/flate"
	"io"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// query names the resource of the path by its unique keys.
func (x *exchange) query() archive.Query {
	keys := new(dicom.DataSet)
	for _, k := range []struct {
		name string
		tag  dicom.Tag
	}{{"study", dict.StudyInstanceUID}, {"series", dict.SeriesInstanceUID}, {"instance", dict.SOPInstanceUID}} {
		if uid := x.path[k.name]; uid != "" {
			keys.PutUID(k.tag, dicom.UID(uid))
		}
	}
	return archive.Query{Level: x.level(), Keys: keys}
}

// retrieve selects the instances of the resource, which are going to be
// transferred. None is an error.
func (x *exchange) retrieve() (*archive.Retrieval, error) {
	return nonEmpty(x.session.Retrieve(x.ctx(), x.query()))
}

// access selects the instances of the resource, of which a part is going to be
// looked at. None is an error.
func (x *exchange) access() (*archive.Retrieval, error) {
	return nonEmpty(x.session.Access(x.ctx(), x.query()))
}

func nonEmpty(r *archive.Retrieval, err error) (*archive.Retrieval, error) {
	if err == nil && len(r.Entries) == 0 {
		return nil, errNotFound
	}
	return r, err
}

// stored is an instance open for reading.
type stored struct {
	archive.Object
	entry  *archive.Entry
	syntax encoding.TransferSyntax
}

func (x *exchange) open(r *archive.Retrieval, e *archive.Entry) (*stored, error) {
	o, err := r.Open(x.ctx(), e)
	if err != nil {
		return nil, err
	}
	ts, ok := encoding.Lookup(e.TransferSyntax)
	if !ok {
		o.Close()
		return nil, encoding.ErrTransferSyntax
	}
	return &stored{o, e, ts}, nil
}

// read returns a reader of n bytes at off of the data set, inflated where it is
// deflated: then the bytes before have to be passed over. How far it inflates was
// bounded when it was taken in.
func (s *stored) read(off, n int64) (io.ReadCloser, error) {
	if !s.syntax.Deflated {
		return s.raw(off, n), nil
	}
	inflated := flate.NewReader(s.raw(0, s.entry.Length))
	if _, err := io.CopyN(io.Discard, inflated, off); err != nil {
		inflated.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(inflated, n), inflated}, nil
}

// raw returns the fastest reader of n bytes at off.
func (s *stored) raw(off, n int64) io.ReadCloser {
	if r, ok := s.Object.(interface {
		NewRangeReader(off, n int64) io.ReadCloser
	}); ok {
		return r.NewRangeReader(off, n)
	}
	return io.NopCloser(io.NewSectionReader(s.Object, off, n))
}

// header returns the data set without its bulk values, whose places it has.
func (s *stored) header() (*dicom.DataSet, error) {
	return encoding.ParseJSON(s.Meta().Summary, encoding.JSONOptions{ResolveURI: resolveSummary})
}

// resolveSummary reads the reference of a bulk value in archive.Meta.Summary.
func resolveSummary(_ encoding.Path, e *dicom.Element, uri string) error {
	off, n, ok := parsePlace(uri)
	if ok {
		e.Bulk = &dicom.Bulk{Offset: off, Length: n}
	}
	return nil
}

// parsePlace reads OFFSET/LENGTH.
func parsePlace(s string) (off, n int64, ok bool) {
	a, b, ok := strings.Cut(s, "/")
	if !ok {
		return 0, 0, false
	}
	off, err := strconv.ParseInt(a, 10, 64)
	n, err2 := strconv.ParseInt(b, 10, 64)
	return off, n, err == nil && err2 == nil && off >= 0 && n >= 0
}
