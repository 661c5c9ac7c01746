package encoding

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// element reads what is within a DicomAttribute. All of it must be of one kind.
func (d *xmlDecoder) element(e *dicom.Element) error {
	kind := ""
	d.begin()
	err := d.children(func(start xml.StartElement) error {
		name := start.Name.Local
		if !slices.Contains([]string{xmlValue, xmlName, xmlItem, xmlBulk, xmlInline}, name) {
			return d.skip()
		}
		single := name == xmlBulk || name == xmlInline
		if kind != "" && (kind != name || single) ||
			(e.VR == dicom.VRSQ) != (name == xmlItem) && name != xmlBulk {
			return d.fail(e.Tag, name+" where none may be")
		}
		kind = name
		return d.content(e, start)
	})
	if err != nil || kind != xmlValue && kind != xmlName {
		return err
	}
	return d.end(e, d.x.InputOffset())
}

// content reads one of the elements that hold values.
func (d *xmlDecoder) content(e *dicom.Element, start xml.StartElement) error {
	switch start.Name.Local {
	case xmlItem:
		return d.item(e)
	case xmlBulk:
		uri := attribute(start, "uri")
		if uuid := attribute(start, "uuid"); uri == "" && uuid != "" {
			uri = uuidPrefix + uuid
		}
		if err := d.skip(); err != nil {
			return err
		}
		return d.resolve(e, uri)
	case xmlInline:
		text, err := d.text()
		if err != nil {
			return err
		}
		return d.setBase64(e, text, d.x.InputOffset())
	}
	if err := d.fill(e, attribute(start, "number")); err != nil {
		return err
	}
	read := d.text
	if start.Name.Local == xmlName {
		read = d.personName
	}
	value, err := read()
	if err != nil {
		return err
	}
	if !e.VR.IsText() {
		value = bytes.TrimSpace(value)
	}
	return d.add(e, value, d.x.InputOffset())
}

// fill adds the empty values that are missing before the given number. Each
// counts as an element, so that numbers cannot ask for much memory.
func (d *xmlDecoder) fill(e *dicom.Element, number string) error {
	if number == "" {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n <= d.values {
		return d.fail(e.Tag, "bad number of a value")
	}
	for d.values < n-1 {
		if err := d.counted(d.x.InputOffset(), e.Tag); err != nil {
			return err
		}
		if err := d.add(e, nil, d.x.InputOffset()); err != nil {
			return err
		}
	}
	return nil
}

func (d *xmlDecoder) item(e *dicom.Element) error {
	if len(d.at) >= d.o.Limits.Depth {
		return limitError(d.x.InputOffset(), e.Tag, "nested sequences", int64(d.o.Limits.Depth))
	}
	if err := d.counted(d.x.InputOffset(), e.Tag); err != nil {
		return err
	}
	d.at = append(d.at, PathStep{e.Tag, len(e.Items)})
	ds, err := d.dataSet()
	d.at = d.at[:len(d.at)-1]
	if err != nil {
		return err
	}
	e.Items = append(e.Items, dicom.Item{DataSet: ds})
	return nil
}

// text reads the character data up to the end of the element that has begun.
func (d *xmlDecoder) text() ([]byte, error) {
	d.value = d.value[:0]
	for {
		token, err := d.token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.CharData:
			d.value = append(d.value, token...)
		case xml.StartElement:
			if err := d.skip(); err != nil {
				return nil, err
			}
		case xml.EndElement:
			return d.value, nil
		}
	}
}

// personName reads the component groups of a name.
func (d *xmlDecoder) personName() ([]byte, error) {
	var groups [len(xmlGroups)]string
	err := d.children(func(start xml.StartElement) error {
		g := slices.Index(xmlGroups[:], start.Name.Local)
		if g < 0 {
			return d.skip()
		}
		var components [len(xmlComponents)]string
		err := d.children(func(start xml.StartElement) error {
			c := slices.Index(xmlComponents[:], start.Name.Local)
			if c < 0 {
				return d.skip()
			}
			text, err := d.text()
			components[c] = string(text)
			return err
		})
		groups[g] = strings.TrimRight(strings.Join(components[:], "^"), "^")
		return err
	})
	if err != nil {
		return nil, err
	}
	return []byte(strings.TrimRight(strings.Join(groups[:], "="), "=")), nil
}
