package scp

import (
	"context"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// storage takes instances in, in whatever transfer syntax they come, and keeps
// them as they came: level 2 (full) storage.
var storage = declare(Service{
	Name: "Storage", Where: "PS3.4 annex B", Right: policy.Store,
	SOPClasses: patientObjects(),
	Extended:   storageExtended,
	handle:     func(a *Association) dimse.Handler { return dimse.HandlerFunc(a.serveStore) },
})

// nonPatient lists the storage classes whose objects belong to no patient and
// no study (PS3.4 annex GG); the archive has no place for them yet.
var nonPatient = []dicom.UID{
	dict.UIDHangingProtocolStorage, dict.UIDColorPaletteStorage,
	dict.UIDGenericImplantTemplateStorage, dict.UIDImplantAssemblyTemplateStorage,
	dict.UIDImplantTemplateGroupStorage, dict.UIDCTDefinedProcedureProtocolStorage,
	dict.UIDProtocolApprovalStorage, dict.UIDXADefinedProcedureProtocolStorage,
	dict.UIDInventoryStorage,
}

// patientObjects lists the storage classes of the registry whose objects belong
// to a study.
func patientObjects() []dicom.UID {
	var list []dicom.UID
	for e := range dict.StorageSOPClasses() {
		if !slices.Contains(nonPatient, e.UID) {
			list = append(list, e.UID)
		}
	}
	return list
}

// storageExtended answers the extended negotiation of PS3.4 section B.3.1:
// level of support 2 (full), no level of digital signature support, no coercion
// of elements.
func storageExtended([]byte) []byte { return []byte{2, 0, 0, 0, 0, 0} }

func (a *Association) serveStore(ctx context.Context, _ dimse.ResponseWriter, req *dimse.Request) error {
	if req.Command.Field != dimse.CStoreRQ {
		return dimse.StatusUnrecognizedOperation
	}
	if req.DataSet == nil {
		return &dimse.Failure{Status: dimse.StatusDataSetMismatch, Comment: "a data set is missing"}
	}
	if req.Command.SOPInstance == "" || req.Command.SOPClass != req.Context.AbstractSyntax {
		return &dimse.Failure{Status: dimse.StatusDataSetMismatch, Comment: "affected SOP class or instance does not fit the context"}
	}
	r, err := a.session.Store(ctx, archive.Incoming{
		SOPClass: req.Command.SOPClass, Instance: req.Command.SOPInstance,
		TransferSyntax: req.Context.TransferSyntax, DataSet: req.DataSet,
	})
	a.stored(ctx, req, r, err)
	return statusOf(err)
}
