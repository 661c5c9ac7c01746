package encoding

import (
	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// ParseJSON reads one object of the DICOM JSON model (PS3.18 section F.2). Text
// is UTF-8 there: where Specific Character Set is given, and where text needs
// it, it becomes ISO_IR 192. Beyond the standard it takes members in any order,
// a missing vr (that of the registry is used), numbers and strings for each
// other, PN values that are plain strings, null for no value, and members that
// it does not know. Group lengths are left out.
//
// Errors are *Error and wrap ErrSyntax or ErrLimit.
func ParseJSON(b []byte, o JSONOptions) (*dicom.DataSet, error) {
	d, err := newJSONDecoder(b, o)
	if err != nil {
		return nil, err
	}
	ds, err := d.root()
	if err == nil && d.next() != 0 {
		err = d.fail(0, "more behind the JSON object")
	}
	if err != nil {
		return nil, err
	}
	return ds, nil
}

// ParseJSONArray reads an array of such objects, the payload of DICOMweb
// (PS3.18 section F.2.1). A single object counts as an array of one. Limits
// hold for all of them together.
func ParseJSONArray(b []byte, o JSONOptions) ([]*dicom.DataSet, error) {
	d, err := newJSONDecoder(b, o)
	if err != nil {
		return nil, err
	}
	if d.next() == '{' {
		ds, err := ParseJSON(b, o)
		if err != nil {
			return nil, err
		}
		return []*dicom.DataSet{ds}, nil
	}
	if !d.take('[') {
		return nil, d.fail(0, "neither array nor object in JSON")
	}
	sets := []*dicom.DataSet{}
	for {
		more, err := d.more(len(sets), ']')
		if err == nil && !more && d.next() != 0 {
			err = d.fail(0, "more behind the JSON array")
		}
		if err != nil {
			return nil, err
		}
		if !more {
			return sets, nil
		}
		ds, err := d.root()
		if err != nil {
			return nil, err
		}
		sets = append(sets, ds)
	}
}

func newJSONDecoder(b []byte, o JSONOptions) (*jsonDecoder, error) {
	o.Limits = o.Limits.orDefault()
	set(&o.MaxBytes, defaultMaxBytes)
	if int64(len(b)) > o.MaxBytes {
		return nil, limitError(0, 0, "bytes of JSON", o.MaxBytes)
	}
	return &jsonDecoder{jsonScanner: jsonScanner{b: b}, modelBuilder: modelBuilder{o: &o}}, nil
}

type jsonDecoder struct {
	jsonScanner
	modelBuilder
	name  []byte          // of the member that is being read
	stack []dicom.Element // of the data sets that are being read, innermost last
}

// root reads a data set that is no item.
func (d *jsonDecoder) root() (*dicom.DataSet, error) {
	d.foreign = false
	ds, err := d.dataSet()
	if err != nil {
		return nil, err
	}
	d.finish(ds)
	return ds, nil
}

func (d *jsonDecoder) dataSet() (*dicom.DataSet, error) {
	if !d.take('{') {
		return nil, d.fail(0, "no JSON object")
	}
	base := len(d.stack)
	for n := 0; ; n++ {
		more, err := d.more(n, '}')
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if d.name, err = d.key(d.name[:0]); err != nil {
			return nil, err
		}
		tag, ok := parseHexTag(d.name)
		if !ok {
			return nil, d.fail(0, "member name that is no tag in JSON")
		}
		if err := d.counted(int64(d.pos), tag); err != nil {
			return nil, err
		}
		e := dicom.Element{Tag: tag}
		if err := d.element(&e); err != nil {
			return nil, withTag(err, tag)
		}
		d.stack = append(d.stack, e)
	}
	ds, err := d.assemble(d.stack[base:], int64(d.pos))
	clear(d.stack[base:])
	d.stack = d.stack[:base]
	return ds, err
}

// withTag gives an error the tag of the element that it belongs to.
func withTag(err error, tag dicom.Tag) error {
	if e, ok := err.(*Error); ok && e.Tag == 0 {
		e.Tag = tag
	}
	return err
}

// The members of an element that hold its value.
const (
	memberValue  = "Value"
	memberInline = "InlineBinary"
	memberURI    = "BulkDataURI"
)

// memberName returns name without allocating if it is one that matters.
func memberName(name []byte) string {
	switch string(name) {
	case "vr":
		return "vr"
	case memberValue:
		return memberValue
	case memberInline:
		return memberInline
	case memberURI:
		return memberURI
	}
	return ""
}

// heldValue is the member of an element that holds its value.
type heldValue struct {
	name string // "" until it comes
	pos  int    // where the value is if it came before the VR, else -1
}

// element reads the object of an element. A value that comes before its VR is
// passed over and read afterwards.
func (d *jsonDecoder) element(e *dicom.Element) error {
	if !d.take('{') {
		return d.fail(e.Tag, "element that is no JSON object")
	}
	held := heldValue{pos: -1}
	for n := 0; ; n++ {
		more, err := d.more(n, '}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if d.name, err = d.key(d.name[:0]); err == nil {
			err = d.elementMember(e, &held)
		}
		if err != nil {
			return err
		}
	}
	if e.VR == 0 {
		e.VR = dict.VR(e.Tag)
	}
	if held.pos < 0 {
		return nil
	}
	end := d.pos
	d.pos = held.pos
	err := d.member(e, held.name)
	d.pos = end
	return err
}

// elementMember reads the member of an element that is called d.name.
func (d *jsonDecoder) elementMember(e *dicom.Element, held *heldValue) error {
	name := memberName(d.name)
	switch {
	case name == "vr":
		return d.vr(e)
	case name == "":
		return d.skip()
	case held.name != "":
		return d.fail(e.Tag, "more than one value member")
	}
	held.name = name
	if e.VR != 0 {
		return d.member(e, name)
	}
	d.next()
	held.pos = d.pos
	return d.skip()
}

func (d *jsonDecoder) vr(e *dicom.Element) error {
	if d.next() != '"' {
		return d.fail(e.Tag, "vr that is no string")
	}
	var err error
	if d.name, err = d.appendString(d.name[:0]); err != nil {
		return err
	}
	vr, ok := dicom.ParseVR(string(d.name))
	if !ok {
		return d.fail(e.Tag, "unknown VR")
	}
	e.VR = vr
	return nil
}

// parseHexTag reads the eight digits of a member name.
func parseHexTag(name []byte) (dicom.Tag, bool) {
	if len(name) != 8 {
		return 0, false
	}
	var t dicom.Tag
	for _, c := range name {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		t = t<<4 | dicom.Tag(c)
	}
	return t, true
}
