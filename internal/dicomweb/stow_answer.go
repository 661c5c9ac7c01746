package dicomweb

import (
	"errors"
	"net/http"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
)

// Failure Reason (0008,1197) as PS3.18 table I.2-2 and PS3.4 table B.2-1 have it.
const (
	reasonProcessing       = 0x0110
	reasonDuplicate        = 0x0111
	reasonSOPClass         = 0x0122
	reasonNotAuthorized    = 0x0124
	reasonResources        = 0xA700
	reasonMismatch         = 0xA900
	reasonCannotUnderstand = 0xC000
	reasonTransferSyntax   = 0xC122
)

// reasonOf chooses the failure reason for an error. It is the only place that
// does; what it does not know is a processing failure.
func reasonOf(err error) int64 {
	switch {
	case errors.Is(err, archive.ErrDenied):
		return reasonNotAuthorized
	case errors.Is(err, archive.ErrDuplicate):
		return reasonDuplicate
	case errors.Is(err, archive.ErrMismatch):
		return reasonMismatch
	case errors.Is(err, archive.ErrTooLarge):
		return reasonResources
	case errors.Is(err, archive.ErrUnreadable):
		return reasonCannotUnderstand
	}
	return reasonProcessing
}

// failure is an instance that was not stored.
type failure struct {
	reason          int64
	class, instance dicom.UID
}

// fail remembers an instance that did not reach the archive, and writes it to
// the trail.
func (s *storing) fail(f failure) error {
	e := audit.Event{Code: audit.InstancesTransferred, Action: audit.Create, Outcome: audit.SeriousFailure, Reason: refusals[f.reason]}
	if f.class.Tolerable() {
		e.SOPClasses = []dicom.UID{f.class}
	}
	if f.instance.Tolerable() {
		e.Instances = []dicom.UID{f.instance}
	}
	if err := s.session.Note(s.ctx(), e); err != nil {
		return err
	}
	s.failed = append(s.failed, f)
	s.inARow++
	return nil
}

// refusals says in the trail why an instance did not reach the archive.
var refusals = map[int64]string{
	reasonCannotUnderstand: "cannot understand: no DICOM file",
	reasonTransferSyntax:   "transfer syntax unknown",
	reasonSOPClass:         "SOP class not supported",
}

// answer tells what became of the instances (PS3.18 section 10.5.3, annex I).
func (s *storing) answer(typ string) error {
	return s.answerDataSet(typ, s.status(), s.report())
}

// status is 200 if all were stored, 202 if some were, 409 if none was.
func (s *storing) status() int {
	switch {
	case len(s.failed) == 0:
		return http.StatusOK
	case len(s.stored) > 0:
		return http.StatusAccepted
	}
	return http.StatusConflict
}

// report is the Store Instances Response Module (PS3.18 table I.2-1).
func (s *storing) report() *dicom.DataSet {
	ds := new(dicom.DataSet)
	if study := s.study(); study != "" {
		putURL(ds, s.resource(study, "", ""))
	}
	var failed, stored []*dicom.DataSet
	for _, f := range s.failed {
		item := referenced(f.class, f.instance)
		item.PutInts(dict.FailureReason, dicom.VRUS, f.reason)
		failed = append(failed, item)
	}
	for _, r := range s.stored {
		item := referenced(r.SOPClass, r.Instance)
		putURL(item, s.resource(r.Study, r.Series, r.Instance))
		stored = append(stored, item)
	}
	if len(failed) > 0 {
		ds.PutItems(dict.FailedSOPSequence, failed...)
	}
	if len(stored) > 0 {
		ds.PutItems(dict.ReferencedSOPSequence, stored...)
	}
	return ds
}

// study returns the study that all stored instances belong to, "" if there are
// several or none.
func (s *storing) study() dicom.UID {
	var study dicom.UID
	for i, r := range s.stored {
		if i > 0 && r.Study != study {
			return ""
		}
		study = r.Study
	}
	return study
}

// referenced names an instance. What came as a UID and is none is not repeated.
func referenced(class, instance dicom.UID) *dicom.DataSet {
	item := new(dicom.DataSet)
	for _, id := range []struct {
		tag dicom.Tag
		uid dicom.UID
	}{{dict.ReferencedSOPClassUID, class}, {dict.ReferencedSOPInstanceUID, instance}} {
		if id.uid.Tolerable() {
			item.PutUID(id.tag, id.uid)
		} else {
			item.Put(dicom.Element{Tag: id.tag, VR: dicom.VRUI})
		}
	}
	return item
}

func putURL(ds *dicom.DataSet, url string) {
	ds.Put(dicom.Element{Tag: dict.RetrieveURL, VR: dicom.VRUR, Data: dicom.Pad([]byte(url), dicom.VRUR)})
}
