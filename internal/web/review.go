package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var reviewRoutes = []Route{
	{Method: http.MethodGet, Path: "/reviews", Right: policy.Review, serve: serveReviews},
	{Method: http.MethodGet, Path: "/reviews/{id}", Right: policy.Review, serve: serveReview},
	{Method: http.MethodPost, Path: "/reviews/{id}", Right: policy.Review, serve: serveCloseReview},
}

// reviewsPage lists emergency access: what waits for a look, and what had it.
type reviewsPage struct {
	Open, Closed []access.Grant
}

// maxClosed is how many grants that were reviewed the list shows.
const maxClosed = 100

func serveReviews(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	var p reviewsPage
	for _, g := range r.Grants() {
		if g.Open() {
			p.Open = append(p.Open, g)
		} else if len(p.Closed) < maxClosed {
			p.Closed = append(p.Closed, g)
		}
	}
	x.render(http.StatusOK, "reviews", page{Title: "review.title", Body: p})
	return nil
}

// reviewPage is one emergency access with what was done under it.
type reviewPage struct {
	access.Grant
	Own     bool // the visitor's: somebody else has to look
	Reads   bool // the visitor may read the trail
	Acts    []reviewAct
	More    bool // there is more than is shown, or it could not all be read
	Verdict string
	Remark  string
	Error   string // key of a text
}

// reviewAct is something that was done under a grant.
type reviewAct struct {
	Time     time.Time
	What     string // key of a text, "" if Code has none
	Code     audit.Code
	Failed   bool
	Studies  []dicom.UID
	Patients []string
	Peer     string
}

// actTexts are the texts for what is done under a grant.
var actTexts = map[audit.Code]string{
	audit.Query: "review.query", audit.InstancesAccessed: "review.read", audit.InstancesTransferred: "review.sent",
	audit.BeginTransferring: "review.begin", audit.Export: "review.export",
}

// grantOf returns the grant that the path names.
func (x *exchange) grantOf(r *access.Register) (access.Grant, error) {
	list := r.Grants()
	i := slices.IndexFunc(list, func(g access.Grant) bool { return g.ID == x.path["id"] })
	if i < 0 {
		return access.Grant{}, errAbsent
	}
	return list[i], nil
}

func serveReview(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	return x.showReview(r, http.StatusOK, reviewPage{})
}

func (x *exchange) showReview(r *access.Register, code int, p reviewPage) (err error) {
	if p.Grant, err = x.grantOf(r); err != nil {
		return err
	}
	v := x.visitor.principal()
	p.Own = p.Account == v.Account()
	if p.Reads = policy.May(v, policy.ReadTrail).Allowed; p.Reads {
		if err := x.readActs(&p); err != nil {
			return err
		}
	}
	x.render(code, "review", page{Title: "review.title", Body: &p})
	return nil
}

const (
	maxActs  = 300
	actsTail = time.Hour // what was begun under a grant may end later
)

// readActs reads from the trail what was done under the grant.
func (x *exchange) readActs(p *reviewPage) error {
	_, name, _ := strings.Cut(p.Account, "/")
	ctx, cancel := context.WithTimeout(x.Context(), lookPatience)
	defer cancel()
	for rec, err := range x.session().ReadTrail(ctx, audit.Filter{Since: p.Begins, Until: p.Ends.Add(actsTail), Principal: name}) {
		if errors.Is(err, context.DeadlineExceeded) {
			p.More = true
			return nil
		}
		if err != nil {
			return err
		}
		e := &rec.Event
		if !slices.ContainsFunc(e.Details, func(d audit.Detail) bool {
			return d.Name == "break-glass" && slices.Contains(strings.Fields(d.Value), p.ID)
		}) || e.Code == audit.EmergencyOverrideStarted || e.Code == audit.EmergencyOverrideStopped {
			continue
		}
		if len(p.Acts) == maxActs {
			p.More = true
			return nil
		}
		p.Acts = append(p.Acts, reviewAct{Time: e.Time, What: actTexts[e.Code], Code: e.Code, Failed: e.Outcome != audit.Success,
			Studies: e.Studies, Patients: e.Patients, Peer: e.Peer})
	}
	return nil
}

// serveCloseReview writes down what came out of looking at it.
func serveCloseReview(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	if _, err := x.grantOf(r); err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	p := reviewPage{Verdict: x.PostForm.Get("verdict"), Remark: x.PostForm.Get("remark")}
	if p.Verdict != "justified" && p.Verdict != "misuse" || access.CheckReason(p.Remark) != nil {
		p.Error = "review.why"
		return x.showReview(r, http.StatusUnprocessableEntity, p)
	}
	err = r.CloseReview(x.Context(), x.session(), x.path["id"], p.Verdict == "justified", p.Remark)
	return x.settle(err, "/reviews", func(code int, problem string) error {
		p.Error = problem
		return x.showReview(r, code, p)
	})
}
