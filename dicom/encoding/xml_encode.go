package encoding

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// AppendXML appends ds as a document of the native DICOM model (PS3.19 section
// A.1, PS3.18 section F.3) to dst and returns it. What is said of text, group
// lengths and values in AppendJSON holds here too, but that DS and IS are
// written as they are. An element of a private block is written with the number
// of the block as 00 and the name of its creator, unless that name has reserved
// an earlier block of the group or is missing: then the tag is written in full.
//
// On an error, which wraps ErrLimit, dst is returned as it was.
func AppendXML(dst []byte, ds *dicom.DataSet, o XMLOptions) ([]byte, error) {
	o.Limits = o.Limits.orDefault()
	e := xmlEncoder{dst: dst, o: &o}
	e.str(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	e.str(`<` + xmlRoot + ` xmlns="` + xmlNamespace + `" xml:space="preserve">`)
	if err := e.dataSet(ds); err != nil {
		return dst, err
	}
	e.str(`</` + xmlRoot + `>`)
	return e.dst, nil
}

type xmlEncoder struct {
	dst   []byte
	text  []byte // the value that is being decoded
	o     *XMLOptions
	at    Path
	count int // of elements and items
}

func (e *xmlEncoder) str(s string) { e.dst = append(e.dst, s...) }

func (e *xmlEncoder) counted(tag dicom.Tag) error {
	if e.count++; e.count > e.o.Limits.Elements {
		return limitError(-1, tag, "elements", int64(e.o.Limits.Elements))
	}
	return nil
}

func (e *xmlEncoder) dataSet(ds *dicom.DataSet) error {
	cs := ds.CharacterSet()
	var block privateBlock
	for el := range ds.All() {
		if el.Tag.IsGroupLength() {
			continue
		}
		if err := e.counted(el.Tag); err != nil {
			return err
		}
		if err := e.element(el, cs, block.creator(ds, el.Tag)); err != nil {
			return err
		}
	}
	return nil
}

// privateBlock remembers the creator of the block that elements are in.
type privateBlock struct {
	tag  dicom.Tag
	name string
}

// creator returns the name under which t is written with block number 00, "" if
// it is not.
func (p *privateBlock) creator(ds *dicom.DataSet, t dicom.Tag) string {
	at := t.Creator()
	if at == 0 {
		return ""
	}
	if p.tag == at {
		return p.name
	}
	p.tag, p.name = at, creatorName(ds, at)
	for earlier := at&0xFFFF0000 | 0x10; earlier < at && p.name != ""; earlier++ {
		if creatorName(ds, earlier) == p.name {
			p.name = ""
		}
	}
	return p.name
}

// creatorName returns the value of a private creator element, "" if it has none
// that can stand for it.
func creatorName(ds *dicom.DataSet, t dicom.Tag) string {
	el := ds.Get(t)
	if el == nil || el.VR != dicom.VRLO {
		return ""
	}
	names := ds.Strings(t)
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

func (e *xmlEncoder) element(el *dicom.Element, cs *dicom.CharacterSet, creator string) error {
	vr := modelVR(el)
	tag := el.Tag
	if creator != "" {
		tag &^= 0xFF00
	}
	e.str(`<` + xmlAttribute + ` tag="`)
	e.dst = appendHex(e.dst, tag)
	e.str(`" vr="`)
	e.dst = append(e.dst, byte(vr>>8), byte(vr), '"')
	if keyword := dict.Keyword(el.Tag); keyword != "" {
		e.str(` keyword="` + keyword + `"`)
	}
	if creator != "" {
		e.str(` privateCreator="`)
		e.dst = appendXMLText(e.dst, creator)
		e.str(`"`)
	}
	e.str(`>`)
	var err error
	if uri := e.o.bulkURI(e.at, el, vr); uri != "" {
		e.bulk(uri)
	} else if vr == dicom.VRSQ {
		err = e.sequence(el)
	} else if len(el.Data) > 0 || el.Tag == tagCharacterSet {
		e.value(el, vr, cs)
	}
	e.str(`</` + xmlAttribute + `>`)
	return err
}

func (e *xmlEncoder) bulk(uri string) {
	name := "uri"
	if uuid, ok := strings.CutPrefix(uri, uuidPrefix); ok {
		name, uri = "uuid", uuid
	}
	e.str(`<` + xmlBulk + ` ` + name + `="`)
	e.dst = appendXMLText(e.dst, strings.ToValidUTF8(uri, "\uFFFD"))
	e.str(`"/>`)
}

func (e *xmlEncoder) sequence(el *dicom.Element) error {
	if len(e.at) >= e.o.Limits.Depth {
		return limitError(-1, el.Tag, "nested sequences", int64(e.o.Limits.Depth))
	}
	for i, item := range el.Items {
		if err := e.counted(el.Tag); err != nil {
			return err
		}
		e.open(xmlItem, i)
		e.at = append(e.at, PathStep{el.Tag, i})
		err := e.dataSet(item.DataSet)
		e.at = e.at[:len(e.at)-1]
		if err != nil {
			return err
		}
		e.str(`</` + xmlItem + `>`)
	}
	return nil
}

// open begins the element of value i, which is counted from 1 there.
func (e *xmlEncoder) open(name string, i int) {
	e.str(`<` + name + ` number="`)
	e.dst = strconv.AppendInt(e.dst, int64(i+1), 10)
	e.str(`">`)
}

// value writes a value that is in memory.
func (e *xmlEncoder) value(el *dicom.Element, vr dicom.VR, cs *dicom.CharacterSet) {
	switch {
	case isBytes(vr):
		e.str(`<` + xmlInline + `>`)
		e.dst = base64.StdEncoding.AppendEncode(e.dst, el.Data)
		e.str(`</` + xmlInline + `>`)
	case el.Tag == tagCharacterSet:
		e.textValues([]byte(utf8Term), vr)
	case vr.IsText():
		e.text = cs.AppendDecode(e.text[:0], el.Data, vr)
		e.textValues(e.text, vr)
	default:
		e.numbers(el.Data, vr)
	}
}

func (e *xmlEncoder) numbers(b []byte, vr dicom.VR) {
	size := binarySize(vr)
	for i := 0; size > 0 && len(b) >= size; i++ {
		e.open(xmlValue, i)
		e.dst = appendBinaryNumber(e.dst, b, vr, false)
		e.str(`</` + xmlValue + `>`)
		b = b[size:]
	}
}

// textValues writes the values of decoded text, empty ones among others too.
func (e *xmlEncoder) textValues(text []byte, vr dicom.VR) {
	if len(trimPadding(text, vr)) == 0 {
		return
	}
	for i, more := 0, true; more; i++ {
		value := text
		more = false
		if vr.MultiValued() {
			value, text, more = bytes.Cut(text, []byte{'\\'})
		}
		value = trimPadding(value, vr)
		if vr == dicom.VRPN {
			e.personName(value, i)
			continue
		}
		e.open(xmlValue, i)
		e.dst = appendXMLText(e.dst, value)
		e.str(`</` + xmlValue + `>`)
	}
}

func (e *xmlEncoder) personName(name []byte, i int) {
	e.open(xmlName, i)
	for g, element := range xmlGroups {
		group := name
		if g < len(xmlGroups)-1 {
			group, name, _ = bytes.Cut(name, []byte{'='})
		}
		if group = bytes.TrimRight(group, "^ \x00"); len(group) == 0 {
			continue
		}
		e.str(`<` + element + `>`)
		for c, element := range xmlComponents {
			component := group
			if c < len(xmlComponents)-1 {
				component, group, _ = bytes.Cut(group, []byte{'^'})
			}
			if component = trimPadding(component, dicom.VRPN); len(component) == 0 {
				continue
			}
			e.str(`<` + element + `>`)
			e.dst = appendXMLText(e.dst, component)
			e.str(`</` + element + `>`)
		}
		e.str(`</` + element + `>`)
	}
	e.str(`</` + xmlName + `>`)
}
