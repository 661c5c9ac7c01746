package encoding

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// ParseXML reads a document of the native DICOM model (PS3.19 section A.1). A
// document type declaration is refused, and with it every entity but the five
// of XML itself; nothing is ever fetched. The encoding must be UTF-8. Elements
// that the model does not know are passed over, and any namespace is taken for
// its own. What ParseJSON says of character sets holds here too.
//
// A private element with block number 00 comes into the block that its creator
// has reserved in the same data set, or into a free one that is reserved for it.
//
// Errors are *Error and wrap ErrSyntax or ErrLimit.
func ParseXML(b []byte, o XMLOptions) (*dicom.DataSet, error) {
	o.Limits = o.Limits.orDefault()
	set(&o.MaxBytes, defaultMaxBytes)
	if int64(len(b)) > o.MaxBytes {
		return nil, limitError(0, 0, "bytes of XML", o.MaxBytes)
	}
	d := &xmlDecoder{x: xml.NewDecoder(bytes.NewReader(b)), modelBuilder: modelBuilder{o: &o}}
	root, err := d.next()
	if err != nil {
		return nil, err
	}
	start, ok := root.(xml.StartElement)
	if !ok || start.Name.Local != xmlRoot {
		return nil, d.fail(0, "no native DICOM model")
	}
	ds, err := d.dataSet()
	if err == nil {
		err = d.epilog()
	}
	if err != nil {
		return nil, err
	}
	d.finish(ds)
	return ds, nil
}

// epilog checks that nothing but space and comments follows.
func (d *xmlDecoder) epilog() error {
	for {
		token, err := d.x.Token()
		if err == io.EOF {
			return nil
		}
		text, isText := token.(xml.CharData)
		_, isComment := token.(xml.Comment)
		if err != nil || !isComment && !(isText && len(bytes.TrimSpace(text)) == 0) {
			return d.fail(0, "more behind the XML document")
		}
	}
}

type xmlDecoder struct {
	x *xml.Decoder
	modelBuilder
}

func (d *xmlDecoder) fail(tag dicom.Tag, what string) error {
	return syntaxError(d.x.InputOffset(), tag, what)
}

// next returns the next start or end of an element, passing over text, comments
// and processing instructions.
func (d *xmlDecoder) next() (xml.Token, error) {
	for {
		token, err := d.token()
		if err != nil {
			return nil, err
		}
		switch token.(type) {
		case xml.StartElement, xml.EndElement:
			return token, nil
		}
	}
}

// token returns the next token. Directives would be document type declarations.
func (d *xmlDecoder) token() (xml.Token, error) {
	token, err := d.x.Token()
	if err != nil {
		return nil, d.fail(0, "malformed XML")
	}
	if _, ok := token.(xml.Directive); ok {
		return nil, d.fail(0, "document type declaration in XML")
	}
	return token, nil
}

// skip passes over the element that has begun.
func (d *xmlDecoder) skip() error {
	for depth := 1; depth > 0; {
		token, err := d.next()
		if err != nil {
			return err
		}
		if _, ok := token.(xml.StartElement); ok {
			depth++
		} else {
			depth--
		}
	}
	return nil
}

// children calls f for the start of each element within the one that has begun,
// up to its end. f reads up to the end of the child.
func (d *xmlDecoder) children(f func(xml.StartElement) error) error {
	for {
		token, err := d.next()
		if err != nil {
			return err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			return nil
		}
		if err := f(start); err != nil {
			return err
		}
	}
}

func (d *xmlDecoder) dataSet() (*dicom.DataSet, error) {
	var elements []dicom.Element
	var private privateElements
	err := d.children(func(start xml.StartElement) error {
		if start.Name.Local != xmlAttribute {
			return d.skip()
		}
		tag, ok := parseHexTag([]byte(attribute(start, "tag")))
		if !ok {
			return d.fail(0, "DicomAttribute without tag")
		}
		if err := d.counted(d.x.InputOffset(), tag); err != nil {
			return err
		}
		e := dicom.Element{Tag: tag, VR: dict.VR(tag)}
		if vr := attribute(start, "vr"); vr != "" {
			if e.VR, ok = dicom.ParseVR(vr); !ok {
				return d.fail(tag, "unknown VR")
			}
		}
		if creator := attribute(start, "privateCreator"); creator != "" && tag.IsPrivate() && tag.Element() <= 0xFF {
			private = append(private, privateElement{len(elements), creator})
		}
		if err := d.element(&e); err != nil {
			return withTag(err, tag)
		}
		elements = append(elements, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if elements, err = private.place(elements); err != nil {
		return nil, d.fail(0, err.Error())
	}
	return d.assemble(elements, d.x.InputOffset())
}

func attribute(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

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
