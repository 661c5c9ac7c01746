package encoding

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
)

// File is a DICOM file (PS3.10 chapter 7) open for reading.
type File struct {
	Meta           *dicom.DataSet
	TransferSyntax TransferSyntax
	// DataSet has the data set as it is encoded, from its first byte on. Read
	// it or use the Decoder, not both.
	DataSet *bufio.Reader
	decoder *Decoder
	o       Options
}

// NewFile reads the File Meta Information that r begins with; see ReadMeta.
func NewFile(r io.Reader, o Options) (*File, error) {
	b := bufio.NewReaderSize(r, 32<<10)
	meta, ts, err := ReadMeta(b)
	if err != nil {
		return nil, err
	}
	return &File{Meta: meta, TransferSyntax: ts, DataSet: b, o: o}, nil
}

// Decoder returns the decoder for the data set, the same one at each call.
func (f *File) Decoder() *Decoder {
	if f.decoder == nil {
		f.decoder = NewDecoder(f.DataSet, f.TransferSyntax, f.o)
	}
	return f.decoder
}

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
	in := bytes.NewReader(b)
	r := bufio.NewReaderSize(in, 1024)
	meta, ts, err = ReadMeta(r)
	return meta, ts, len(b) - in.Len() - r.Buffered(), err
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
