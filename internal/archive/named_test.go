package archive_test

import (
	"errors"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// What was refused is told by what was asked for.
func TestRefusalsNameWhatWasAskedFor(t *testing.T) {
	f := open(t)
	s := f.As(policy.Principal{Kind: policy.User, Name: "nobody"})
	keys := new(dicom.DataSet)
	keys.PutString(dict.StudyInstanceUID, dicom.VRUI, `1.2.3\1.2.4\..`)
	q := archive.Query{Level: archive.LevelStudy, Keys: keys, Model: dict.UIDStudyRootQueryRetrieveInformationModelFind}
	if _, err := s.Retrieve(t.Context(), q); !errors.Is(err, archive.ErrDenied) {
		t.Fatal(err)
	}
	if e := f.trail.last(); e.Outcome != audit.SeriousFailure || len(e.Studies) != 2 || e.Studies[1] != "1.2.4" {
		t.Errorf("%+v", e)
	}
	for _, err := range s.Find(t.Context(), q) {
		if !errors.Is(err, archive.ErrDenied) {
			t.Fatal(err)
		}
	}
	if e := f.trail.last(); e.Code != audit.Query || e.Outcome != audit.SeriousFailure || len(e.Query) == 0 || len(e.SOPClasses) != 1 {
		t.Errorf("%+v", e)
	}
}
