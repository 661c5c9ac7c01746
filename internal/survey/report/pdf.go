package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/report/paper"
)

// PDF writes what HTML writes, for paper.
func PDF(w io.Writer, s *Survey, o Options) error {
	c := s.content(o)
	d := paper.New(paper.Options{Title: "Exposure survey", Language: "en", Landscape: true, Made: o.Made,
		Footer: "Exposure survey, made " + c.Made})
	d.Title("Exposure survey")
	c.summary(d)
	c.states(d)
	c.charts(d)
	c.tiles(d)
	c.table(d)
	c.worst(d)
	c.inventory(d)
	c.rules(d)
	c.vulnerabilities(d)
	return d.Write(w)
}

func (c *content) summary(d *paper.Doc) {
	about := "Made " + c.Made + "."
	for _, r := range c.Survey.Runs[:min(len(c.Survey.Runs), 5)] {
		about += fmt.Sprintf(" Run of %s under scope %s", r.Started.UTC().Format("2006-01-02 15:04 UTC"), r.Scope)
		if r.Owner != "" {
			about += " of " + r.Owner
		}
		about += ", up to " + r.Level + "."
	}
	if c.Survey.Interrupted > 0 {
		about += fmt.Sprintf(" %d ports were begun and not finished.", c.Survey.Interrupted)
	}
	d.Text(about)
	cards := []paper.Card{{Figure: strconv.Itoa(c.All.Seen), Label: "systems looked at"}, {Figure: strconv.Itoa(c.All.Answered), Label: "answered"},
		{Figure: strconv.Itoa(c.All.Open), Label: "open to anybody"}, {Figure: group(c.All.Studies), Label: "studies counted"},
		{Figure: group(c.All.Images), Label: "images counted"}, {Figure: Share(c.All.TLS, c.All.Answered), Label: "with TLS"}}
	if c.Compared {
		cards = append(cards, paper.Card{Figure: fmt.Sprintf("%d / %d", c.Changes[Fixed], c.Changes[Gone]), Label: "fixed / gone since then"},
			paper.Card{Figure: fmt.Sprintf("%d / %d", c.Changes[New], c.Changes[Worse]), Label: "new / opened since then"})
	}
	d.Cards(cards)
	d.Text("Open means that a query was permitted, or that DICOMweb, REST or a viewer answered, without any login. No patient's data was read: the query asked for a study that does not exist. Whether somebody else has read the data cannot be seen from outside; the servers' own logs may tell.")
}

func (c *content) states(d *paper.Doc) {
	d.Heading("What was found at each port")
	var bars []paper.Bar
	for _, s := range c.States {
		bars = append(bars, paper.Bar{Label: string(s.State), N: s.N, On: paper.Blue})
	}
	d.Bars(bars)
}

func (c *content) tiles(d *paper.Doc) {
	if len(c.Tiles) == 0 {
		return
	}
	d.Room(150)
	d.Heading("Map")
	d.Text("A tile for each country: green has no open system, yellow has fewer than before, red has open systems. The number is that of open systems.")
	var tiles []paper.Tile
	for _, t := range c.Tiles {
		p := paper.Tile{X: t.X, Y: t.Y, Label: t.Code, On: classColour(t.Class), Pale: t.Class == ""}
		if t.Class != "" {
			p.Mark = strconv.Itoa(t.Open)
		}
		tiles = append(tiles, p)
	}
	d.Tiles(tiles)
}

func (c *content) charts(d *paper.Doc) {
	for _, chart := range c.Charts {
		d.Heading(chart.Title)
		var bars []paper.Bar
		for _, b := range chart.Bars {
			on := paper.Blue
			if b.Class != "" {
				on = severityColour(b.Class)
			}
			bars = append(bars, paper.Bar{Label: b.Label, N: b.N, On: on})
		}
		d.Bars(bars)
	}
}

func classColour(class string) paper.Colour {
	switch class {
	case "good":
		return paper.Green
	case "bad":
		return paper.Yellow
	case "ugly":
		return paper.Red
	}
	return paper.Pale
}

func severityColour(colour string) paper.Colour {
	switch colour {
	case "red":
		return paper.Red
	case "yellow":
		return paper.Yellow
	}
	return paper.Green
}

func (c *content) table(d *paper.Doc) {
	d.Page()
	d.Heading("Countries")
	d.Text("A system is an address with all its ports. Suspected traps are not counted.")
	columns := []paper.Column{{Title: "Country"}, {Title: "Looked at", Right: true}, {Title: "Answered", Right: true},
		{Title: "Accepted", Right: true}, {Title: "Open", Right: true}, {Title: "Studies", Right: true},
		{Title: "Images", Right: true}, {Title: "Images retrievable", Right: true}, {Title: "By HTTP", Right: true},
		{Title: "TLS", Right: true}, {Title: "AE check", Right: true}, {Title: "CVE poss. / conf.", Right: true},
		{Title: "Identical software", Right: true}}
	if c.Compared {
		columns = append(columns, paper.Column{Title: "Gone / fixed / new", Right: true})
	}
	columns = append(columns, paper.Column{Title: "Class"}, paper.Column{Title: "Products"})
	var rows [][]paper.Cell
	for _, x := range c.Countries {
		rows = append(rows, c.countryRow(x))
	}
	d.Table(columns, rows)
}

