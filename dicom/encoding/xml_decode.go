package encoding

import (
	"bytes"
	"encoding/xml"
	"io"

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
