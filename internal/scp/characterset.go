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
	recoded := ds.Clone()
	if recoded.Recode(set) > 0 {
		return ds
	}
	return recoded
}
