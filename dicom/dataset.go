package dicom

import (
	"fmt"
	"iter"
	"slices"
)

// Element is one data element (PS3.5 section 7.1). Exactly one of Data, Items,
// Fragments and Bulk holds its value; all are nil for an empty one.
type Element struct {
	Tag Tag
	VR  VR
	// Undefined says that the element's length was, and will be, written as
	// undefined (FFFFFFFFH): a sequence closed by a delimiter, or fragments.
	Undefined bool
	// AsUN says that the element was, and will be, written with VR UN in
	// explicit VR encodings, while VR is the one that the registry knows. Data is
	// then little endian in every transfer syntax and the items of a sequence
	// are in implicit VR little endian (PS3.5 section 6.2.2, note 2).
	AsUN bool
	// Data is the value as it was encoded, padding and all, in one piece.
	// Numbers are little endian whatever the transfer syntax was.
	Data []byte
	// Items is the value of a sequence.
	Items []Item
	// Fragments is encapsulated pixel data (PS3.5 section A.4). The first is
	// the Basic Offset Table, which may be empty.
	Fragments [][]byte
	// Bulk tells where a value lies that was left out of memory.
	Bulk *Bulk
}

// Item is one item of a sequence.
type Item struct {
	*DataSet
	// Undefined says that the item's length was, and will be, written as undefined.
	Undefined bool
}

// Bulk is a value left in the stream that the data set was read from.
type Bulk struct {
	Offset int64 // of the value's first byte, from the start of the (inflated) data set
	Length int64 // in bytes, of all that the element header announces up to the next element
}

// DataSet is an ordered set of elements (PS3.5 section 7). Its zero value is an
// empty one, and nil reads as one. It is not safe for writing while others use it.
type DataSet struct {
	elements []Element
	parent   *DataSet // the data set in one of whose items this is; for the character set
}

// Len returns the number of elements, not counting those within sequences.
func (d *DataSet) Len() int {
	if d == nil {
		return 0
	}
	return len(d.elements)
}

// All ranges over the elements in ascending order of tags. The pointers stay
// good until the data set is changed.
func (d *DataSet) All() iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		if d == nil {
			return
		}
		for i := range d.elements {
			if !yield(&d.elements[i]) {
				return
			}
		}
	}
}

// Get returns the element with tag t, nil if there is none.
func (d *DataSet) Get(t Tag) *Element {
	if d == nil {
		return nil
	}
	if i, ok := d.search(t); ok {
		return &d.elements[i]
	}
	return nil
}

// Has reports whether an element with tag t is present, empty or not.
func (d *DataSet) Has(t Tag) bool { return d.Get(t) != nil }

// Put adds e, or replaces the element with the same tag.
func (d *DataSet) Put(e Element) {
	d.adopt(&e)
	if n := len(d.elements); n == 0 || d.elements[n-1].Tag < e.Tag {
		d.elements = append(d.elements, e)
		return
	}
	i, ok := d.search(e.Tag)
	if ok {
		d.elements[i] = e
		return
	}
	d.elements = slices.Insert(d.elements, i, e)
}

// Append adds elements behind those that d has. It is for those who build a
// data set in order, and costs one allocation at most. Nothing is added if the
// tags do not ascend strictly.
func (d *DataSet) Append(elements ...Element) error {
	last, any := Tag(0), len(d.elements) > 0
	if any {
		last = d.elements[len(d.elements)-1].Tag
	}
	for i := range elements {
		if any && elements[i].Tag <= last {
			return fmt.Errorf("%v after %v: tags do not ascend", elements[i].Tag, last)
		}
		last, any = elements[i].Tag, true
	}
	if d.elements == nil {
		d.elements = make([]Element, 0, len(elements))
	}
	first := len(d.elements)
	d.elements = append(d.elements, elements...)
	for i := first; i < len(d.elements); i++ {
		if d.elements[i].Items != nil {
			d.adopt(&d.elements[i])
		}
	}
	return nil
}

// adopt makes d the parent of the items of e.
func (d *DataSet) adopt(e *Element) {
	for i := range e.Items {
		if e.Items[i].DataSet == nil {
			e.Items[i].DataSet = new(DataSet)
		}
		e.Items[i].parent = d
	}
}

// Parent returns the data set in one of whose items d is, nil if there is none.
func (d *DataSet) Parent() *DataSet { return d.parent }

// Clone returns a copy of d that shares nothing with it, not even the bytes of
// values. Bulk values stay where they are. The copy has no parent.
func (d *DataSet) Clone() *DataSet {
	if d == nil {
		return nil
	}
	c := &DataSet{elements: slices.Clone(d.elements)}
	for i := range c.elements {
		c.elements[i].detach()
		c.adopt(&c.elements[i])
	}
	return c
}

// detach replaces what e points to by copies.
func (e *Element) detach() {
	e.Data = slices.Clone(e.Data)
	e.Fragments = slices.Clone(e.Fragments)
	for i := range e.Fragments {
		e.Fragments[i] = slices.Clone(e.Fragments[i])
	}
	e.Items = slices.Clone(e.Items)
	for i := range e.Items {
		e.Items[i].DataSet = e.Items[i].DataSet.Clone()
	}
	if e.Bulk != nil {
		bulk := *e.Bulk
		e.Bulk = &bulk
	}
}

// Delete removes the element with tag t, if there is one.
func (d *DataSet) Delete(t Tag) {
	if i, ok := d.search(t); ok {
		d.elements = slices.Delete(d.elements, i, i+1)
	}
}

func (d *DataSet) search(t Tag) (int, bool) {
	low, high := 0, len(d.elements)
	for low < high {
		middle := int(uint(low+high) / 2)
		if d.elements[middle].Tag < t {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(d.elements) && d.elements[low].Tag == t
}
