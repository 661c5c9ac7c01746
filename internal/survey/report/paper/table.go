package paper

import "strings"

// Column heads a column of a table.
type Column struct {
	Title string
	Right bool // numbers stand to the right
}

// Cell is a field of a table.
type Cell struct {
	Text string
	On   *Colour // a patch of colour behind white letters; nil for none
	Bold bool
	// Squares are printed side by side, in place of the text.
	Squares []Colour
}

const (
	tableSize = 7.8
	tableTall = 3.9
	pad       = 1.2
	square    = 2.3 // from one to the next
)

// Table prints a table; its head is repeated on each page, a row is not divided.
func (d *Doc) Table(columns []Column, rows [][]Cell) {
	head := make([]Cell, len(columns))
	for i, c := range columns {
		head[i] = Cell{Text: c.Title, Bold: true}
	}
	wide := d.widths(head, rows)
	d.Room(4 * tableTall)
	d.row(columns, wide, head, true)
	_, high := d.f.GetPageSize()
	for _, r := range rows {
		if d.f.GetY()+d.tall(wide, r) > high-margin {
			d.f.AddPage()
			d.row(columns, wide, head, true)
		}
		d.row(columns, wide, r, false)
	}
	d.f.Ln(2)
	d.plain()
}

// widths gives each column what its longest word needs, so that no word is
// broken if that can be, and divides the rest by what the columns want.
func (d *Doc) widths(head []Cell, rows [][]Cell) []float64 {
	need, want := make([]float64, len(head)), make([]float64, len(head))
	measure := func(r []Cell) {
		for i, c := range r {
			d.style(c)
			need[i] = max(need[i], min(float64(len(c.Squares))*square+2*pad, d.width*0.4))
			want[i] = max(want[i], need[i], min(d.f.GetStringWidth(d.clean(c.Text))+2*pad+1, d.width/2))
			for word := range strings.SplitSeq(d.clean(c.Text), " ") {
				need[i] = max(need[i], min(d.f.GetStringWidth(word)+2*pad+1, d.width*0.3))
			}
		}
	}
	measure(head)
	for _, r := range rows {
		measure(r)
	}
	needs, extra := 0.0, 0.0
	for i := range need {
		need[i] = max(need[i], 6)
		needs += need[i]
		extra += max(want[i]-need[i], 0)
	}
	for i := range need {
		switch left := d.width - needs; {
		case left < 0:
			need[i] *= d.width / needs
		case extra > 0:
			need[i] += left * max(want[i]-need[i], 0) / extra
		default:
			need[i] += left / float64(len(need))
		}
	}
	return need
}

func (d *Doc) style(c Cell) {
	style := ""
	if c.Bold {
		style = "B"
	}
	d.f.SetFont(family, style, tableSize)
}

func (d *Doc) lines(c Cell, wide float64) []string {
	d.style(c)
	return d.f.SplitText(d.clean(c.Text), wide)
}

// tall returns how tall a row is: as its tallest cell.
func (d *Doc) tall(wide []float64, r []Cell) float64 {
	n := 1
	for i, c := range r {
		n = max(n, len(d.lines(c, wide[i]-2*pad)))
	}
	return float64(n)*tableTall + 2*pad
}

func (d *Doc) row(columns []Column, wide []float64, r []Cell, head bool) {
	x, y := margin, d.f.GetY()
	tall := d.tall(wide, r)
	if head {
		d.fill(Pale)
		d.f.Rect(x, y, d.width, tall, "F")
	}
	for i, c := range r {
		align := "L"
		if columns[i].Right {
			align = "R"
		}
		d.squares(c, x+pad, y+pad)
		text := d.lines(c, wide[i]-2*pad)
		d.ink(black)
		if c.On != nil {
			d.fill(*c.On)
			d.f.Rect(x+0.5, y+0.6, wide[i]-1, tableTall+1, "F")
			d.ink(white)
			align = "C"
		}
		for n, line := range text {
			d.f.SetXY(x+pad, y+pad+float64(n)*tableTall)
			d.f.CellFormat(wide[i]-2*pad, tableTall, line, "", 0, align, false, 0, "")
		}
		x += wide[i]
	}
	d.f.SetDrawColor(line[0], line[1], line[2])
	d.f.Line(margin, y+tall, margin+d.width, y+tall)
	d.f.SetXY(margin, y+tall)
}

func (d *Doc) squares(c Cell, x, y float64) {
	for i, on := range c.Squares {
		d.fill(on)
		d.f.Rect(x+float64(i)*square, y+0.5, square-0.4, tableTall-1, "F")
	}
}
