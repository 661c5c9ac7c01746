package viewer

import (
	"strconv"
	"strings"
)

const (
	english = "en"
	german  = "de"
)

// words are the texts of ours on the viewer's pages.
type words struct {
	Title        string `json:"title"`
	Back         string `json:"back"`
	NotForUse    string `json:"notForUse"`
	NoScript     string `json:"noScript"`
	SignedOut    string `json:"signedOut"`
	SignInAgain  string `json:"signInAgain"`
	Absent       string `json:"-"`
	AbsentHow    string `json:"-"`
	AbsentEffect string `json:"-"`
}

var texts = map[string]words{
	english: {
		Title: "Viewer", Back: "Study list", NotForUse: "Not for primary diagnosis",
		NoScript:     "The viewer needs JavaScript.",
		SignedOut:    "Your session has ended. What you have measured is still here, and not stored yet.",
		SignInAgain:  "Sign in again in a new tab, then go on here",
		Absent:       "This build of the archive has no viewer",
		AbsentHow:    "Whoever builds it adds one: with Node and npm installed, run these in the source folder, and start the archive again.",
		AbsentEffect: "Everything else works. Studies can be opened with any workstation that speaks DICOM or DICOMweb.",
	},
	german: {
		Title: "Betrachter", Back: "Studienliste", NotForUse: "Nicht zur Primärbefundung",
		NoScript:     "Der Betrachter braucht JavaScript.",
		SignedOut:    "Ihre Sitzung ist beendet. Was Sie gemessen haben, ist noch hier, aber noch nicht gespeichert.",
		SignInAgain:  "In einem neuen Tab wieder anmelden, dann hier weiterarbeiten",
		Absent:       "Diese Fassung des Archivs hat keinen Betrachter",
		AbsentHow:    "Wer sie baut, fügt ihn hinzu: Node und npm installieren, dann im Quellordner diese Befehle ausführen und das Archiv neu starten.",
		AbsentEffect: "Alles andere geht. Studien lassen sich mit jeder Workstation öffnen, die DICOM oder DICOMweb spricht.",
	},
}

// preferred returns the language of ours that a list of languages (RFC 9110
// section 12.5.4) likes best, English if it names none of them.
func preferred(list string) string {
	best, bestQ := english, 0.0
	for entry := range strings.SplitSeq(list, ",") {
		tag, parameters, _ := strings.Cut(entry, ";")
		tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		q := 1.0
		if weight, given := strings.CutPrefix(strings.TrimSpace(parameters), "q="); given {
			var err error
			if q, err = strconv.ParseFloat(weight, 64); err != nil {
				continue
			}
		}
		if _, known := texts[tag]; known && q > bestQ {
			best, bestQ = tag, q
		}
	}
	return best
}
