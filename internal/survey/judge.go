package survey

import (
	"cmp"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey/known"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// judge draws state, product, severity and findings from the facts.
func (l *look) judge() {
	r := l.r
	r.State = l.state()
	product := l.product()
	r.Product, r.Version = product.Name, product.Version
	r.Honeypot = product.Kind == known.Honeypot
	v := l.vector(product)
	r.Vector, r.Severity = v.String(), v.Severity()
	r.Findings = findings(r, v, product, time.Now())
}

// state draws the state. What is worse wins: an archive whose pages are open is
// open, whatever its DICOM port says.
func (l *look) state() State {
	r := l.r
	switch a := r.Association; {
	case r.Query != nil && r.Query.Outcome == QueryPermitted:
		return Queryable
	case r.Web != nil && r.Web.Open != "":
		return WebOpen
	case r.Query != nil && r.Query.Outcome == QueryUndecided:
		return Undecided
	case r.Web != nil && r.Web.Answers != "":
		return Undecided
	case a != nil && a.Answer != "accepted":
		return Refused
	case a.accepted(contextStore):
		return Stores
	case a != nil:
		return Associates
	case r.TLS != nil && r.TLS.ClientCertEnforced:
		return MutualTLS
	case r.Web != nil && r.Web.Login:
		return Refused
	case !l.connected:
		return cmp.Or(l.first, Filtered)
	}
	return NotDICOM
}

func (l *look) product() known.Product {
	r := l.r
	if r.Product != "" {
		return known.Product{Name: r.Product, Version: r.Version, Kind: known.PACS}
	}
	if a := r.Association; a != nil && a.Answer == "accepted" {
		if p, ok := known.Identify(a.Implementation, a.VersionName); ok {
			return p
		}
	}
	return known.Product{}
}

func (l *look) vector(p known.Product) Vector {
	r := l.r
	v := Vector{Network: l.network(), TLS: 'X', Access: 'X', Query: 'X', Studies: 'X', Retrieve: 'X', Write: 'X', Flaw: 'N', End: 'N'}
	if s := l.p.Guard.Scope(); s != nil && s.MustBeDark && v.Network == 'I' {
		v.Dark = true
	}
	if r.State == Closed || r.State == Filtered || r.State == NotDICOM {
		return v
	}
	v.TLS = 'N'
	if r.TLS != nil {
		v.TLS = 'Y'
	}
	if r.State == MutualTLS {
		v.TLS, v.Access = 'M', 'C'
		return v
	}
	l.access(&v)
	if r.Studies != nil && *r.Studies > 0 {
		v.Studies = power(*r.Studies)
	}
	if a := r.Association; a.accepted(contextGet) || a.accepted(contextMove) {
		v.Retrieve = 'N'
	}
	if r.Association.accepted(contextStore) {
		v.Write = 'A'
	}
	if list, _ := known.Possible(p); len(list) > 0 {
		v.Flaw = 'P'
	}
	if confirmed(r) {
		v.Flaw = 'K'
	}
	if known.EndOfLife(p) {
		v.End = 'Y'
	}
	return v
}

// access tells who gets how far.
func (l *look) access(v *Vector) {
	r := l.r
	switch {
	case r.State == WebOpen:
		v.Access, v.Query = 'H', 'P'
	case r.State == Undecided && r.Query == nil:
		v.Access, v.Query = 'H', 'U'
	case r.State == Refused:
		v.Access, v.Query = 'R', 'R'
	default:
		v.Access = 'A'
		switch {
		case r.Query == nil && r.Association.accepted(contextFind):
			v.Query = 'X'
		case r.Query == nil:
			v.Query = 'N'
		case r.Query.Outcome == QueryPermitted:
			v.Query = 'P'
		case r.Query.Outcome == QueryRefused:
			v.Query = 'R'
		default:
			v.Query = 'U'
		}
	}
}

func (l *look) network() byte {
	switch a := l.e.Addr.Unmap(); {
	case a.IsLoopback():
		return 'L'
	case scope.IsPrivate(a):
		return 'I'
	}
	return 'P'
}

// confirmed reports whether a vulnerability that is reached before any login has
// been seen itself and not only a version: CVE-2025-0896 is that Orthanc before
// 1.5.8 serves its REST interface to anybody.
func confirmed(r *Result) bool {
	return r.Product == "Orthanc" && r.Web != nil && r.Web.Open == "REST" &&
		r.Version != "" && known.Compare(r.Version, "1.5.8") < 0
}
