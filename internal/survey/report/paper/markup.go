package paper

import (
	"html/template"
	"io"
	"strings"
)

// Kind is what a block of a text is.
type Kind int

// The kinds of blocks, and how a line of the text begins that makes one.
const (
	Paragraph Kind = iota // anything else; ends at an empty line
	Title                 // "# "
	Heading               // "## "
	Item                  // "- "
	Table                 // "| "; the first row is the head
	Rule                  // "---"
)

// Block is a part of a text.
type Block struct {
	Kind Kind
	Text string
	Rows [][]string // of a table
}

func (b Block) is(k Kind) bool { return b.Kind == k }

// Parse divides a text into blocks: a text that reads well as it is, and can be
// set as HTML and PDF.
func Parse(text string) []Block {
	var out []Block
	open := false // the last block takes more lines
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \r")
		kind, rest := kindOf(line)
		last := len(out) - 1
		switch {
		case line == "":
			open = false
			continue
		case kind == Table && open && out[last].is(Table):
			out[last].Rows = append(out[last].Rows, fields(rest))
			continue
		case kind == Table:
			out = append(out, Block{Kind: Table, Rows: [][]string{fields(rest)}})
		case kind == Paragraph && open && (out[last].is(Paragraph) || out[last].is(Item)):
			out[last].Text += " " + strings.TrimSpace(rest)
			continue
		default:
			out = append(out, Block{Kind: kind, Text: strings.TrimSpace(rest)})
		}
		open = kind != Title && kind != Heading && kind != Rule
	}
	return out
}

func kindOf(line string) (Kind, string) {
	for _, k := range []struct {
		prefix string
		kind   Kind
	}{{"# ", Title}, {"## ", Heading}, {"- ", Item}, {"| ", Table}} {
		if rest, ok := strings.CutPrefix(line, k.prefix); ok {
			return k.kind, rest
		}
	}
	if line == "---" {
		return Rule, ""
	}
	return Paragraph, line
}

// maxColumns is how many columns a table has at most: more would be too narrow
// to be read.
const maxColumns = 12

// fields divides a row, whose first bar is cut off.
func fields(row string) []string {
	var out []string
	for f := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(row), "|"), "|") {
		if len(out) < maxColumns {
			out = append(out, strings.TrimSpace(f))
		}
	}
	return out
}

// Set prints a text.
func (d *Doc) Set(blocks []Block) {
	for _, b := range blocks {
		switch b.Kind {
		case Title:
			d.Title(b.Text)
		case Heading:
			d.Heading(b.Text)
		case Item:
			d.Item(b.Text)
		case Rule:
			d.Rule()
		case Table:
			d.textTable(b.Rows)
		default:
			d.Text(b.Text)
		}
	}
}

func (d *Doc) textTable(rows [][]string) {
	columns := make([]Column, len(rows[0]))
	for i, t := range rows[0] {
		columns[i] = Column{Title: t}
	}
	var cells [][]Cell
	for _, r := range rows[1:] {
		cell := make([]Cell, len(columns))
		for i := range min(len(r), len(columns)) {
			cell[i] = Cell{Text: r[i]}
		}
		cells = append(cells, cell)
	}
	d.Table(columns, cells)
}

var page = template.Must(template.New("text").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.Title}}</title>
<style>
body{font:15px/1.5 system-ui,"Segoe UI",sans-serif;color:#1b2430;max-width:820px;margin:0 auto;padding:32px 24px}
h1{font-size:24px;line-height:1.25}h2{font-size:17px;margin:28px 0 6px}p{margin:0 0 10px}ul{margin:0 0 5px;padding-left:20px}hr{border:0;border-top:1px solid #d9dde2;margin:22px 0}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px;margin:6px 0 14px}th,td{padding:5px 8px;text-align:left;vertical-align:top;border-bottom:1px solid #d9dde2}th{background:#f4f6f8}
@media print{body{padding:0;max-width:none}h2{break-after:avoid}tr,li{break-inside:avoid}}
</style></head><body>
{{range .Blocks}}{{if eq .Kind 1}}<h1>{{.Text}}</h1>{{else if eq .Kind 2}}<h2>{{.Text}}</h2>{{else if eq .Kind 3}}<ul><li>{{.Text}}</li></ul>{{else if eq .Kind 4}}<div class="wide"><table>{{range $i, $r := .Rows}}<tr>{{range $r}}{{if $i}}<td>{{.}}</td>{{else}}<th>{{.}}</th>{{end}}{{end}}</tr>{{end}}</table></div>{{else if eq .Kind 5}}<hr>{{else}}<p>{{.Text}}</p>{{end}}
{{end}}</body></html>
`))

// HTML writes a text as one page that needs nothing from outside.
func HTML(w io.Writer, o Options, blocks []Block) error {
	return page.Execute(w, map[string]any{"Language": o.Language, "Title": o.Title, "Blocks": blocks})
}

// PDF writes a text as PDF.
func PDF(w io.Writer, o Options, blocks []Block) error {
	d := New(o)
	d.Set(blocks)
	return d.Write(w)
}
