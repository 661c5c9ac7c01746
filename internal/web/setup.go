package web

import (
	"errors"
	"net/http"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var setupRoutes = []Route{
	{Method: http.MethodGet, Path: "/setup/{token}", Open: true, Passive: true, serve: serveSetup},
	{Method: http.MethodPost, Path: "/setup/{token}", Open: true, serve: serveRedeem},
}

// setupForm is what the page behind a link shows.
type setupForm struct {
	First bool   // the first administrator chooses a name
	Name  string // typed, or the account's
	Error string // key of a text
}

// invitation returns what the link stands for. Who tries links has to wait.
func (x *exchange) invitation() (identity.Invitation, bool, error) {
	i, err := x.site.Accounts.Invitation(x.path["token"])
	if err == nil {
		return i, true, nil
	}
	if _, err := x.site.guard.Admit(x.site.Source(x.Request), "", ""); err != nil {
		x.w.Header().Set("Retry-After", "60")
		x.render(http.StatusTooManyRequests, "setup-gone", page{Title: "setup.title", Body: "signin.wait"})
		return i, false, nil
	}
	err = x.note(audit.Event{Code: audit.Login, Outcome: audit.SeriousFailure, Reason: identity.ErrNoInvitation.Error()})
	if err != nil {
		return i, false, err
	}
	x.render(http.StatusNotFound, "setup-gone", page{Title: "setup.title", Body: "setup.gone"})
	return i, false, nil
}

// serveSetup shows the page behind a link.
func serveSetup(x *exchange) error {
	i, good, err := x.invitation()
	if !good || err != nil {
		return err
	}
	x.render(http.StatusOK, "setup", page{Title: "setup.title", Body: setupForm{First: i.User == "", Name: i.User}})
	return nil
}

// serveRedeem gives the account its password, which uses the link up, and signs in.
func serveRedeem(x *exchange) error {
	i, good, err := x.invitation()
	if !good || err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	form := setupForm{First: i.User == "", Name: i.User}
	if form.First {
		form.Name = x.PostForm.Get("name")
	}
	password := x.PostForm.Get("password")
	switch {
	case form.First && identity.CheckName(form.Name) != nil:
		form.Error = "setup.name"
	case identity.CheckPassword(password) != nil:
		form.Error = "setup.password"
	case password != x.PostForm.Get("again"):
		form.Error = "setup.differ"
	}
	if form.Error != "" {
		x.render(http.StatusUnprocessableEntity, "setup", page{Title: "setup.title", Body: form})
		return nil
	}
	return x.redeem(form.Name, password)
}

// redeem writes the trail, uses the link up, and signs in.
func (x *exchange) redeem(name, password string) error {
	e := audit.Event{Code: audit.UserSecurity, PrincipalKind: string(policy.User), Principal: name,
		Details: []audit.Detail{{Name: "what", Value: "set-up link used, password chosen"}, {Name: "user", Value: name}}}
	if err := x.note(e); err != nil {
		return err
	}
	user, err := x.site.Accounts.RedeemPassword(x.Context(), x.path["token"], name, password)
	if errors.Is(err, identity.ErrNoInvitation) { // somebody else was faster
		x.render(http.StatusNotFound, "setup-gone", page{Title: "setup.title", Body: "setup.gone"})
		return nil
	}
	if err != nil {
		return err
	}
	return x.passed(user.Name, "/")
}
