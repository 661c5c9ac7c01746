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
	if d.stack == nil {
		s := stacks.Get().(*[]dicom.Element)
		d.stack = *s
		defer func() {
			*s, d.stack = d.stack, nil
			if cap(*s) <= 4*largeStack {
				stacks.Put(s)
			}
		}()
	}
	bottom := len(d.stack)
	for err == nil {
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
		if err = d.push(); err == nil && len(d.stack)-bottom >= largeStack {
			err = d.unload(ds, bottom)
		}
	}
	if unloadErr := d.unload(ds, bottom); err == nil {
		err = unloadErr
	}
	return more, err
}

// unload moves the elements on the stack from bottom on to ds.
func (d *Decoder) unload(ds *dicom.DataSet, bottom int) error {
	err := ds.Append(d.stack[bottom:]...)
	clear(d.stack[bottom:])
	d.stack = d.stack[:bottom]
	if err != nil {
		return &Error{d.src.offset(), d.head.Tag, err}
	}
	return nil
}

// push reads the current element onto the stack.
func (d *Decoder) push() error {
	if d.rest == restSequence { // its items use the stack meanwhile
		var e dicom.Element
		if err := d.value(&e); err != nil {
			return err
		}
		d.stack = append(d.stack, e)
		return nil
	}
	top := len(d.stack)
	if top < cap(d.stack) {
		d.stack = d.stack[:top+1] // what lies above the stack is zero
	} else {
		d.stack = append(d.stack, dicom.Element{})
	}
	if err := d.value(&d.stack[top]); err != nil {
		d.stack[top] = dicom.Element{}
		d.stack = d.stack[:top]
		return err
	}
	return nil
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
	*d = Decoder{levels: d.levels[:0]}
	decoders.Put(d)
}

// stacks are at rest, empty, between reads of whole data sets.
var stacks = sync.Pool{New: func() any {
	s := make([]dicom.Element, 0, 256)
	return &s
}}

// largeStack is how many elements of one data set are collected at most before
// they go to it; few data sets have as many.
const largeStack = 1024
