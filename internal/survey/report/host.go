package report

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// host is a system: an address with all its ports. An archive that shows itself
// at two ports is one archive in the country table.
type host struct {
	country             string
	answers, open, http bool
	accepted, rejected  bool
	tls, honeypot       bool
	retrievable         bool
	possible, confirmed bool
	studies, images     *int64 // the most that a port tells
	products            []string
}

// hosts joins the results of each address.
func hosts(list []*survey.Envelope) map[netip.Addr]*host {
	out := map[netip.Addr]*host{}
	for _, e := range list {
		h := out[e.IP]
		if h == nil {
			h = &host{}
			out[e.IP] = h
		}
		h.add(result(e))
	}
	return out
}

// add takes in what one port showed.
func (h *host) add(r *survey.Result) {
	if h.country == "" {
		h.country = r.Country
	}
	h.honeypot = h.honeypot || r.Honeypot
	if !answers(r) {
		return
	}
	h.answers = true
	h.open = h.open || open(r)
	h.http = h.http || r.State == survey.WebOpen
	h.tls = h.tls || r.TLS != nil
	h.retrievable = h.retrievable || retrievable(r)
	if a := r.Association; a != nil {
		h.accepted = h.accepted || a.Answer == "accepted"
		h.rejected = h.rejected || a.Answer != "accepted"
	}
	h.studies, h.images = most(h.studies, r.Studies), most(h.images, r.Images)
	if p := strings.TrimSpace(r.Product + " " + r.Version); p != "" && !slices.Contains(h.products, p) {
		h.products = append(h.products, p)
	}
	for _, f := range r.Findings {
		h.possible = h.possible || f.ID == "DXA011"
		h.confirmed = h.confirmed || f.ID == "DXA016"
	}
}

func most(a, b *int64) *int64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

func retrievable(r *survey.Result) bool {
	return r.State == survey.WebOpen ||
		r.Association != nil && (r.Association.Contexts["study-get"] == "accepted" || r.Association.Contexts["study-move"] == "accepted")
}
