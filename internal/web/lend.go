package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Whoever lends makes links and sees their own; whoever manages sees and ends
// those of everybody.
var lendRoutes = []Route{
	{Method: http.MethodGet, Path: "/studies/{study}/share", Right: policy.Lend, serve: serveLend},
	{Method: http.MethodPost, Path: "/studies/{study}/share", Right: policy.Lend, serve: serveMakeShare},
	{Method: http.MethodGet, Path: "/shares", Right: policy.Lend, serve: serveShares},
	{Method: http.MethodPost, Path: "/shares/{id}/revoke", Right: policy.Lend, serve: serveRevokeShare},
	{Method: http.MethodGet, Path: "/shares/all", Right: policy.Manage, serve: serveAllShares},
	{Method: http.MethodPost, Path: "/shares/all/{id}/revoke", Right: policy.Manage, serve: serveRevokeAnyShare},
}

// lendPage asks what a link shall lead to.
type lendPage struct {
	Study   studyRow // from which the page was opened
	Studies []lendRow
	Label   string
	Days    int
	Uses    string // as typed
	Code    bool
	Terms   []int  // days to choose from
	Error   string // key of a text
}

type lendRow struct {
	studyRow
	Chosen bool
}

// lendTerms are the days that a link can last.
var lendTerms = []int{1, 7, 30, 90, 365}

// lendable returns the study and the others of the same patient that the visitor
// sees: a link leads to the studies of one.
func (x *exchange) lendable() (lendPage, error) {
	p := lendPage{Days: 30, Uses: strconv.Itoa(access.DefaultUses), Terms: lendTerms}
	uid := dicom.UID(x.path["study"])
	if !uid.Tolerable() {
		return p, errAbsent
	}
	rows, err := x.studies(dict.StudyInstanceUID, string(uid), 1)
	if err != nil {
		return p, err
	}
	if len(rows) == 0 {
		return p, archive.ErrNotFound
	}
	p.Study = rows[0]
	p.Studies = []lendRow{{rows[0], true}}
	p.Code = p.Study.Patient.Birth == ""
	if p.Study.Patient.ID == "" {
		return p, nil
	}
	all, err := x.studies(dict.PatientID, p.Study.Patient.ID, maxPriors)
	if err != nil {
		return p, err
	}
	for _, s := range all {
		if s.UID != p.Study.UID && s.Patient.Birth == p.Study.Patient.Birth {
			p.Studies = append(p.Studies, lendRow{s, false})
		}
	}
	return p, nil
}

// serveLend asks what the link shall lead to, for how long, and for what it asks.
func serveLend(x *exchange) error {
	if _, err := x.register(); err != nil {
		return err
	}
	p, err := x.lendable()
	if err != nil {
		return err
	}
	return x.showLend(http.StatusOK, p)
}

func (x *exchange) showLend(code int, p lendPage) error {
	x.render(code, "lend", page{Title: "lend.title", Body: p})
	return nil
}

// serveMakeShare makes the link and shows it, once.
func serveMakeShare(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	p, err := x.lendable()
	if err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	n, problem := p.read(x)
	if len(n.Studies) < len(x.PostForm["study"]) {
		return archive.ErrNotFound // one that the visitor does not see, or of another patient
	}
	if problem != "" {
		p.Error = problem
		return x.showLend(http.StatusUnprocessableEntity, p)
	}
	secret, code, share, err := r.Share(x.Context(), x.session(), n)
	if errors.Is(err, access.ErrEmergency) {
		p.Error = "lend.emergency"
		return x.showLend(http.StatusConflict, p)
	}
	if err != nil {
		return err
	}
	x.w.Header().Set("Cache-Control", "no-store") // the link is shown once
	x.render(http.StatusOK, "lent", page{Title: "lend.title", Body: map[string]any{"Link": x.site.Shares.Link(secret), "Code": code, "Share": share, "Study": p.Study.UID}})
	return nil
}

// read reads the form into p, and what it asks for; problem is the key of a text.
func (p *lendPage) read(x *exchange) (n access.NewShare, problem string) {
	f := x.PostForm
	p.Label, p.Uses, p.Code = strings.TrimSpace(f.Get("label")), f.Get("uses"), f.Get("factor") == string(access.Code)
	for i := range p.Studies {
		row := &p.Studies[i]
		if row.Chosen = slices.Contains(f["study"], row.UID); row.Chosen {
			n.Studies = append(n.Studies, dicom.UID(row.UID))
		}
	}
	days, _ := strconv.Atoi(f.Get("days"))
	uses, err := strconv.Atoi(p.Uses)
	switch {
	case len(n.Studies) == 0:
		return n, "lend.nostudy"
	case !slices.Contains(lendTerms, days) || err != nil || uses < 1 || uses > access.MaxUses || len(p.Label) > access.MaxLabel:
		return n, "lend.bounds"
	case !p.Code && p.Study.Patient.Birth == "":
		return n, "lend.nobirth"
	}
	p.Days = days
	n.Label, n.Lasts, n.MaxUses, n.Factor = p.Label, time.Duration(days)*24*time.Hour, uses, access.Code
	if !p.Code {
		n.Factor, n.Answer = access.BirthDate, p.Study.Patient.Birth
	}
	return n, ""
}

// sharesPage lists links.
type sharesPage struct {
	All  bool // those of everybody
	Rows []shareRow
}

type shareRow struct {
	access.Share
	State string // key of a text
	Good  bool
}

// shareStates are the texts for the states of a share.
var shareStates = map[string]string{"good": "shares.good", "revoked": "shares.revoked", "locked": "shares.locked",
	"expired": "shares.expired", "used up": "shares.usedup"}

func serveShares(x *exchange) error { return x.shares(false) }

func serveAllShares(x *exchange) error { return x.shares(true) }

// shares lists the visitor's own links, or all.
func (x *exchange) shares(all bool) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	p := sharesPage{All: all}
	for _, s := range r.Shares() {
		if all || s.By == x.visitor.principal().Account() {
			state := s.State(time.Now())
			p.Rows = append(p.Rows, shareRow{s, shareStates[state], state == "good"})
		}
	}
	x.render(http.StatusOK, "shares", page{Title: "shares.title", Body: p})
	return nil
}

// serveRevokeShare ends a link of the visitor's own; another's is not there.
func serveRevokeShare(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	own := func(s access.Share) bool { return s.ID == x.path["id"] && s.By == x.visitor.principal().Account() }
	if !slices.ContainsFunc(r.Shares(), own) {
		return errAbsent
	}
	return x.settle(r.RevokeShare(x.Context(), x.session(), x.path["id"]), "/shares", nil)
}

// serveRevokeAnyShare ends anybody's link.
func serveRevokeAnyShare(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	return x.settle(r.RevokeShare(x.Context(), x.session(), x.path["id"]), "/shares/all", nil)
}
