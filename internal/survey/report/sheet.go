package report

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// sheet is what a notification under Art. 33 GDPR says that can be seen from
// outside.
type sheet struct {
	*facts
	Operator              string
	First, Last           string
	Studies, Images       string
	Retrieve, Store, High bool
	Plain                 bool
}

// Sheets fills in a sheet for each operator of a system that stands open. Who
// operates a system cannot be seen from outside: hosts that share a domain name
// are one operator, and a host without one is one.
func Sheets(s *Survey, l Language, now time.Time) ([]*Paper, error) {
	groups := map[string][]*survey.Envelope{}
	for _, e := range s.Systems {
		if r := result(e); open(r) && !r.Honeypot {
			who := cmp.Or(oneLine(e.Domain), e.IP.String())
			groups[who] = append(groups[who], e)
		}
	}
	var out []*Paper
	names := map[string]bool{}
	for _, who := range slices.Sorted(maps.Keys(groups)) {
		x := s.sheet(who, groups[who], l, now)
		p, err := x.write("sheet", fileName(who, names), l, now, x)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (s *Survey) sheet(who string, list []*survey.Envelope, l Language, now time.Time) *sheet {
	x := &sheet{facts: s.facts(list, l, now), Operator: who}
	x.Network = result(list[0]).Network
	var first, last time.Time
	hosts := map[netip.Addr]*host{}
	for _, e := range list {
		r := result(e)
		seen := e.Data.DICOM.Timestamp
		if begun, ok := s.FirstOpen[at(e)]; ok && (first.IsZero() || begun.Before(first)) {
			first = begun
		}
		if seen.After(last) {
			last = seen
		}
		x.Retrieve = x.Retrieve || retrievable(r)
		x.Store = x.Store || r.Association != nil && r.Association.Contexts["storage"] == "accepted"
		x.High = x.High || !scope.IsPrivate(e.IP)
		x.Plain = x.Plain || r.TLS == nil
		if hosts[e.IP] == nil {
			hosts[e.IP] = &host{}
		}
		hosts[e.IP].add(r)
	}
	x.First, x.Last = moment(cmp.Or(first, last)), moment(last)
	var studies, images *int64
	for _, h := range hosts {
		studies, images = sum(studies, h.studies), sum(images, h.images)
	}
	x.Studies, x.Images = l.number(studies), l.number(images)
	return x
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// sum adds counts of which either may be unknown.
func sum(a, b *int64) *int64 {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	n := *a + *b
	return &n
}
