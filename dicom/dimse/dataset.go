package dimse

import (
	"io"

	"github.com/tresor-pacs/tresor/dicom/ul"
)

// dataSet is the data set of a message: an io.Reader and io.WriterTo that asks
// for its first fragment when it is first used.
type dataSet struct {
	e    *endpoint
	id   uint8
	part *ul.Part
	err  error
}

// open waits for the first fragment.
func (d *dataSet) open() error {
	if d.part != nil || d.err != nil {
		return d.err
	}
	p, err := d.e.a.NextPart()
	switch {
	case err == ul.ErrReleased:
		err = d.e.protocolError(errNoDataSet)
	case err != nil:
	case p.Command:
		err = d.e.protocolError(errNoDataSet)
	case p.ContextID != d.id:
		err = d.e.protocolError(errForeign)
	}
	if err != nil {
		d.err = err
		return err
	}
	d.part = p
	return nil
}

// Read reads from the data set.
func (d *dataSet) Read(b []byte) (int, error) {
	if err := d.open(); err != nil {
		return 0, err
	}
	return d.part.Read(b)
}

// WriteTo passes on what comes from the network without a copy.
func (d *dataSet) WriteTo(w io.Writer) (int64, error) {
	if err := d.open(); err != nil {
		return 0, err
	}
	return d.part.WriteTo(w)
}

// drain reads what is left and forgets it, and lets nobody read any more.
func (d *dataSet) drain() error {
	if d == nil {
		return nil
	}
	if err := d.open(); err != nil {
		if err == io.EOF {
			return nil
		}
		return err
	}
	if _, err := d.part.WriteTo(io.Discard); err != nil {
		d.err = err
		return err
	}
	d.part, d.err = nil, io.EOF
	return nil
}
