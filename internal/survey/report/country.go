package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	Possible    int // with possible vulnerabilities
	Confirmed   int // with one that was seen itself
	Clusters    int // systems that share product and version with another
	Products    string
	Changes     map[Change]int
	Class       string // good, bad, ugly

	products map[string]int
}

// Countries returns the table, the worst first, and the sum of all as its last
// row. A system is a host with all its ports. Honeypots are not counted. before
// may be nil.
func Countries(s, before *Survey) []*Country {
	rows := map[string]*Country{}
	all := newCountry("all")
	changes := compareHosts(before, s)
	for a, h := range hosts(s.Systems) {
		if h.honeypot {
			continue
		}
		row := rows[h.country]
		if row == nil {
			row = newCountry(h.country)
			rows[h.country] = row
		}
		row.add(h, changes[a])
		all.add(h, changes[a])
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

func (c *Country) add(h *host, change Change) {
	c.Seen++
	if change != "" {
		c.Changes[change]++
	}
	if !h.answers {
		return
	}
	c.Answered++
	for _, p := range h.products {
		c.products[p]++
	}
	c.Accepted += one(h.accepted)
	c.AECheck += one(h.rejected && !h.accepted)
	c.Open += one(h.open)
	c.ByHTTP += one(h.http)
	c.TLS += one(h.tls)
	c.Possible += one(h.possible)
	c.Confirmed += one(h.confirmed)
	if h.studies != nil {
		c.Studies += *h.studies
	}
	if h.images != nil {
		c.Images += *h.images
		if h.retrievable {
			c.Retrievable += *h.images
		}
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
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
	return fmt.Sprintf("%.1f\u00a0%%", 100*float64(part)/float64(whole))
}
