package encoding

import (
	"bytes"
	"io"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
)

// ReadUntil appends to ds all elements with a tag below stop and leaves the
// rest in the stream, so that it can be called again. more tells whether there
// is a rest. What was read before an error is in ds.
func (d *Decoder) ReadUntil(ds *dicom.DataSet, stop dicom.Tag) (more bool, err error) {
	return d.read(ds, stop, false)
}

// ReadAll appends to ds all elements up to the end of the stream. What was read
// before an error is in ds.
func (d *Decoder) ReadAll(ds *dicom.DataSet) error {
	_, err := d.read(ds, 0, true)
	return err
}

// readSet reads all elements of the current level into ds.
func (d *Decoder) readSet(ds *dicom.DataSet) error {
	_, err := d.read(ds, 0, true)
	return err
}

// read collects elements on a stack that nested data sets share, so that ds
// gets a list of just the right size.
func (d *Decoder) read(ds *dicom.DataSet, stop dicom.Tag, all bool) (more bool, err error) {
	bottom := len(d.stack)
	for {
		ok, nextErr := d.next()
		if nextErr != nil || !ok {
			err = nextErr
			break
		}
		if !all && d.head.Tag >= stop {
			d.rest = restHeader
			more = true
			break
		}
		var e dicom.Element
		if err = d.value(&e); err != nil {
			break
		}
		d.stack = append(d.stack, e)
	}
	if appendErr := ds.Append(d.stack[bottom:]...); appendErr != nil && err == nil {
		err = &Error{d.src.offset(), d.head.Tag, appendErr}
	}
	clear(d.stack[bottom:])
	d.stack = d.stack[:bottom]
	return more, err
}

// decoders are at rest between calls of Parse.
var decoders = sync.Pool{New: func() any { return new(Decoder) }}

// Parse reads the data set that b holds. The values of the result are parts of
// b wherever the encoding allows: b must not be changed after.
func Parse(b []byte, ts TransferSyntax, o Options) (*dicom.DataSet, error) {
	ds := new(dicom.DataSet)
	if ts.Deflated {
		if err := NewDecoder(bytes.NewReader(b), ts, o).ReadAll(ds); err != nil {
			return nil, err
		}
		return ds, nil
	}
	d := decoders.Get().(*Decoder)
	defer d.release()
	d.reset(ts, o)
	d.src.window, d.src.err = b, io.EOF
	d.levels[0].limit = int64(len(b))
	if err := d.ReadAll(ds); err != nil {
		return nil, err
	}
	return ds, nil
}

// release puts d to rest, without anything of the data set that it read.
func (d *Decoder) release() {
	if cap(d.stack) > 4096 {
		d.stack = nil
	}
	*d = Decoder{stack: d.stack[:0], levels: d.levels[:0]}
	decoders.Put(d)
}
