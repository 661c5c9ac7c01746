package paper

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// Title prints the title of the document.
func (d *Doc) Title(s string) {
	d.f.SetFont(family, "B", 18)
	d.ink(black)
	d.f.MultiCell(d.width, 8, d.clean(s), "", "L", false)
	d.f.Ln(2)
	d.plain()
}

// Heading prints a heading, which stays with what follows it.
func (d *Doc) Heading(s string) {
	d.Room(24)
	d.f.Ln(3)
	d.f.SetFont(family, "B", 12)
	d.f.MultiCell(d.width, 6, d.clean(s), "", "L", false)
	d.f.Ln(1)
	d.plain()
}

// Strong prints a line that heads a paragraph.
func (d *Doc) Strong(s string) {
	d.Room(14)
	d.f.SetFont(family, "B", textSize)
	d.f.MultiCell(d.width, lineTall, d.clean(s), "", "L", false)
	d.plain()
}

// Text prints a paragraph.
func (d *Doc) Text(s string) {
	d.f.MultiCell(min(d.width, 190), lineTall, d.clean(s), "", "L", false)
	d.f.Ln(1.6)
}

// Item prints a paragraph of a list.
func (d *Doc) Item(s string) {
	d.Room(lineTall)
	x := d.f.GetX()
	d.f.CellFormat(5, lineTall, "•", "", 0, "C", false, 0, "")
	d.f.MultiCell(min(d.width, 190)-5, lineTall, d.clean(s), "", "L", false)
	d.f.SetX(x)
	d.f.Ln(0.8)
}

// Rule prints a line across the page.
func (d *Doc) Rule() {
	d.f.Ln(2)
	d.f.SetDrawColor(line[0], line[1], line[2])
	y := d.f.GetY()
	d.f.Line(margin, y, margin+d.width, y)
	d.f.Ln(3)
}

// Card is a figure and what it counts.
type Card struct{ Figure, Label string }

// Cards prints figures side by side.
func (d *Doc) Cards(cards []Card) {
	const tall = 17.0
	d.Room(tall + 4)
	wide := (d.width + 3) / float64(max(len(cards), 1))
	y := d.f.GetY()
	d.f.SetDrawColor(line[0], line[1], line[2])
	for i, c := range cards {
		x := margin + float64(i)*wide
		d.f.RoundedRect(x, y, wide-3, tall, 1.5, "1234", "D")
		d.f.SetXY(x+2, y+2)
		d.f.SetFont(family, "B", d.fit(c.Figure, 14, wide-7))
		d.ink(black)
		d.f.CellFormat(wide-7, 7, d.clean(c.Figure), "", 0, "L", false, 0, "")
		d.f.SetXY(x+2, y+9.5)
		d.f.SetFont(family, "", d.fit(c.Label, 8, wide-7))
		d.ink(grey)
		d.f.CellFormat(wide-7, 5, d.clean(c.Label), "", 0, "L", false, 0, "")
	}
	d.f.SetXY(margin, y+tall+4)
	d.plain()
}

// fit returns the font size, at most size, in which s is not wider than wide.
func (d *Doc) fit(s string, size, wide float64) float64 {
	d.f.SetFont(family, "B", size)
	if w := d.f.GetStringWidth(d.clean(s)); w > wide {
		return max(size*wide/w, 4)
	}
	return size
}

// Page begins a new page.
func (d *Doc) Page() { d.f.AddPage() }
