package paper

// Bar is one bar of a chart.
type Bar struct {
	Label string
	N     int
	On    Colour
}

// Bars prints a chart of bars that lie; the longest fills the width.
func (d *Doc) Bars(bars []Bar) {
	const tall, labelWide, numberWide = 5.4, 34.0, 16.0
	most := 1
	for _, b := range bars {
		most = max(most, b.N)
	}
	full := min(d.width, 170) - labelWide - numberWide
	for _, b := range bars {
		d.Room(tall)
		y := d.f.GetY()
		d.f.CellFormat(labelWide, tall, d.clean(b.Label), "", 0, "L", false, 0, "")
		d.f.CellFormat(numberWide-3, tall, itoa(b.N), "", 0, "R", false, 0, "")
		d.fill(b.On)
		d.f.Rect(margin+labelWide+numberWide, y+0.9, max(full*float64(b.N)/float64(most), 0.5), tall-1.8, "F")
		d.f.SetXY(margin, y+tall)
	}
	d.f.Ln(2)
}

// Tile is a square of a map.
type Tile struct {
	X, Y        int
	Label, Mark string
	On          Colour
	Pale        bool // dark letters
}

// Tiles prints a map of tiles.
func (d *Doc) Tiles(tiles []Tile) {
	columns, rows := 1, 1
	for _, t := range tiles {
		columns, rows = max(columns, t.X+1), max(rows, t.Y+1)
	}
	wide := min(d.width/float64(columns), 10.4)
	tall := wide * 0.69
	d.Room(float64(rows)*tall + 4)
	top := d.f.GetY()
	for _, t := range tiles {
		x, y := margin+float64(t.X)*wide, top+float64(t.Y)*tall
		d.fill(t.On)
		d.f.RoundedRect(x, y, wide-0.6, tall-0.6, 0.7, "1234", "F")
		d.ink(white)
		if t.Pale {
			d.ink(grey)
		}
		d.f.SetFont(family, "B", 5.6)
		d.f.SetXY(x, y+0.5)
		lines := tall/2 - 0.5
		if t.Mark == "" {
			lines = tall - 1.6
		}
		d.f.CellFormat(wide-0.6, lines, d.clean(t.Label), "", 0, "C", false, 0, "")
		if t.Mark != "" {
			d.f.SetFont(family, "", 5.2)
			d.f.SetXY(x, y+tall/2-0.3)
			d.f.CellFormat(wide-0.6, lines, d.clean(t.Mark), "", 0, "C", false, 0, "")
		}
	}
	d.f.SetXY(margin, top+float64(rows)*tall+3)
	d.plain()
}
