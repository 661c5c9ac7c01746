package survey

import (
	"errors"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// errPending says that a host sent a match for a study that does not exist.
var errPending = errors.New("a match for nothing")

// query performs L4, the permitted-query test: a query for a study with a UID
// made this moment. Nothing can match, so nothing of a patient can come. A host
// that answers a match all the same permits queries; the association is aborted
// at once and the match is not read.
func (l *look) query(x *exchange) {
	keys := &dicom.DataSet{}
	if err := keys.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY"); err != nil {
		l.r.Query = &Query{Outcome: QueryUndecided, Status: "not sent"}
		return
	}
	keys.PutUID(dict.StudyInstanceUID, dicom.NewUID())
	status, err := x.find(keys, func(io.Reader, bool) error { return errPending })
	l.reached(scope.L4)
	l.r.Query = judgeQuery(status, err)
}

func judgeQuery(status dimse.Status, err error) *Query {
	var abort *ul.AbortError
	switch {
	case errors.Is(err, errPending):
		return &Query{Outcome: QueryPermitted, Status: "match for nothing"}
	case errors.As(err, &abort) && !abort.Local && abort.Err == nil:
		return &Query{Outcome: QueryRefused, Status: "A-ABORT"}
	case err != nil:
		return &Query{Outcome: QueryUndecided, Status: "no answer"}
	case status == dimse.StatusSuccess:
		return &Query{Outcome: QueryPermitted, Status: statusText(status)}
	case status == dimse.StatusNotAuthorized, status == dimse.StatusSOPClassNotSupported:
		return &Query{Outcome: QueryRefused, Status: statusText(status)}
	}
	return &Query{Outcome: QueryUndecided, Status: statusText(status)}
}
