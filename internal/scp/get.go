package scp

import (
	"context"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// get answers C-GET in the Patient Root, Study Root and Patient/Study Only
// information models: the instances go back on the same association.
var _ = declare(Service{
	Name: "Retrieve (C-GET)", Where: "PS3.4 annex C.4.3", Right: policy.Get,
	SOPClasses: []dicom.UID{
		dict.UIDPatientRootQueryRetrieveInformationModelGet,
		dict.UIDStudyRootQueryRetrieveInformationModelGet,
		dict.UIDPatientStudyOnlyQueryRetrieveInformationModelGet,
	},
	TransferSyntaxes: plainSyntaxes,
	Extended:         retrieveExtended,
	handle:           func(a *Association) dimse.Handler { return dimse.HandlerFunc(a.serveGet) },
})

// retrieveExtended grants relational retrieval and nothing else (PS3.4 section
// C.5.2.1).
func retrieveExtended(proposed []byte) []byte {
	answer := make([]byte, min(len(proposed), 2))
	copy(answer[:min(len(answer), 1)], proposed)
	return answer
}

func (a *Association) serveGet(ctx context.Context, rw dimse.ResponseWriter, req *dimse.Request) error {
	if req.Command.Field != dimse.CGetRQ {
		return dimse.StatusUnrecognizedOperation
	}
	q, err := readRetrieve(req)
	if err != nil {
		return err
	}
	r, err := a.session.Retrieve(ctx, q)
	if err != nil {
		return statusOf(err)
	}
	t := &transfer{assoc: a, rw: rw, retrieval: r, prefer: a.device.PreferredSyntax, sub: dimse.SubOperations{Remaining: len(r.Entries)}}
	if err := t.all(ctx, sameAssociation{rw}, r.Entries, dimse.StoreRequest{Priority: req.Command.Priority}); err != nil {
		return err
	}
	if err := ended(ctx); err != nil {
		return err
	}
	return t.finish(ctx)
}

// ended returns why ctx ended, unless it has not or the peer cancelled.
func ended(ctx context.Context) error {
	if ctx.Err() == nil || cancelled(ctx) == dimse.StatusCancel {
		return nil
	}
	return context.Cause(ctx)
}

// sameAssociation is the peer of the C-GET itself.
type sameAssociation struct{ rw dimse.ResponseWriter }

func (s sameAssociation) syntaxes(class dicom.UID) []dicom.UID {
	var list []dicom.UID
	for _, c := range s.rw.StorageContexts(class) {
		list = append(list, c.TransferSyntax)
	}
	return list
}

func (s sameAssociation) store(ctx context.Context, r dimse.StoreRequest) (dimse.Status, error) {
	return s.rw.Store(ctx, r)
}

// readRetrieve reads the identifier of a retrieve request. Its unique key at
// its level must have a value: nothing is retrieved by accident (PS3.4 section
// C.4.2.2.1).
func readRetrieve(req *dimse.Request) (archive.Query, error) {
	keys, level, err := readIdentifier(req)
	if err != nil {
		return archive.Query{}, err
	}
	if key := uniqueKey[level]; keys.String(key) == "" {
		return archive.Query{}, mismatch("the unique key " + key.String() + " of the level needs a value")
	}
	return archive.Query{Level: level, Keys: keys}, nil
}

// uniqueKey is the unique key of each level (PS3.4 section C.6).
var uniqueKey = map[archive.Level]dicom.Tag{
	archive.LevelPatient: dict.PatientID, archive.LevelStudy: dict.StudyInstanceUID,
	archive.LevelSeries: dict.SeriesInstanceUID, archive.LevelInstance: dict.SOPInstanceUID,
}
