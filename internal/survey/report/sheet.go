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
	most := map[netip.Addr][2]amount{} // studies and images, as the port of a host tells that has the most
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
		most[e.IP] = [2]amount{most[e.IP][0].max(studiesOf(r)), most[e.IP][1].max(imagesOf(r))}
	}
	x.First, x.Last = moment(cmp.Or(first, last)), moment(last)
	var studies, images amount
	for _, m := range most {
		studies, images = studies.plus(m[0]), images.plus(m[1])
	}
	x.Studies, x.Images = l.amount(studies), l.amount(images)
	return x
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
