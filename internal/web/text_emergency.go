package web

import "maps"

func init() { maps.Copy(texts, emergencyTexts) }

// emergencyTexts are the texts of emergency access.
var emergencyTexts = map[string]text{
	"emergency.title":   {"Emergency access", "Notfallzugriff"},
	"emergency.lead":    {"Opens for half an hour what your account does not show. It alarms at once, and somebody else will ask you why.", "Öffnet für eine halbe Stunde, was Ihr Konto nicht zeigt. Es löst sofort einen Alarm aus, und jemand anders wird nach dem Grund fragen."},
	"emergency.patient": {"Patient ID; if it is not known, everything is opened", "Patienten-ID; ist sie nicht bekannt, wird alles geöffnet"},
	"emergency.reason":  {"Reason", "Grund"},
	"emergency.button":  {"Open now", "Jetzt öffnen"},
	"emergency.open":    {"Open until", "Offen bis"},
	"emergency.end":     {"Give back", "Zurückgeben"},
	"emergency.why":     {"Give a reason of at least ten characters that somebody else can judge.", "Nennen Sie einen Grund mit mindestens zehn Zeichen, den jemand anders beurteilen kann."},
}
