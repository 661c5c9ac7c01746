package scp

import (
	"context"
	"errors"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// find answers C-FIND in the Patient Root, Study Root and Patient/Study Only
// information models.
var _ = declare(Service{
	Name: "Query", Where: "PS3.4 annex C.4.1", Right: policy.Find,
	SOPClasses: []dicom.UID{
		dict.UIDPatientRootQueryRetrieveInformationModelFind,
		dict.UIDStudyRootQueryRetrieveInformationModelFind,
		dict.UIDPatientStudyOnlyQueryRetrieveInformationModelFind,
	},
	TransferSyntaxes: plainSyntaxes,
	Extended:         findExtended,
	handle:           func(a *Association) dimse.Handler { return dimse.HandlerFunc(a.serveFind) },
})

// The bytes of the extended negotiation of queries (PS3.4 section C.5.1.1).
const (
	extRelational = iota
	extDateTime
	extFuzzy
	extTimezone
	extEnhancedMF
	extEmptyValue
	extMultipleValue
)

// findExtended grants what is proposed but the conversion to enhanced
// multi-frame instances.
func findExtended(proposed []byte) []byte {
	answer := make([]byte, min(len(proposed), extMultipleValue+1))
	for i := range answer {
		if i != extEnhancedMF && proposed[i] == 1 {
			answer[i] = 1
		}
	}
	return answer
}

func (a *Association) serveFind(ctx context.Context, rw dimse.ResponseWriter, req *dimse.Request) error {
	if req.Command.Field != dimse.CFindRQ {
		return dimse.StatusUnrecognizedOperation
	}
	keys, level, err := readIdentifier(req)
	if err != nil {
		return err
	}
	q := archive.Query{Level: level, Keys: keys, Model: req.Context.AbstractSyntax}
	a.negotiated(req.Context.AbstractSyntax, &q)
	into := a.answerCharacterSet(keys)
	name := keys.String(dict.QueryRetrieveLevel)
	for match, err := range a.session.Find(ctx, q) {
		if ctx.Err() != nil {
			return cancelled(ctx)
		}
		if err != nil {
			return statusOf(err)
		}
		match.PutString(dict.QueryRetrieveLevel, dicom.VRCS, name)
		match.PutString(dict.RetrieveAETitle, dicom.VRAE, string(a.provider.AET))
		if err := rw.Pending(dimse.StatusPending, inCharacterSet(match, into), nil); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	return nil
}

// negotiated enters what was agreed on for the abstract syntax into q.
func (a *Association) negotiated(abstract dicom.UID, q *archive.Query) {
	ext := a.extended[abstract]
	on := func(i int) bool { return len(ext) > i && ext[i] == 1 }
	q.DateTimeMatching, q.FuzzyNames = on(extDateTime), on(extFuzzy)
	q.TimezoneOffset, q.EmptyValue, q.MultipleValue = on(extTimezone), on(extEmptyValue), on(extMultipleValue)
}

// cancelled is the final status when the context of an operation has ended.
func cancelled(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), dimse.ErrCancelled) {
		return dimse.StatusCancel
	}
	return context.Cause(ctx)
}

// readIdentifier reads the identifier of a query or retrieve request and the
// level that it asks for (PS3.4 section C.4.1.1.3).
func readIdentifier(req *dimse.Request) (*dicom.DataSet, archive.Level, error) {
	if req.DataSet == nil {
		return nil, 0, mismatch("an identifier is missing")
	}
	keys, err := req.ReadDataSet(maxIdentifier)
	if err != nil {
		return nil, 0, mismatch("the identifier cannot be read")
	}
	level, ok := levels[strings.ToUpper(keys.String(dict.QueryRetrieveLevel))]
	if !ok {
		return nil, 0, mismatch("Query/Retrieve Level (0008,0052) must be PATIENT, STUDY, SERIES or IMAGE")
	}
	if !levelInModel(req.Context.AbstractSyntax, level) {
		return nil, 0, mismatch("this information model does not have that Query/Retrieve Level")
	}
	return keys, level, nil
}

// maxIdentifier bounds an identifier, in bytes.
const maxIdentifier = 4 << 20

func mismatch(comment string) error {
	return &dimse.Failure{Status: dimse.StatusDataSetMismatch, Comment: comment}
}

var levels = map[string]archive.Level{
	"PATIENT": archive.LevelPatient, "STUDY": archive.LevelStudy,
	"SERIES": archive.LevelSeries, "IMAGE": archive.LevelInstance,
}

// levelInModel reports whether the information model has the level (PS3.4
// section C.6).
func levelInModel(model dicom.UID, l archive.Level) bool {
	switch model {
	case dict.UIDStudyRootQueryRetrieveInformationModelFind, dict.UIDStudyRootQueryRetrieveInformationModelMove,
		dict.UIDStudyRootQueryRetrieveInformationModelGet:
		return l != archive.LevelPatient
	case dict.UIDPatientStudyOnlyQueryRetrieveInformationModelFind, dict.UIDPatientStudyOnlyQueryRetrieveInformationModelMove,
		dict.UIDPatientStudyOnlyQueryRetrieveInformationModelGet:
		return l == archive.LevelPatient || l == archive.LevelStudy
	}
	return true
}
