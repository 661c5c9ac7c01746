package scp

import (
	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// answerCharacterSet returns the terms of Specific Character Set in which the
// device wants its answers: those configured for it, else those of its query
// (PS3.4 section C.2.2.2 leaves the choice to the SCP), else nil for UTF-8.
func (a *Association) answerCharacterSet(keys *dicom.DataSet) []string {
	if len(a.device.CharacterSet) > 0 {
		return a.device.CharacterSet
	}
	terms := keys.Strings(dict.SpecificCharacterSet)
	if len(terms) == 1 && terms[0] == "" {
		return nil
	}
	return terms
}

// inCharacterSet returns ds, which is in UTF-8, in the character set of the
// terms; ds itself if these cannot express all of it or are not known.
func inCharacterSet(ds *dicom.DataSet, terms []string) *dicom.DataSet {
	if len(terms) == 0 {
		return ds
	}
	set, err := dicom.ParseCharacterSet(terms...)
	if err != nil {
		return ds
	}
	if converted, ok := recode(ds, set); ok {
		converted.PutString(dict.SpecificCharacterSet, dicom.VRCS, terms...)
		return converted
	}
	return ds
}

// recode returns ds with its text in the character set; false if that cannot
// express it.
func recode(ds *dicom.DataSet, set *dicom.CharacterSet) (*dicom.DataSet, bool) {
	out := new(dicom.DataSet)
	for e := range ds.All() {
		c := *e
		switch {
		case len(e.Items) > 0:
			c.Items = nil
			for _, item := range e.Items {
				r, ok := recode(item.DataSet, set)
				if !ok {
					return nil, false
				}
				c.Items = append(c.Items, dicom.Item{DataSet: r, Undefined: item.Undefined})
			}
		case e.VR.UsesCharacterSet():
			b, err := set.Encode(string(e.Data), e.VR)
			if err != nil {
				return nil, false
			}
			if len(b)%2 == 1 {
				b = append(b, ' ')
			}
			c.Data = b
		}
		out.Put(c)
	}
	return out, true
}
