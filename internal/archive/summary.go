package archive

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// summarise returns Meta.Summary of a header.
func summarise(header *dicom.DataSet) ([]byte, error) {
	return encoding.AppendJSON(nil, header, encoding.JSONOptions{
		BulkDataURI: func(_ encoding.Path, e *dicom.Element) string {
			if e.Bulk == nil {
				return "" // in memory: written in place
			}
			return strconv.FormatInt(e.Bulk.Offset, 10) + "/" + strconv.FormatInt(e.Bulk.Length, 10)
		},
	})
}

// expand is the inverse of summarise, but for the bulk values, which it leaves out.
func expand(summary []byte) (*dicom.DataSet, error) {
	header, err := encoding.ParseJSON(summary, encoding.JSONOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the summary: %w", err)
	}
	return header, nil
}

// studyDate returns the date of the study, the zero time if there is none that
// can be read.
func studyDate(header *dicom.DataSet) time.Time { return dateOf(header, dict.StudyDate) }

func dateOf(header *dicom.DataSet, tag dicom.Tag) time.Time {
	s := strings.ReplaceAll(header.String(tag), ".", "")
	t, err := time.Parse("20060102", s)
	if err != nil {
		return time.Time{}
	}
	return t
}
