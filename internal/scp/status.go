package scp

import (
	"errors"

	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// statusOf chooses the status that a peer gets for an error of the archive. It
// is the only place that does; what it does not know is a processing failure.
func statusOf(err error) error {
	var status dimse.Status
	var failure *dimse.Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status), errors.As(err, &failure):
		return err
	case errors.Is(err, archive.ErrDenied):
		return dimse.StatusNotAuthorized
	case errors.Is(err, archive.ErrDuplicate):
		return dimse.StatusDuplicateSOPInstance
	case errors.Is(err, archive.ErrMismatch):
		return dimse.StatusDataSetMismatch
	case errors.Is(err, archive.ErrTooLarge):
		return dimse.StatusOutOfResources
	case errors.Is(err, archive.ErrUnreadable):
		return dimse.StatusCannotUnderstand
	}
	return err
}
