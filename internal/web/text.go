package web

// text is one text in the languages of the pages.
type text struct{ en, de string }

// texts is the catalogue of all that pages say, by key. Tests hold that each text
// is there in both languages with the same arguments, and that each is used.
var texts = map[string]text{
	// The frame.
	"app.skip":     {"Skip to the content", "Zum Inhalt springen"},
	"app.menu":     {"Menu", "Menü"},
	"app.language": {"Language", "Sprache"},
	"app.colours":  {"Colours", "Farben"},
	"app.auto":     {"Automatic", "Automatisch"},
	"app.light":    {"Light", "Hell"},
	"app.dark":     {"Dark", "Dunkel"},
	"app.signout":  {"Sign out", "Abmelden"},
	"app.account":  {"Settings and signing out", "Einstellungen und Abmelden"},
	"app.settings": {"Settings", "Einstellungen"},
	"app.notice":   {"Not for primary diagnosis.", "Nicht zur Befundung bestimmt."},
	"menu.studies": {"Studies", "Studien"},
	"home.title":   {"Welcome", "Willkommen"},
	"home.nothing": {"Your account shows no images. What it may do is in the menu.", "Ihr Konto zeigt keine Bilder. Was es darf, steht im Menü."},

	// Sign-in and set-up.
	"signin.title":    {"Sign in", "Anmelden"},
	"signin.lead":     {"Image archive", "Bildarchiv"},
	"signin.name":     {"User name", "Benutzername"},
	"signin.password": {"Password", "Passwort"},
	"signin.button":   {"Sign in", "Anmelden"},
	"signin.or":       {"or", "oder"},
	"signin.wrong":    {"User name or password is wrong.", "Benutzername oder Passwort ist falsch."},
	"signin.wait":     {"Too many attempts. Please wait a minute.", "Zu viele Versuche. Bitte warten Sie eine Minute."},
	"signin.idle":     {"You were signed out because nothing happened for a while.", "Sie wurden abgemeldet, weil eine Weile nichts geschah."},
	"signin.ended":    {"Your session has ended. Please sign in again.", "Ihre Sitzung ist beendet. Bitte melden Sie sich neu an."},
	"setup.title":     {"Set up your account", "Konto einrichten"},
	"setup.first":     {"You are the first one here and will manage this archive: you enrol devices and people, and see no images.", "Sie sind die erste Person hier und verwalten dieses Archiv: Sie melden Geräte und Personen an und sehen keine Bilder."},
	"setup.invited":   {"Choose a password. Nobody else will know it.", "Wählen Sie ein Passwort. Niemand sonst kennt es."},
	"setup.again":     {"Password, once more", "Passwort, noch einmal"},
	"setup.hint":      {"At least 8 characters; a sentence is best.", "Mindestens 8 Zeichen, am besten ein Satz."},
	"setup.hintname":  {"Lower-case letters, digits, dots and hyphens.", "Kleinbuchstaben, Ziffern, Punkte und Bindestriche."},
	"setup.button":    {"Set up the account", "Konto einrichten"},
	"setup.gone":      {"This link is not good any more: it was used, replaced, or has expired. Ask for another.", "Dieser Link gilt nicht mehr: Er wurde benutzt, ersetzt oder ist abgelaufen. Bitten Sie um einen neuen."},
	"setup.name":      {"That is no user name.", "Das ist kein Benutzername."},
	"setup.password":  {"The password is too short.", "Das Passwort ist zu kurz."},
	"setup.differ":    {"The two passwords differ.", "Die beiden Passwörter sind verschieden."},

	// What goes wrong.
	"error.title":   {"This did not work", "Das ging nicht"},
	"error.absent":  {"This page does not exist, or not for you.", "Diese Seite gibt es nicht, oder nicht für Sie."},
	"error.foreign": {"The request did not come from a page of this archive.", "Die Anfrage kam nicht von einer Seite dieses Archivs."},
	"error.form":    {"What was sent cannot be read.", "Was gesendet wurde, lässt sich nicht lesen."},
	"error.denied":  {"Your role does not permit this.", "Ihre Rolle erlaubt das nicht."},
	"error.failed":  {"The archive could not answer. The administrators find the reason in its log.", "Das Archiv konnte nicht antworten. Den Grund finden die Administratoren im Protokoll."},
	"error.back":    {"Back to the start", "Zurück zum Anfang"},
	"bounce.go":     {"Continue", "Weiter"},
}
