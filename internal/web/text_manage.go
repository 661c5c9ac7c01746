package web

import "maps"

func init() { maps.Copy(texts, manageTexts) }

// manageTexts are the texts of the way to the pages that manage and oversee.
var manageTexts = map[string]text{
	"manage.title":  {"Manage", "Verwaltung"},
	"manage.label":  {"Pages of the management", "Seiten der Verwaltung"},
	"manage.server": {"What listens where, certificates, storage, and who was turned away.", "Was wo lauscht, Zertifikate, Speicher, und wer abgewiesen wurde."},
}
