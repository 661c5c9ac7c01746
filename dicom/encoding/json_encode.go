package encoding

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// AppendJSON appends ds as an object of the DICOM JSON model (PS3.18 section
// F.2) to dst and returns it. Text is UTF-8 whatever the data set's character
// set, which is ISO_IR 192 in the output wherever it is given at all; what
// cannot be decoded shows as U+FFFD. Group lengths are left out, as PS3.18
// section F.2.2 asks; private elements stay. Numbers keep the digits they have
// in DS and IS; those that are no JSON numbers are strings, as are NaN and the
// infinities of FL and FD.
//
// On an error, which wraps ErrLimit, dst is returned as it was.
func AppendJSON(dst []byte, ds *dicom.DataSet, o JSONOptions) ([]byte, error) {
	o.Limits = o.Limits.orDefault()
	e := jsonEncoder{dst: dst, o: &o}
	if err := e.dataSet(ds); err != nil {
		return dst, err
	}
	return e.dst, nil
}

type jsonEncoder struct {
	dst   []byte
	text  []byte // the value that is being decoded
	o     *JSONOptions
	at    Path
	count int // of elements and items
}

func (e *jsonEncoder) dataSet(ds *dicom.DataSet) error {
	e.dst = append(e.dst, '{')
	first := true
	var cs *dicom.CharacterSet
	for el := range ds.All() {
		if el.Tag.IsGroupLength() {
			continue
		}
		if e.count++; e.count > e.o.Limits.Elements {
			return limitError(-1, el.Tag, "elements", int64(e.o.Limits.Elements))
		}
		if cs == nil && el.VR.UsesCharacterSet() {
			cs = ds.CharacterSet()
		}
		if !first {
			e.dst = append(e.dst, ',')
		}
		first = false
		if err := e.element(el, cs); err != nil {
			return err
		}
	}
	e.dst = append(e.dst, '}')
	return nil
}

func (e *jsonEncoder) element(el *dicom.Element, cs *dicom.CharacterSet) error {
	vr := modelVR(el)
	e.dst = appendHex(append(e.dst, '"'), el.Tag)
	e.dst = append(e.dst, `":{"vr":"`...)
	e.dst = append(e.dst, byte(vr>>8), byte(vr), '"')
	var err error
	if uri := e.o.bulkURI(e.at, el, vr); uri != "" {
		e.dst = append(e.dst, `,"BulkDataURI":`...)
		e.dst = appendJSONString(e.dst, strings.ToValidUTF8(uri, "\uFFFD"))
	} else if vr == dicom.VRSQ {
		err = e.sequence(el)
	} else if len(el.Data) > 0 || el.Tag == tagCharacterSet {
		e.value(el, vr, cs)
	}
	e.dst = append(e.dst, '}')
	return err
}

func (e *jsonEncoder) sequence(el *dicom.Element) error {
	if len(el.Items) == 0 {
		return nil
	}
	if len(e.at) >= e.o.Limits.Depth {
		return limitError(-1, el.Tag, "nested sequences", int64(e.o.Limits.Depth))
	}
	e.dst = append(e.dst, `,"Value":[`...)
	for i, item := range el.Items {
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		if e.count++; e.count > e.o.Limits.Elements {
			return limitError(-1, el.Tag, "elements", int64(e.o.Limits.Elements))
		}
		e.at = append(e.at, PathStep{el.Tag, i})
		err := e.dataSet(item.DataSet)
		e.at = e.at[:len(e.at)-1]
		if err != nil {
			return err
		}
	}
	e.dst = append(e.dst, ']')
	return nil
}

// value writes a value that is in memory.
func (e *jsonEncoder) value(el *dicom.Element, vr dicom.VR, cs *dicom.CharacterSet) {
	switch {
	case isBytes(vr):
		e.dst = append(e.dst, `,"InlineBinary":"`...)
		e.dst = base64.StdEncoding.AppendEncode(e.dst, el.Data)
		e.dst = append(e.dst, '"')
	case el.Tag == tagCharacterSet:
		e.dst = append(e.dst, `,"Value":["`+utf8Term+`"]`...)
	case vr.IsText():
		if !vr.UsesCharacterSet() {
			cs = dicom.DefaultCharacterSet()
		}
		e.text = cs.AppendDecode(e.text[:0], el.Data, vr)
		e.textValues(e.text, vr)
	default:
		e.numbers(el.Data, vr)
	}
}

// textValues writes the values of decoded text; empty ones among others are null.
func (e *jsonEncoder) textValues(text []byte, vr dicom.VR) {
	if len(trimPadding(text, vr)) == 0 {
		return
	}
	e.dst = append(e.dst, `,"Value":[`...)
	for more := true; more; {
		value := text
		more = false
		if vr.MultiValued() {
			value, text, more = bytes.Cut(text, []byte{'\\'})
		}
		value = trimPadding(value, vr)
		switch {
		case len(value) == 0:
			e.dst = append(e.dst, "null"...)
		case vr == dicom.VRPN:
			e.personName(value)
		case vr == dicom.VRDS || vr == dicom.VRIS:
			e.decimal(value)
		default:
			e.dst = appendJSONString(e.dst, value)
		}
		if more {
			e.dst = append(e.dst, ',')
		}
	}
	e.dst = append(e.dst, ']')
}

// personName writes the component groups that are there (PS3.18 section F.2.2,
// table F.2.3-1). What follows a third = stays in the third group, so that
// nothing is lost.
func (e *jsonEncoder) personName(name []byte) {
	empty := true
	start := len(e.dst)
	e.dst = append(e.dst, '{')
	for i, key := range [...]string{`"Alphabetic":`, `"Ideographic":`, `"Phonetic":`} {
		group := name
		if i < 2 {
			group, name, _ = bytes.Cut(name, []byte{'='})
		}
		group = trimPadding(group, dicom.VRPN)
		if len(group) == 0 {
			continue
		}
		if !empty {
			e.dst = append(e.dst, ',')
		}
		empty = false
		e.dst = appendJSONString(append(e.dst, key...), group)
	}
	e.dst = append(e.dst, '}')
	if empty {
		e.dst = append(e.dst[:start], "null"...)
	}
}

// jsonSafe tells which bytes stand for themselves in a JSON string.
var jsonSafe = func() (safe [256]bool) {
	for c := 0x20; c < 256; c++ {
		safe[c] = c != '"' && c != '\\'
	}
	return safe
}()

// appendJSONString appends s, which must be valid UTF-8, in quotation marks.
func appendJSONString[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if jsonSafe[c] {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			const digits = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&0xF])
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
