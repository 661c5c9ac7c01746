package archive

import (
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/audit"
)

// fill enters who asks, and from where, into e.
func (s *Session) fill(e audit.Event) audit.Event {
	e.PrincipalKind, e.Principal = string(s.principal.Kind), s.principal.Name
	e.Role = string(s.principal.Role)
	e.Peer, e.Association = s.origin.Peer, s.origin.Association
	e.CallingAET, e.CalledAET = s.origin.CallingAET, s.origin.CalledAET
	if s.origin.User != "" {
		e.Details = append(slices.Clip(e.Details), audit.Detail{Name: "user", Value: s.origin.User})
	}
	return e
}

// uniqueKeys returns the keys that name one instance.
func uniqueKeys(e *Entry) *dicom.DataSet {
	keys := new(dicom.DataSet)
	keys.PutUID(dict.SOPInstanceUID, e.Instance)
	keys.PutUID(dict.StudyInstanceUID, e.Study)
	keys.PutUID(dict.SeriesInstanceUID, e.Series)
	return keys
}
