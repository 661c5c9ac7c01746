package message

import (
	"strconv"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
)

// Stages of an object's life (RFC 3881 section 5.5.3).
const (
	lifeImport = 2
	lifeAmend  = 3
	lifeAccess = 6
	lifeExport = 10
	lifeErase  = 15
)

// lifeOf returns the stage that an action stands for.
func lifeOf(a audit.Action) int {
	switch a {
	case audit.Create:
		return lifeImport
	case audit.Update:
		return lifeAmend
	case audit.Delete:
		return lifeErase
	}
	return lifeAccess
}

// studies returns an object for each study. Instances are told by SOP class
// where the event lets them be attributed: one study and one class.
func (b *builder) studies(life int) []Object {
	e := b.event
	ids := e.Studies
	if len(ids) == 0 {
		ids = []dicom.UID{None}
	}
	var all []Object
	for _, uid := range ids {
		all = append(all, Object{Type: ObjectSystem, Role: RoleReport, LifeCycle: life, IDType: idStudy, ID: string(uid)})
	}
	first := &all[0]
	n := max(e.Count, len(e.Instances))
	switch {
	case len(all) == 1 && len(e.SOPClasses) == 1:
		first.Classes = []Class{{e.SOPClasses[0], n, e.Instances}}
	case len(all) == 1 && n > 0:
		first.Classes = []Class{{"", n, e.Instances}}
	case n > 0:
		first.Details = append(first.Details, audit.Detail{Name: "NumberOfInstances of all studies", Value: strconv.Itoa(n)})
	}
	if len(first.Classes) == 0 || len(e.SOPClasses) > 1 {
		for _, uid := range e.SOPClasses {
			first.Details = append(first.Details, audit.Detail{Name: "ContainsSOPClass", Value: string(uid)})
		}
	}
	for _, uid := range e.Series {
		first.Details = append(first.Details, audit.Detail{Name: "Series Instance UID", Value: string(uid)})
	}
	first.Details = append(first.Details, b.details()...)
	return all
}

// patients returns the patient, or each of them if the archive could not tell
// apart what was done to which.
func (b *builder) patients() []Object {
	ids := b.event.Patients
	if len(ids) == 0 {
		ids = []string{None}
	}
	var all []Object
	for _, id := range ids {
		if id == "" {
			id = None
		}
		all = append(all, Object{Type: ObjectPerson, Role: RolePatient, IDType: idPatient, ID: id})
	}
	return all
}

// details returns what else the event has.
func (b *builder) details() []audit.Detail {
	e := b.event
	var all []audit.Detail
	if e.Association != "" {
		all = append(all, audit.Detail{Name: "Association", Value: e.Association})
	}
	if e.Bytes > 0 {
		all = append(all, audit.Detail{Name: "Bytes", Value: strconv.FormatInt(e.Bytes, 10)})
	}
	if e.Omitted > 0 {
		all = append(all, audit.Detail{Name: "Values left out", Value: strconv.Itoa(e.Omitted)})
	}
	return append(all, e.Details...)
}
