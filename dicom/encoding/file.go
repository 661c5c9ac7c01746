package encoding

import (
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
)

// File is a DICOM file (PS3.10 chapter 7) open for reading.
type File struct {
	Meta           *dicom.DataSet
	TransferSyntax TransferSyntax
	src            *source
	decoder        *Decoder
	o              Options
}

// NewFile reads the File Meta Information that r begins with; see ReadMeta.
func NewFile(r io.Reader, o Options) (*File, error) { return newFile(newSource(r), o) }

// OpenBytes is NewFile for a file in memory. Values are parts of b wherever the
// encoding allows: b must not be changed after.
func OpenBytes(b []byte, o Options) (*File, error) {
	return newFile(&source{window: b, err: io.EOF}, o)
}

func newFile(src *source, o Options) (*File, error) {
	f := &File{src: src, o: o}
	var err error
	if f.Meta, f.TransferSyntax, err = readMeta(f.src); err != nil {
		return nil, err
	}
	f.src.base = -int64(f.src.pos) // offsets are those in the data set
	return f, nil
}

// Decoder returns the decoder for the data set, the same one at each call.
func (f *File) Decoder() *Decoder {
	if f.decoder == nil {
		f.decoder = newDecoder(f.src, f.TransferSyntax, f.o)
	}
	return f.decoder
}

// DataSet returns a reader of the data set as it is encoded. Use it or the
// Decoder, not both.
func (f *File) DataSet() io.Reader { return wholeReader{f.src} }

// ReadFile reads a whole DICOM file.
func ReadFile(r io.Reader, o Options) (meta, ds *dicom.DataSet, err error) {
	f, err := NewFile(r, o)
	if err != nil {
		return nil, nil, err
	}
	ds = new(dicom.DataSet)
	if err := f.Decoder().ReadAll(ds); err != nil {
		return f.Meta, nil, err
	}
	return f.Meta, ds, nil
}

// ParseFile reads the DICOM file that b holds. Values are parts of b wherever
// the encoding allows: b must not be changed after.
func ParseFile(b []byte, o Options) (meta, ds *dicom.DataSet, err error) {
	meta, ts, n, err := ParseMeta(b)
	if err != nil {
		return nil, nil, err
	}
	ds, err = Parse(b[n:], ts, o)
	return meta, ds, err
}

// ParseMeta is ReadMeta for a file in memory; the data set begins at b[n].
func ParseMeta(b []byte) (meta *dicom.DataSet, ts TransferSyntax, n int, err error) {
	in := source{window: b, err: io.EOF}
	meta, ts, err = readMeta(&in)
	return meta, ts, in.pos, err
}

// WriteFile writes a DICOM file: the File Meta Information, whose Transfer
// Syntax UID decides how the data set is written, and the data set.
func WriteFile(w io.Writer, meta, ds *dicom.DataSet) error {
	ts, ok := Lookup(metaTransferSyntax(meta))
	if !ok {
		return fmt.Errorf("%w: the File Meta Information names none of the registry", ErrTransferSyntax)
	}
	if err := WriteMeta(w, meta); err != nil {
		return err
	}
	return Write(w, ts, ds)
}
