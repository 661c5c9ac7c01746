package fhir

import (
	"fmt"
	"net/url"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// bundle is the answer to a search.
type bundle struct {
	ResourceType string        `json:"resourceType"`
	Type         string        `json:"type"`
	Links        []bundleLink  `json:"link"`
	Entries      []bundleEntry `json:"entry,omitempty"`

	matched int
	last    string
}

type bundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type bundleEntry struct {
	Resource any         `json:"resource"`
	Search   *searchMode `json:"search"`
}

type searchMode struct {
	Mode string `json:"mode"`
}

// link adds the URL of this search or of its next page.
func (b *bundle) link(relation, prefix string, values url.Values) {
	at := prefix + "/AuditEvent"
	if len(values) > 0 {
		at += "?" + values.Encode()
	}
	b.Links = append(b.Links, bundleLink{relation, at})
}

func (b *bundle) add(e *AuditEvent) {
	b.matched++
	b.last = e.ID
	b.Entries = append(b.Entries, bundleEntry{e, &searchMode{"match"}})
}

// damaged tells of a record that cannot be read: the answer may lack it.
func (b *bundle) damaged(r audit.Record) {
	const most = 10
	if n := len(b.Entries) - b.matched; n < most {
		text := fmt.Sprintf("a record cannot be read (%s line %d): tresor audit verify", r.File, r.Line)
		b.Entries = append(b.Entries, bundleEntry{outcome("incomplete", text), &searchMode{"outcome"}})
	}
}

// operationOutcome tells what went wrong.
type operationOutcome struct {
	ResourceType string  `json:"resourceType"`
	Issue        []issue `json:"issue"`
}

type issue struct {
	Severity    string `json:"severity"`
	Code        string `json:"code"`
	Diagnostics string `json:"diagnostics"`
}

func outcome(code, text string) operationOutcome {
	return operationOutcome{"OperationOutcome", []issue{{"error", code, text}}}
}
