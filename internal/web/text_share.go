package web

import "maps"

func init() { maps.Copy(texts, shareTexts) }

// shareTexts are the texts behind the link of a share.
var shareTexts = map[string]text{
	"share.title":      {"Images that were shared with you", "Bilder, die mit Ihnen geteilt wurden"},
	"share.birth":      {"Enter the patient's date of birth to see them.", "Geben Sie das Geburtsdatum der Patientin oder des Patienten ein, um sie zu sehen."},
	"share.birthlabel": {"Date of birth", "Geburtsdatum"},
	"share.code":       {"Enter the code that you were given beside the link.", "Geben Sie den Code ein, den Sie zusätzlich zum Link bekommen haben."},
	"share.codelabel":  {"Code", "Code"},
	"share.button":     {"Show the images", "Bilder zeigen"},
	"share.wrong":      {"That is not right. After too many attempts the link ends.", "Das stimmt nicht. Nach zu vielen Versuchen gilt der Link nicht mehr."},
	"share.gone":       {"This link is not good, or no longer. Ask whoever sent it.", "Dieser Link gilt nicht oder nicht mehr. Fragen Sie, wer ihn geschickt hat."},
}
