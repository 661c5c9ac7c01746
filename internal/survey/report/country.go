package report

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// Country is one row of the country table: the figures of the studies of 2016 to
// 2026, so that a survey can be put beside them.
type Country struct {
	Code        string // "" for unknown, "all" for the sum
	Seen        int    // systems looked at
	Answered    int    // something of an archive answered
	Accepted    int    // any caller was accepted
	Open        int    // the query is permitted, or the web is open
	Studies     int64
	Images      int64
	Retrievable int64 // images where retrieval was negotiated
	ByHTTP      int
	TLS         int // of those that answered
	AECheck     int // of those that answered: rejected us
	Possible    int // possible vulnerabilities
	Confirmed   int
	Clusters    int // systems that share product and version with another
	Products    string
	Changes     map[Change]int
	Class       string // good, bad, ugly

	products map[string]int
}

// Countries returns the table, the worst first, and the sum of all as its last
// row. Honeypots are not counted. changes may be nil.
func Countries(s *Survey, changes map[netip.AddrPort]Change) []*Country {
	rows := map[string]*Country{}
	all := newCountry("all")
	for _, e := range s.Systems {
		r := result(e)
		if r.Honeypot {
			continue
		}
		row := rows[r.Country]
		if row == nil {
			row = newCountry(r.Country)
			rows[r.Country] = row
		}
		row.add(r, changes[at(e)])
		all.add(r, changes[at(e)])
	}
	out := slices.Collect(maps.Values(rows))
	slices.SortFunc(out, func(a, b *Country) int {
		return cmp.Or(cmp.Compare(b.Open, a.Open), cmp.Compare(b.Images, a.Images), cmp.Compare(b.Answered, a.Answered), cmp.Compare(a.Code, b.Code))
	})
	out = append(out, all)
	for _, c := range out {
		c.finish()
	}
	return out
}

func newCountry(code string) *Country {
	return &Country{Code: code, products: map[string]int{}, Changes: map[Change]int{}}
}

func (c *Country) add(r *survey.Result, change Change) {
	c.Seen++
	if change != "" {
		c.Changes[change]++
	}
	if !answers(r) {
		return
	}
	c.Answered++
	if r.Product != "" {
		c.products[strings.TrimSpace(r.Product+" "+r.Version)]++
	}
	c.access(r)
	if r.Studies != nil {
		c.Studies += *r.Studies
	}
	if r.Images != nil {
		c.Images += *r.Images
		if retrievable(r) {
			c.Retrievable += *r.Images
		}
	}
	for _, f := range r.Findings {
		switch f.ID {
		case "DXA011":
			c.Possible++
		case "DXA016":
			c.Confirmed++
		}
	}
}

func (c *Country) access(r *survey.Result) {
	if a := r.Association; a != nil && a.Answer == "accepted" {
		c.Accepted++
	} else if a != nil {
		c.AECheck++
	}
	if open(r) {
		c.Open++
	}
	if r.State == survey.WebOpen {
		c.ByHTTP++
	}
	if r.TLS != nil {
		c.TLS++
	}
}

func retrievable(r *survey.Result) bool {
	return r.State == survey.WebOpen ||
		r.Association != nil && (r.Association.Contexts["study-get"] == "accepted" || r.Association.Contexts["study-move"] == "accepted")
}

// finish draws what needs all systems of the row.
func (c *Country) finish() {
	names := slices.Collect(maps.Keys(c.products))
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(c.products[b]-c.products[a], cmp.Compare(a, b)) })
	var top []string
	for i, n := range names {
		if c.products[n] > 1 {
			c.Clusters += c.products[n]
		}
		if i < 3 {
			top = append(top, fmt.Sprintf("%s (%d)", n, c.products[n]))
		}
	}
	c.Products = strings.Join(top, ", ")
	switch {
	case c.Open == 0:
		c.Class = "good"
	case c.Changes[Fixed]+c.Changes[Gone] > c.Changes[New]+c.Changes[Worse]:
		c.Class = "bad"
	default:
		c.Class = "ugly"
	}
}

// Share writes a part of a whole in percent.
func Share(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
