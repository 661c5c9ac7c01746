package encoding

import (
	"bytes"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
)

// member reads the value of e.
func (d *jsonDecoder) member(e *dicom.Element, member string) error {
	if d.word("null") {
		return nil
	}
	switch member {
	case memberInline:
		return d.inline(e)
	case memberURI:
		return d.uri(e)
	}
	if !d.take('[') {
		return d.fail(e.Tag, "Value that is no array")
	}
	if e.VR == dicom.VRSQ {
		return d.items(e)
	}
	d.begin()
	for n := 0; ; n++ {
		more, err := d.more(n, ']')
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := d.single(e); err != nil {
			return err
		}
	}
	return d.end(e, int64(d.pos))
}

func (d *jsonDecoder) items(e *dicom.Element) error {
	if len(d.at) >= d.o.Limits.Depth {
		return limitError(int64(d.pos), e.Tag, "nested sequences", int64(d.o.Limits.Depth))
	}
	for n := 0; ; n++ {
		more, err := d.more(n, ']')
		if err != nil || !more {
			return err
		}
		if err := d.counted(int64(d.pos), e.Tag); err != nil {
			return err
		}
		item := new(dicom.DataSet)
		if !d.word("null") {
			d.at = append(d.at, PathStep{e.Tag, n})
			item, err = d.dataSet()
			d.at = d.at[:len(d.at)-1]
			if err != nil {
				return err
			}
		}
		e.Items = append(e.Items, dicom.Item{DataSet: item})
	}
}

// single reads one value of an array.
func (d *jsonDecoder) single(e *dicom.Element) error {
	var err error
	switch c := d.next(); {
	case c == '"':
		d.value, err = d.appendString(d.value[:0])
	case c == '-' || c >= '0' && c <= '9':
		var token []byte
		token, err = d.number()
		d.value = append(d.value[:0], token...)
	case c == '{' && e.VR == dicom.VRPN:
		err = d.personName()
	case d.word("null"):
		d.value = d.value[:0]
	default:
		return d.fail(e.Tag, "value of a wrong kind in JSON")
	}
	if err != nil {
		return err
	}
	return d.add(e, d.value, int64(d.pos))
}

// personName reads the object of a name into d.value.
func (d *jsonDecoder) personName() error {
	d.pos++
	var groups [3][]byte
	for n := 0; ; n++ {
		more, err := d.more(n, '}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if d.name, err = d.key(d.name[:0]); err != nil {
			return err
		}
		i := slices.Index([]string{"Alphabetic", "Ideographic", "Phonetic"}, string(d.name))
		switch {
		case i >= 0 && d.next() == '"':
			if groups[i], err = d.appendString(nil); err != nil {
				return err
			}
		case i >= 0 && d.word("null"):
		default:
			if err := d.skip(); err != nil {
				return err
			}
		}
	}
	joined := bytes.Join(groups[:], []byte{'='})
	d.value = append(d.value[:0], bytes.TrimRight(joined, "=")...)
	return nil
}

func (d *jsonDecoder) inline(e *dicom.Element) error {
	if d.next() != '"' {
		return d.fail(e.Tag, "InlineBinary that is no string")
	}
	text, err := d.appendString(d.value[:0])
	if err != nil {
		return err
	}
	d.value = text
	return d.setBase64(e, text, int64(d.pos))
}

func (d *jsonDecoder) uri(e *dicom.Element) error {
	if d.next() != '"' {
		return d.fail(e.Tag, "BulkDataURI that is no string")
	}
	text, err := d.appendString(d.value[:0])
	if err != nil {
		return err
	}
	d.value = text
	return d.resolve(e, string(text))
}
