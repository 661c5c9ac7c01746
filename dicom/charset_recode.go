package dicom

import "strings"

// Recode encodes all text of d, in its sequences too, in the character set to,
// and makes Specific Character Set say so: that of d; those of items go. An
// archive that keeps UTF-8 answers in the set of a device with it. Recode
// returns how many characters to cannot represent: they became question marks.
// Bulk values stay as they are.
func (d *DataSet) Recode(to *CharacterSet) (lost int) {
	lost = d.recodeText(to)
	if len(to.terms) == 0 {
		d.Delete(tagSpecificCharacterSet)
		return lost
	}
	terms := Pad([]byte(strings.Join(to.terms, `\`)), VRCS)
	d.Put(Element{Tag: tagSpecificCharacterSet, VR: VRCS, Data: terms})
	return lost
}

// recodeText leaves the Specific Character Set of d as it is, since items
// without one of their own are still to be read by it.
func (d *DataSet) recodeText(to *CharacterSet) (lost int) {
	from := d.CharacterSet()
	for e := range d.All() {
		for _, item := range e.Items {
			lost += item.recodeText(to)
			item.Delete(tagSpecificCharacterSet)
		}
		if !e.VR.UsesCharacterSet() || from.isPlain(e.Data, e.VR) && to.isPlain(e.Data, e.VR) {
			continue
		}
		b, missing := to.EncodeLossy(strings.TrimRight(from.Decode(e.Data, e.VR), " \x00"), e.VR)
		e.Data = Pad(b, e.VR)
		lost += missing
	}
	return lost
}
