package report

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/report/paper"
)

//go:embed text
var textFiles embed.FS

var texts = template.Must(template.New("").Funcs(template.FuncMap{"cell": oneLine}).ParseFS(textFiles, "text/*.txt"))

// letterSeverity is from which severity on a network's owner is written to: any
// caller is accepted, or worse.
const letterSeverity = 4

// Paper is a letter or a sheet: one text that is set as it is, as HTML and as PDF.
type Paper struct {
	Name     string // for a file, without its end
	Title    string
	Language Language
	Footer   string
	Made     time.Time
	Text     string
}

// HTML writes the paper as a page that needs nothing from outside.
func (p *Paper) HTML(w io.Writer) error { return paper.HTML(w, p.options(), paper.Parse(p.Text)) }

// PDF writes the paper as PDF.
func (p *Paper) PDF(w io.Writer) error { return paper.PDF(w, p.options(), paper.Parse(p.Text)) }

func (p *Paper) options() paper.Options {
	return paper.Options{Title: p.Title, Language: string(p.Language), Footer: p.Footer, Made: p.Made}
}

// facts are what both kinds of papers say of a set of ports.
type facts struct {
	Scope, Owner, Contact, Date string
	Network, Country            string
	ASN                         uint32
	Open                        int
	Systems                     []factRow
	Findings                    []factFinding
}

type factRow struct{ Address, State, Severity, Vector, Studies, Product, Proof, Seen string }

type factFinding struct {
	ID, Title, Remedy string
	Systems           string
	worst             float64
}

// Letters writes to the owner of each network in which somebody stands open,
// in a language. Networks are told apart by the name that the user's files give.
func Letters(s *Survey, l Language, now time.Time) ([]*Paper, error) {
	groups := map[string][]*survey.Envelope{}
	for _, e := range s.Systems {
		if r := result(e); r.Severity >= letterSeverity && !r.Honeypot {
			groups[networkName(r, l)] = append(groups[networkName(r, l)], e)
		}
	}
	var out []*Paper
	names := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		f := s.facts(groups[name], l, now)
		f.Network = name
		p, err := f.write("letter", fileName(name, names), l, now, f)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func networkName(r *survey.Result, l Language) string {
	unknown := "unknown network"
	if l == German {
		unknown = "unbekanntes Netz"
	}
	if r.ASN != 0 {
		unknown = fmt.Sprintf("AS%d", r.ASN)
	}
	return cmp.Or(oneLine(r.Network), unknown)
}

// fileName makes a name for a file out of a name from outside; one that is taken
// gets a number.
func fileName(name string, taken map[string]bool) string {
	s := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, name)
	s = strings.Trim(s[:min(len(s), 60)], "-.")
	base := cmp.Or(s, "network")
	s = base
	for n := 2; taken[s]; n++ {
		s = fmt.Sprintf("%s-%d", base, n)
	}
	taken[s] = true
	return s
}

// facts gathers what a paper says of ports, the worst first.
func (s *Survey) facts(list []*survey.Envelope, l Language, now time.Time) *facts {
	f := &facts{Date: now.UTC().Format("2006-01-02 15:04 UTC"), Scope: result(list[0]).Scope}
	for _, run := range s.Runs {
		if run.Scope == f.Scope {
			f.Owner, f.Contact = cmp.Or(run.Owner, f.Owner), cmp.Or(run.Contact, f.Contact)
		}
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *survey.Envelope) int { return cmp.Compare(result(b).Severity, result(a).Severity) })
	for _, e := range list {
		r := result(e)
		f.ASN, f.Country = cmp.Or(f.ASN, r.ASN), cmp.Or(f.Country, r.Country)
		if open(r) {
			f.Open++
		}
		address := at(e).String()
		if e.Domain != "" {
			address += " (" + e.Domain + ")"
		}
		f.Systems = append(f.Systems, factRow{Address: address, State: stateWords[l][r.State], Severity: fmt.Sprintf("%.1f", r.Severity),
			Vector: r.Vector, Studies: l.amount(studiesOf(r)), Product: strings.TrimSpace(r.Product + " " + r.Version),
			Proof: l.proof(r), Seen: e.Data.DICOM.Timestamp.UTC().Format("2006-01-02 15:04 UTC")})
	}
	f.Findings = factFindings(list, l)
	return f
}

// factFindings lists each remedy once, with the number of ports it is for.
func factFindings(list []*survey.Envelope, l Language) []factFinding {
	var out []factFinding
	count := map[string]int{}
	for _, e := range list {
		for _, finding := range result(e).Findings {
			title, remedy := l.rule(finding)
			if count[finding.ID+remedy]++; count[finding.ID+remedy] == 1 {
				r, _ := survey.RuleOf(finding.ID)
				out = append(out, factFinding{ID: finding.ID, Title: oneLine(title), Remedy: oneLine(remedy), worst: r.Severity})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b factFinding) int {
		return cmp.Or(cmp.Compare(b.worst, a.worst), cmp.Compare(a.ID, b.ID))
	})
	for i := range out {
		n := 0
		for _, e := range list {
			for _, finding := range result(e).Findings {
				if _, remedy := l.rule(finding); finding.ID == out[i].ID && oneLine(remedy) == out[i].Remedy {
					n++
				}
			}
		}
		out[i].Systems = ports(n, l)
	}
	return out
}

func ports(n int, l Language) string {
	switch {
	case n == 1 && l == German:
		return "1 Port"
	case n == 1:
		return "1 port"
	case l == German:
		return fmt.Sprintf("%d Ports", n)
	}
	return fmt.Sprintf("%d ports", n)
}

// write fills a template in; data is f, or what embeds it.
func (f *facts) write(kind, name string, l Language, now time.Time, data any) (*Paper, error) {
	var b strings.Builder
	if err := texts.ExecuteTemplate(&b, kind+"."+string(l)+".txt", data); err != nil {
		return nil, fmt.Errorf("write %s: %w", kind, err)
	}
	title, _, _ := strings.Cut(strings.TrimPrefix(b.String(), "# "), "\n")
	return &Paper{Name: kind + "-" + name + "-" + string(l), Title: title, Language: l,
		Footer: title + ", " + f.Scope, Made: now, Text: b.String()}, nil
}
