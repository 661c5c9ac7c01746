package web

import "maps"

func init() { maps.Copy(texts, userTexts) }

// userTexts are the texts of the pages about people.
var userTexts = map[string]text{
	"people.title":         {"People", "Personen"},
	"people.one":           {"Person", "Person"},
	"people.lead":          {"Who may sign in, with which role; invite, disable, end sessions, revoke tokens.", "Wer sich anmelden darf, mit welcher Rolle; einladen, sperren, abmelden, Token widerrufen."},
	"people.invite":        {"Invite a person", "Person einladen"},
	"people.invitebutton":  {"Invite", "Einladen"},
	"people.role":          {"Role", "Rolle"},
	"people.choose":        {"Choose …", "Wählen …"},
	"people.second":        {"Second factor", "Zweiter Faktor"},
	"people.nosecond":      {"none", "keiner"},
	"people.provider":      {"your house's sign-in", "Anmeldung des Hauses"},
	"people.invited":       {"not set up yet", "noch nicht eingerichtet"},
	"people.taken":         {"There is a person of that name already.", "Eine Person dieses Namens gibt es schon."},
	"people.last":          {"Nobody else could manage the archive after this: make somebody else an administrator first, who has signed in.", "Danach könnte niemand mehr das Archiv verwalten: Geben Sie erst jemand anderem diese Rolle, der sich auch anmelden kann."},
	"people.may":           {"What this person may do", "Was diese Person darf"},
	"people.sethint":       {"A change ends the person's sessions.", "Eine Änderung beendet die Sitzungen der Person."},
	"people.external":      {"The account is that of your house's sign-in, which gives its role anew at each sign-in.", "Das Konto gehört zur Anmeldung Ihres Hauses, die ihm bei jeder Anmeldung die Rolle neu gibt."},
	"people.ways":          {"How this person signs in", "Wie diese Person sich anmeldet"},
	"people.reset":         {"New password", "Neues Passwort"},
	"people.resethint":     {"The password ends now, with all sessions. You get a link with which the person chooses another.", "Das Passwort endet sofort, mit allen Sitzungen. Sie bekommen einen Link, mit dem die Person ein neues wählt."},
	"people.resetbutton":   {"Make a link", "Link erstellen"},
	"people.factors":       {"Lost or stolen: take second factors away", "Verloren oder gestohlen: zweite Faktoren entfernen"},
	"people.factorshint":   {"Passkeys, authenticator app and recovery codes end, and all sessions.", "Passkeys, Authenticator-App und Wiederherstellungscodes enden, und alle Sitzungen."},
	"people.factorsbutton": {"Take away", "Entfernen"},
	"people.end":           {"End", "Beenden"},
	"people.nosessions":    {"Not signed in.", "Nicht angemeldet."},
	"people.signout":       {"End all", "Alle beenden"},
	"people.signouthint":   {"Ends all sessions and open links; tokens stay.", "Beendet alle Sitzungen und offenen Links; Token bleiben."},
	"people.notokens":      {"None.", "Keine."},
	"people.disablehint":   {"Let this person in no longer; tokens end with it. This can be undone.", "Diese Person nicht mehr einlassen, auch nicht mit Token. Das lässt sich zurücknehmen."},
	"people.isdisabled":    {"This person is disabled.", "Diese Person ist gesperrt."},
	"people.link":          {"Link for a person", "Link für eine Person"},
	"people.linkhint":      {"Give the person this link yourself, by no public way. It is good once, until %s, and is not shown again.", "Geben Sie der Person diesen Link selbst, auf keinem öffentlichen Weg. Er gilt einmal, bis %s, und wird nicht noch einmal gezeigt."},
	"people.blind":         {"A referrer sees nothing until “May see” says what.", "Eine Zuweisung sieht nichts, bis unter „Darf sehen“ steht, was."},
}
