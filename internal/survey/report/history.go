package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// Sighting is what a port showed once.
type Sighting struct {
	Time     time.Time
	State    survey.State
	Severity float64
}

// History is what ports showed, each the oldest first.
type History map[netip.AddrPort][]Sighting

// Fill is the colour of a sighting.
func (s Sighting) Fill() string {
	if s.Severity == 0 {
		return "#c5cbd2"
	}
	return map[string]string{"red": "#b3261e", "yellow": "#b07900", "green": "#2e7d4f"}[survey.Colour(s.Severity)]
}

const (
	maxLines = 100 // of the inventory in a report
	maxShown = 40  // sightings of a line, the latest
)

// line is a port in the inventory.
type line struct {
	Address     string
	First, Last Sighting
	Looks       int
	Shown       []Sighting
	Text        string // the same in words
	at          netip.AddrPort
}

// lines are the ports that ever answered, the worst of now first, and how many
// more there are.
func (h History) lines() (out []line, more int) {
	for a, list := range h {
		if !slices.ContainsFunc(list, func(s Sighting) bool { return s.Severity > 0 }) {
			continue
		}
		l := line{Address: a.String(), First: list[0], Last: list[len(list)-1], Looks: len(list),
			Shown: list[max(0, len(list)-maxShown):], at: a}
		var words []string
		for _, s := range l.Shown {
			words = append(words, string(s.State))
		}
		l.Text = strings.Join(words, ", ")
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b line) int {
		return cmp.Or(cmp.Compare(b.Last.Severity, a.Last.Severity), a.at.Compare(b.at))
	})
	return out[:min(len(out), maxLines)], max(0, len(out)-maxLines)
}
