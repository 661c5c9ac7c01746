package report

import (
	"cmp"
	"strings"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// Language is that of a letter or a sheet.
type Language string

// The languages.
const (
	English Language = "en"
	German  Language = "de"
)

// Languages are all of them.
var Languages = []Language{English, German}

// stateWords tell what a stranger gets.
var stateWords = map[Language]map[survey.State]string{
	English: {
		survey.Closed: "nothing (closed)", survey.Filtered: "nothing (no answer)", survey.NotDICOM: "nothing of DICOM",
		survey.MutualTLS: "nothing without a client certificate", survey.Refused: "a refusal",
		survey.Associates: "an association", survey.Stores: "an association, and Storage is offered",
		survey.Undecided: "an answer; whether data is given is undecided",
		survey.Queryable: "the list of studies, by DICOM query", survey.WebOpen: "the archive's web interface, without a login"},
	German: {
		survey.Closed: "nichts (geschlossen)", survey.Filtered: "nichts (keine Antwort)", survey.NotDICOM: "nichts von DICOM",
		survey.MutualTLS: "nichts ohne Client-Zertifikat", survey.Refused: "eine Ablehnung",
		survey.Associates: "eine Association", survey.Stores: "eine Association, Storage wird angeboten",
		survey.Undecided: "eine Antwort; ob Daten herausgegeben werden, ist unentschieden",
		survey.Queryable: "die Liste der Studien, durch DICOM-Abfrage", survey.WebOpen: "die Weboberfläche des Archivs, ohne Anmeldung"},
}

// rule returns title and remedy of a finding in a language; what the English
// remedy says of the product is kept, because it names settings.
func (l Language) rule(f survey.Finding) (title, remedy string) {
	german, ok := germanRules[f.ID]
	if l != German || !ok {
		return f.Title, f.Remedy
	}
	r, _ := survey.RuleOf(f.ID)
	return german[0], strings.TrimSpace(german[1] + " " + productSteps(r, f))
}

// productSteps are what a finding's remedy says beyond its rule's.
func productSteps(r survey.Rule, f survey.Finding) string {
	return strings.TrimSpace(strings.TrimPrefix(f.Remedy, r.Remedy))
}

// proof says by what a state was shown.
func (l Language) proof(r *survey.Result) string {
	german := l == German
	switch {
	case r.State == survey.Queryable && german:
		return "eine Abfrage nach einer nicht vorhandenen Studie wurde ausgeführt"
	case r.State == survey.Queryable:
		return "a query for a study that does not exist was carried out"
	case r.Web != nil && german:
		return cmp.Or(r.Web.Open, r.Web.Answers, "HTTP") + " antwortete ohne Anmeldung"
	case r.Web != nil:
		return cmp.Or(r.Web.Open, r.Web.Answers, "HTTP") + " answered without a login"
	}
	return r.Rung.String()
}

// unknown says that a number is not known.
func (l Language) unknown() string {
	if l == German {
		return "unbekannt"
	}
	return "unknown"
}

// oneLine makes a word of a host or a file harmless in a text with tables.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "|", "/")), " ")
}
