package web

import "maps"

func init() { maps.Copy(texts, manageTexts) }

// manageTexts are the texts of the way to the pages that manage and oversee.
var manageTexts = map[string]text{
	"manage.title":     {"Manage", "Verwaltung"},
	"manage.label":     {"Pages of the management", "Seiten der Verwaltung"},
	"manage.again":     {"To change who may do what, sign in again: that keeps others from doing it at a browser that you have left.", "Um zu ändern, wer was darf, melden Sie sich neu an: So kann es niemand an einem Browser, den Sie verlassen haben."},
	"manage.save":      {"Save", "Speichern"},
	"manage.all":       {"everything", "alles"},
	"manage.scope":     {"May see", "Darf sehen"},
	"manage.scopehint": {"One condition a line: institution=, department=, modality=, source=, referring=, patient=, study=, age=365d. Empty: everything.", "Eine Bedingung je Zeile: institution=, department=, modality=, source=, referring=, patient=, study=, age=365d. Leer: alles."},
	"manage.badscope":  {"A condition of “may see” cannot be read: write one a line, such as modality=CT.", "Eine Bedingung bei „Darf sehen“ ist nicht lesbar: je Zeile eine, etwa modality=CT."},
	"manage.server":    {"What listens where, certificates, storage, and who was turned away.", "Was wo lauscht, Zertifikate, Speicher, und wer abgewiesen wurde."},
}
