// Package paper lays out what the survey prints: headings, paragraphs, lists,
// tables, bars and a map of tiles on A4 pages of PDF, and the same text as a page
// of HTML. It knows nothing of the survey.
//
// The fonts are the Go fonts, embedded: Latin, Greek and Cyrillic letters are
// there. Letters with marks that they lack lose the marks; for others a sign is
// printed, and the document says at its end what the sign means.
package paper

import (
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// Options say what a document is.
type Options struct {
	Title     string
	Language  string // de or en
	Footer    string // at the foot of each page, before the page number
	Landscape bool
	Made      time.Time // two documents of one content and time are equal
}

// Doc is a document under way. It is for one goroutine. What goes wrong shows
// when it is written.
type Doc struct {
	f        *fpdf.Fpdf
	width    float64 // between the margins
	language string
	lacking  bool // something was printed as the sign for what the fonts lack
}

// Measures, in millimetres and points.
const (
	margin   = 18.0
	family   = "go"
	textSize = 9.5
	lineTall = 4.8
)

// New begins a document.
func New(o Options) *Doc {
	orientation := "P"
	if o.Landscape {
		orientation = "L"
	}
	f := fpdf.New(orientation, "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(o.Made)
	f.SetModificationDate(o.Made)
	wide, _ := f.GetPageSize()
	d := &Doc{f: f, width: wide - 2*margin, language: o.Language}
	foot := d.clean(o.Footer)
	f.SetTitle(d.clean(o.Title), true)
	f.SetLang(o.Language)
	f.SetCreator("tresor survey", true)
	f.SetProducer("tresor survey", true)
	f.AddUTF8FontFromBytes(family, "", goregular.TTF)
	f.AddUTF8FontFromBytes(family, "B", gobold.TTF)
	f.SetMargins(margin, margin, margin)
	f.SetCellMargin(0)
	f.SetAutoPageBreak(true, margin)
	f.AliasNbPages("{n}")
	f.SetFooterFunc(func() {
		f.SetY(-12)
		f.SetFont(family, "", 7.5)
		d.ink(grey)
		f.CellFormat(d.width/2, 4, foot, "", 0, "L", false, 0, "")
		word := "Page"
		if o.Language == "de" {
			word = "Seite"
		}
		f.CellFormat(d.width/2, 4, word+" "+itoa(f.PageNo())+" / {n}", "", 0, "R", false, 0, "")
	})
	f.AddPage()
	d.plain()
	return d
}

// Write writes the document, which is at its end then.
func (d *Doc) Write(w io.Writer) error {
	if d.lacking {
		d.Rule()
		d.Text(lackNote[d.language == "de"])
	}
	return d.f.Output(w)
}

// Colour is red, green and blue.
type Colour [3]int

// The colours of the reports.
var (
	Red    = Colour{0xb3, 0x26, 0x1e}
	Yellow = Colour{0xb0, 0x79, 0x00}
	Green  = Colour{0x2e, 0x7d, 0x4f}
	Blue   = Colour{0x3b, 0x6e, 0xa5}
	Grey   = Colour{0xc5, 0xcb, 0xd2}
	Pale   = Colour{0xe6, 0xe9, 0xed}
	black  = Colour{0x1b, 0x24, 0x30}
	grey   = Colour{0x5b, 0x66, 0x73}
	white  = Colour{0xff, 0xff, 0xff}
	line   = Colour{0xd0, 0xd5, 0xdb}
)

func (d *Doc) ink(c Colour)  { d.f.SetTextColor(c[0], c[1], c[2]) }
func (d *Doc) fill(c Colour) { d.f.SetFillColor(c[0], c[1], c[2]) }

func (d *Doc) plain() {
	d.f.SetFont(family, "", textSize)
	d.ink(black)
}

// Room begins a new page unless that much, in millimetres, is left of this one.
func (d *Doc) Room(tall float64) {
	_, high := d.f.GetPageSize()
	if d.f.GetY()+tall > high-margin {
		d.f.AddPage()
	}
}
