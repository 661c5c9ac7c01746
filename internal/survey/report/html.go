package report

import (
	"cmp"
	_ "embed"
	"html/template"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"of":    func(n map[Change]int, c string) int { return n[Change(c)] },
	"share": Share, "group": group,
	"studies": func(r *survey.Result) string { return English.amount(studiesOf(r)) },
	"images":  func(r *survey.Result) string { return English.amount(imagesOf(r)) },
	"note":    func() string { return vulnerabilityNote }, "colour": survey.Colour, "mul": func(a, b int) int { return a * b },
	"width": func(part, whole int) int { return 100 * part / max(whole, 1) }, "moment": moment,
}).Parse(pageText))

// group writes a number with thin spaces between thousands.
func group(n int64) string {
	s := count(&n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

const maxWorst = 100

type row struct {
	Address string
	*survey.Result
	Domain string
	Change Change
}

type ruleRow struct {
	survey.Rule
	Systems  int
	Remedies []string // as they are for the products that have it
}

type stateRow struct {
	State survey.State
	N     int
}

// Options are what a report is made with besides the survey.
type Options struct {
	Before  *Survey // an earlier survey to compare with; nil for none
	Made    time.Time
	History History // of the inventory; nil for none
}

// content is what HTML and PDF show.
type content struct {
	Made            string
	Survey          *Survey
	Countries       []*Country
	All             *Country
	Tiles           []Tile
	Worst           []row
	More            int
	Rules           []ruleRow
	States          []stateRow
	Charts          []chart
	Compared        bool
	Changes         map[Change]int
	Inventory       []line
	Vulnerabilities []vulnerabilityRow
	Unshown         int // lines that the inventory has beyond those
}

func (s *Survey) content(o Options) *content {
	var changes map[netip.AddrPort]Change
	if o.Before != nil {
		changes = Compare(o.Before, s)
	}
	rows := Countries(s, o.Before)
	all := rows[len(rows)-1]
	c := &content{Made: o.Made.UTC().Format("2006-01-02 15:04 MST"), Survey: s, Countries: rows, All: all,
		Tiles: Tiles(rows), Worst: worst(s, changes), More: max(0, found(s)-maxWorst),
		Rules: rulesOf(s), States: states(s), Vulnerabilities: vulnerabilities(s), Charts: charts(s), Compared: o.Before != nil, Changes: all.Changes}
	c.Inventory, c.Unshown = o.History.lines()
	return c
}

// HTML writes one page that needs nothing from outside and runs no script.
func HTML(w io.Writer, s *Survey, o Options) error { return page.Execute(w, s.content(o)) }

func found(s *Survey) (n int) {
	for _, e := range s.Systems {
		if answers(result(e)) {
			n++
		}
	}
	return n
}

func worst(s *Survey, changes map[netip.AddrPort]Change) []row {
	var out []row
	for _, e := range s.Systems {
		if answers(result(e)) {
			out = append(out, row{at(e).String(), result(e), e.Domain, changes[at(e)]})
		}
	}
	slices.SortStableFunc(out, func(a, b row) int { return cmp.Compare(b.Severity, a.Severity) })
	return out[:min(len(out), maxWorst)]
}

func rulesOf(s *Survey) []ruleRow {
	var out []ruleRow
	for _, r := range survey.Rules {
		x := ruleRow{Rule: r}
		for _, e := range s.Systems {
			for _, f := range result(e).Findings {
				if f.ID != r.ID {
					continue
				}
				x.Systems++
				if extra := strings.TrimSpace(strings.TrimPrefix(f.Remedy, r.Remedy)); extra != "" && !slices.Contains(x.Remedies, extra) {
					x.Remedies = append(x.Remedies, extra)
				}
			}
		}
		if x.Systems > 0 {
			out = append(out, x)
		}
	}
	return out
}

func states(s *Survey) []stateRow {
	n := map[survey.State]int{}
	for _, e := range s.Systems {
		n[result(e).State]++
	}
	var out []stateRow
	for _, state := range []survey.State{survey.WebOpen, survey.Queryable, survey.Undecided, survey.Stores, survey.Associates,
		survey.Refused, survey.MutualTLS, survey.NotDICOM, survey.Filtered, survey.Closed} {
		if n[state] > 0 {
			out = append(out, stateRow{state, n[state]})
		}
	}
	return out
}
