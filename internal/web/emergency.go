package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var emergencyRoutes = []Route{
	{Method: http.MethodGet, Path: "/emergency", Right: policy.BreakGlass, serve: serveEmergency},
	{Method: http.MethodPost, Path: "/emergency", Right: policy.BreakGlass, serve: serveBreakGlass},
	{Method: http.MethodPost, Path: "/emergency/{id}/end", Right: policy.BreakGlass, serve: serveEndEmergency},
}

// emergencyPage is what the page of emergency access shows.
type emergencyPage struct {
	Patient, Reason string // typed
	Error           string // key of a text
	Open            []access.Grant
}

// serveEmergency shows what is open for the visitor, and asks for a reason.
func serveEmergency(x *exchange) error { return x.emergency(http.StatusOK, emergencyPage{}) }

func (x *exchange) emergency(code int, p emergencyPage) error {
	if x.site.Shares == nil {
		return errAbsent
	}
	account := x.visitor.principal().Account()
	for _, g := range x.site.Shares.Register.Grants() {
		if g.Account == account && time.Now().Before(g.Ends) {
			p.Open = append(p.Open, g)
		}
	}
	x.render(code, "emergency", page{Title: "emergency.title", Body: p})
	return nil
}

// serveBreakGlass opens one patient's studies, or everything, for half an hour.
func serveBreakGlass(x *exchange) error {
	if x.site.Shares == nil {
		return errAbsent
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	p := emergencyPage{Patient: strings.TrimSpace(x.PostForm.Get("patient")), Reason: x.PostForm.Get("reason")}
	var opened policy.Scope
	if p.Patient != "" {
		opened.Patients = []string{p.Patient}
	}
	if access.CheckReason(p.Reason) != nil || len(p.Patient) > 64 {
		p.Error = "emergency.why"
		return x.emergency(http.StatusUnprocessableEntity, p)
	}
	if _, err := x.site.Shares.Register.BreakGlass(x.Context(), x.session(), opened, p.Reason, 0); err != nil {
		return err
	}
	http.Redirect(x.w, x.Request, "/emergency", http.StatusSeeOther)
	return nil
}

// serveEndEmergency gives emergency access back.
func serveEndEmergency(x *exchange) error {
	if x.site.Shares == nil {
		return errAbsent
	}
	if err := x.site.Shares.Register.EndBreakGlass(x.Context(), x.session(), x.path["id"]); err != nil {
		return errAbsent
	}
	http.Redirect(x.w, x.Request, "/emergency", http.StatusSeeOther)
	return nil
}
