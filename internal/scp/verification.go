package scp

import (
	"context"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// verification answers C-ECHO.
var _ = declare(Service{
	Name: "Verification", Where: "PS3.4 annex A", Right: policy.Echo,
	SOPClasses:       []dicom.UID{dict.UIDVerification},
	TransferSyntaxes: plainSyntaxes,
	handle: func(*Association) dimse.Handler {
		return dimse.HandlerFunc(func(_ context.Context, _ dimse.ResponseWriter, req *dimse.Request) error {
			if req.Command.Field != dimse.CEchoRQ {
				return dimse.StatusUnrecognizedOperation
			}
			return nil
		})
	},
})
