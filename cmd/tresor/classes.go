package main

import (
	"context"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// usualClasses are the SOP classes to take from an archive that does not say
// what it has.
var usualClasses = []dicom.UID{
	dict.UIDCTImageStorage, dict.UIDMRImageStorage, dict.UIDComputedRadiographyImageStorage,
	dict.UIDDigitalXRayImageStorageForPresentation, dict.UIDSecondaryCaptureImageStorage,
	dict.UIDUltrasoundImageStorage, dict.UIDUltrasoundMultiFrameImageStorage,
	dict.UIDPositronEmissionTomographyImageStorage, dict.UIDEnhancedCTImageStorage, dict.UIDEnhancedMRImageStorage,
	dict.UIDDigitalMammographyXRayImageStorageForPresentation, dict.UIDBasicTextSRStorage,
	dict.UIDEnhancedSRStorage, dict.UIDComprehensiveSRStorage, dict.UIDEncapsulatedPDFStorage,
	dict.UIDGrayscaleSoftcopyPresentationStateStorage, dict.UIDSegmentationStorage,
	dict.UIDRTStructureSetStorage, dict.UIDRTPlanStorage, dict.UIDRTDoseStorage,
}

// classes asks the archive for the SOP classes of a selection.
func (c *getCommand) classes(ctx context.Context, selected *dicom.DataSet, level string) ([]dicom.UID, error) {
	model := queryModel("", level, dict.UIDStudyRootQueryRetrieveInformationModelFind, dict.UIDPatientRootQueryRetrieveInformationModelFind)
	client, err := c.connect(ctx, []ul.ProposedContext{plain(model)})
	if err != nil {
		return nil, err
	}
	defer client.Close(context.WithoutCancel(ctx))
	seen := map[dicom.UID]bool{}
	var classes []dicom.UID
	keys := selected.Clone()
	at, key := "STUDY", dict.SOPClassesInStudy
	if level == "IMAGE" || level == "SERIES" {
		at, key = "IMAGE", dict.SOPClassUID
	}
	keys.PutString(dict.QueryRetrieveLevel, dicom.VRCS, at)
	keys.Put(dicom.Element{Tag: key, VR: dicom.VRUI})
	for match, err := range client.Find(ctx, dimse.QueryRequest{SOPClass: model, Identifier: keys}) {
		if err != nil {
			// The archive may refuse to be searched; then it gets the usual offer.
			break
		}
		for _, s := range match.Strings(key) {
			if u := dicom.UID(s); u.Tolerable() && !seen[u] {
				seen[u] = true
				classes = append(classes, u)
			}
		}
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("get: %w", ctx.Err())
	}
	if len(classes) == 0 {
		return usualClasses, nil
	}
	return classes, nil
}
