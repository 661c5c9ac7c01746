package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/export"
)

// Export writes all studies of a patient, or some, into the folder out, beside a
// running server or without one.
func Export(ctx context.Context, dir, patient string, studies []dicom.UID, out string, progress func()) (sum export.Sum, err error) {
	r, err := openReading(ctx, dir)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	q := archive.Query{Level: archive.LevelPatient, Keys: new(dicom.DataSet)}
	if patient != "" {
		if err := q.Keys.PutString(dict.PatientID, dicom.VRLO, patient); err != nil {
			return sum, fmt.Errorf("the Patient ID: %w", err)
		}
	}
	if len(studies) > 0 {
		q.Level = archive.LevelStudy
		list := make([]string, len(studies))
		for i, u := range studies {
			list[i] = string(u)
		}
		if err := q.Keys.PutString(dict.StudyInstanceUID, dicom.VRUI, list...); err != nil {
			return sum, fmt.Errorf("the studies: %w", err)
		}
	}
	retrieval, err := r.session().Export(ctx, q)
	if err != nil {
		return sum, err
	}
	return export.Write(ctx, out, retrieval, progress)
}
