package web

import (
	"net/http"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var budgetRoutes = []Route{
	{Method: http.MethodGet, Path: "/budgets", Right: policy.Manage, serve: serveBudgets},
	{Method: http.MethodPost, Path: "/budgets/lift", Right: policy.Manage, serve: serveLift},
}

// budgetsPage tells who is paused and why, and what others took out.
type budgetsPage struct {
	Paused, Others []access.Standing
	Self           string // the visitor's own account: nobody lifts their own pause
	Error          string // key of a text
}

func serveBudgets(x *exchange) error { return x.budgets(http.StatusOK, "") }

func (x *exchange) budgets(code int, problem string) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	p := budgetsPage{Self: x.visitor.principal().Account(), Error: problem}
	for _, s := range r.Standings() {
		if s.Pause.Why != "" {
			p.Paused = append(p.Paused, s)
		} else {
			p.Others = append(p.Others, s)
		}
	}
	x.render(code, "budgets", page{Title: "budget.title", Body: p})
	return nil
}

// serveLift lets an account go on.
func serveLift(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	return x.settle(r.Lift(x.Context(), x.session(), x.PostForm.Get("account")), "/budgets", x.budgets)
}
