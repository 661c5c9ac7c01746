package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// chart is a set of bars.
type chart struct {
	Title string
	Bars  []bar
	Most  int // the longest bar
}

type bar struct {
	Label string
	N     int
	Class string // red, yellow, green; "" for none of them
}

// charts are drawn of the ports at which something of an archive answered.
func charts(s *Survey) []chart {
	severities := map[string]int{}
	products, transport := map[string]int{}, map[string]int{}
	for _, e := range s.Systems {
		r := result(e)
		if !answers(r) {
			continue
		}
		severities[band(r.Severity)]++
		products[cmp.Or(strings.TrimSpace(r.Product+" "+r.Version), "unknown")]++
		transport[transportOf(r)]++
	}
	var out []chart
	severity := chart{Title: "Severity"}
	for _, b := range bands {
		severity.add(bar{b.name, severities[b.name], b.class})
	}
	out = append(out, severity, top("Products", products, 8), top("Transport", transport, 6))
	return slices.DeleteFunc(out, func(c chart) bool { return c.Most == 0 })
}

var bands = []struct {
	name, class string
	from        float64
}{{"9 to 10", "red", 9}, {"7 to 8.9", "red", 7}, {"5 to 6.9", "yellow", 5}, {"3 to 4.9", "yellow", 3}, {"below 3", "green", 0}}

func band(severity float64) string {
	for _, b := range bands {
		if severity >= b.from {
			return b.name
		}
	}
	return bands[len(bands)-1].name
}

func transportOf(r *survey.Result) string {
	switch {
	case r.TLS == nil:
		return "not encrypted"
	case r.TLS.Version == "":
		return "TLS"
	case r.TLS.ClientCertEnforced:
		return r.TLS.Version + ", mutual"
	}
	return r.TLS.Version
}

func (c *chart) add(b bar) {
	c.Bars = append(c.Bars, b)
	c.Most = max(c.Most, b.N)
}

// top is a chart of the most frequent; the rest is one bar.
func top(title string, n map[string]int, most int) chart {
	names := slices.Collect(maps.Keys(n))
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(n[b]-n[a], cmp.Compare(a, b)) })
	c := chart{Title: title}
	rest := 0
	for i, name := range names {
		if i < most {
			c.add(bar{Label: name, N: n[name]})
		} else {
			rest += n[name]
		}
	}
	if rest > 0 {
		c.add(bar{Label: "others", N: rest})
	}
	return c
}
