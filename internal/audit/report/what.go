package report

import (
	"maps"
	"slices"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// what says events in a person's words, by code and action.
var what = map[audit.Code]map[audit.Action]string{
	audit.InstancesTransferred: {audit.Create: "stored", audit.Read: "fetched", audit.Update: "stored again"},
	audit.InstancesAccessed: {audit.Create: "stored", audit.Read: "looked at", audit.Update: "changed", audit.Delete: "removed",
		audit.Execute: "checked"},
	audit.StudyDeleted:             {audit.Delete: "erased"},
	audit.Export:                   {audit.Read: "exported"},
	audit.Import:                   {audit.Create: "imported"},
	audit.AuditLogUsed:             {audit.Read: "looked up in the trail"},
	audit.EmergencyOverrideStarted: {audit.Execute: "opened in an emergency"},
	audit.EmergencyOverrideStopped: {audit.Execute: "emergency ended"},
	audit.ObjectSecurity:           {audit.Execute: "protection changed"},
	audit.UserSecurity:             {audit.Execute: "shared or permitted"},
}

// What says in a word what was done; what has no word has its code.
func What(e *audit.Event) string {
	if w := what[e.Code][e.Action]; w != "" {
		return w
	}
	return string(e.Code)
}

// Words returns all the words of What, without codes, sorted.
func Words() []string {
	var words []string
	for _, byAction := range what {
		words = slices.AppendSeq(words, maps.Values(byAction))
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// takesOut reports whether an event gave images or their attributes to somebody.
func takesOut(e *audit.Event) bool {
	switch e.Code {
	case audit.InstancesAccessed, audit.InstancesTransferred:
		return e.Action == audit.Read
	case audit.Export:
		return true
	}
	return false
}
