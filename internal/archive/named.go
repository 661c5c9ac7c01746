package archive

import (
	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// named returns the studies, series and instances that the unique keys of q name:
// what somebody wanted who was refused.
func named(q Query) (studies, series, instances []dicom.UID) {
	if q.Keys == nil {
		return nil, nil, nil
	}
	list := func(t dicom.Tag) (all []dicom.UID) {
		for _, uid := range q.Keys.Strings(t) {
			if u := dicom.UID(uid); u.Tolerable() && len(all) < maxNamed {
				all = append(all, u)
			}
		}
		return all
	}
	return list(dict.StudyInstanceUID), list(dict.SeriesInstanceUID), list(dict.SOPInstanceUID)
}

// maxNamed is how many of each the record of a refusal names.
const maxNamed = 16