func (c *content) countryRow(x *Country) []paper.Cell {
	name, sum := x.Code, x.Code == "all"
	if name == "" {
		name = "unknown"
	}
	texts := []string{name, strconv.Itoa(x.Seen), strconv.Itoa(x.Answered), strconv.Itoa(x.Accepted), strconv.Itoa(x.Open),
		group(x.Studies), group(x.Images), group(x.Retrievable), strconv.Itoa(x.ByHTTP), Share(x.TLS, x.Answered), Share(x.AECheck, x.Answered),
		fmt.Sprintf("%d / %d", x.Possible, x.Confirmed), strconv.Itoa(x.Clusters)}
	if c.Compared {
		texts = append(texts, fmt.Sprintf("%d / %d / %d", x.Changes[Gone], x.Changes[Fixed], x.Changes[New]))
	}
	var cells []paper.Cell
	for _, t := range texts {
		cells = append(cells, paper.Cell{Text: t, Bold: sum})
	}
	on := classColour(x.Class)
	return append(cells, paper.Cell{Text: x.Class, On: &on}, paper.Cell{Text: x.Products})
}

func (c *content) worst(d *paper.Doc) {
	d.Heading("Worst systems")
	columns := []paper.Column{{Title: "Severity"}, {Title: "System"}, {Title: "State"}, {Title: "Product"},
		{Title: "Studies", Right: true}, {Title: "Images", Right: true}}
	if c.Compared {
		columns = append(columns, paper.Column{Title: "Since"})
	}
	columns = append(columns, paper.Column{Title: "Findings"}, paper.Column{Title: "Vector"})
	var rows [][]paper.Cell
	for _, r := range c.Worst {
		on := severityColour(survey.Colour(r.Severity))
		var ids []string
		for _, f := range r.Findings {
			ids = append(ids, f.ID)
		}
		cells := []paper.Cell{{Text: fmt.Sprintf("%.1f", r.Severity), On: &on}, {Text: strings.TrimSpace(r.Address + " " + r.Domain + " " + r.Country)},
			{Text: string(r.State)}, {Text: strings.TrimSpace(r.Product + " " + r.Version)}, {Text: English.amount(studiesOf(r.Result))}, {Text: English.amount(imagesOf(r.Result))}}
		if c.Compared {
			cells = append(cells, paper.Cell{Text: string(r.Change)})
		}
		rows = append(rows, append(cells, paper.Cell{Text: strings.Join(ids, ", ")}, paper.Cell{Text: r.Vector}))
	}
	d.Table(columns, rows)
	if c.More > 0 {
		d.Text(fmt.Sprintf("And %d more, in the CSV.", c.More))
	}
}

// inventory prints the time lines.
func (c *content) inventory(d *paper.Doc) {
	if len(c.Inventory) == 0 {
		return
	}
	d.Heading("Inventory")
	d.Text("Each port that the local database knows, with a square for each time that it was looked at, the oldest first. The colour is that of the severity; grey did not answer.")
	columns := []paper.Column{{Title: "Port"}, {Title: "Now"}, {Title: "First seen"}, {Title: "Last seen"}, {Title: "Looks", Right: true}, {Title: "Time line"}}
	var rows [][]paper.Cell
	for _, l := range c.Inventory {
		cells := []paper.Cell{{Text: l.Address}, {Text: string(l.Last.State)}, {Text: moment(l.First.Time)}, {Text: moment(l.Last.Time)}, {Text: strconv.Itoa(l.Looks)}}
		var squares []paper.Colour
		for _, s := range l.Shown {
			on := paper.Grey
			if s.Severity > 0 {
				on = severityColour(survey.Colour(s.Severity))
			}
			squares = append(squares, on)
		}
		rows = append(rows, append(cells, paper.Cell{Squares: squares}))
	}
	d.Table(columns, rows)
	if c.Unshown > 0 {
		d.Text(fmt.Sprintf("And %d more, by tresor survey search.", c.Unshown))
	}
}

func (c *content) rules(d *paper.Doc) {
	d.Heading("Findings and how to mend them")
	for _, r := range c.Rules {
		d.Strong(fmt.Sprintf("%s %s (%s)", r.ID, r.Title, ports(r.Systems, English)))
		d.Text(r.Remedy)
		for _, s := range r.Remedies {
			d.Item(s)
		}
	}
}
