// Package scp offers the archive to DICOM devices: the service classes of PS3.4,
// one file each. A service is declared beside its code, with the right that it
// needs; a presentation context for it is refused to a device that does not
// hold that right. Package scp decides nothing else: archive.Session does.
package scp

import (
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Service is a service class as the archive offers it.
type Service struct {
	Name  string       // as PS3.4 calls it
	Where string       // its place in the standard
	Right policy.Right // without it a presentation context is refused
	// SOPClasses lists the abstract syntaxes.
	SOPClasses []dicom.UID
	// TransferSyntaxes lists what is understood of them; nil stands for the
	// whole registry.
	TransferSyntaxes []dicom.UID
	// Extended answers the service-class application information of an
	// extended negotiation (PS3.7 section D.3.3.5); nil: it is not answered.
	Extended func(proposed []byte) []byte
	// handle makes the handler for one association.
	handle func(*Association) dimse.Handler
}

// plainSyntaxes are the transfer syntaxes of messages that carry no pixel data.
var plainSyntaxes = []dicom.UID{
	dict.UIDExplicitVRLittleEndian, dict.UIDImplicitVRLittleEndian,
	dict.UIDExplicitVRBigEndian, dict.UIDDeflatedExplicitVRLittleEndian,
}

// services holds what the files of this package declare.
var services []*Service

// declare enters a service; each file of this package calls it for its own.
func declare(s Service) *Service {
	services = append(services, &s)
	return &s
}

// Services returns all services in order of their names.
func Services() []*Service {
	return slices.SortedFunc(slices.Values(services), func(a, b *Service) int { return strings.Compare(a.Name, b.Name) })
}

// serviceOf returns the service with the abstract syntax, nil if there is none.
func serviceOf(abstract dicom.UID) *Service {
	for _, s := range services {
		if slices.Contains(s.SOPClasses, abstract) {
			return s
		}
	}
	return nil
}
