package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var userRoutes = []Route{
	{Method: http.MethodGet, Path: "/people", Right: policy.Manage, serve: serveUsers},
	{Method: http.MethodPost, Path: "/people", Right: policy.Manage, serve: serveInviteUser},
	{Method: http.MethodGet, Path: "/people/{name}", Right: policy.Manage, serve: serveUser},
	{Method: http.MethodPost, Path: "/people/{name}", Right: policy.Manage, serve: serveSetUser},
	{Method: http.MethodPost, Path: "/people/{name}/reset", Right: policy.Manage, serve: serveResetUser},
	{Method: http.MethodPost, Path: "/people/{name}/factors", Right: policy.Manage, serve: serveResetFactors},
	{Method: http.MethodPost, Path: "/people/{name}/disable", Right: policy.Manage, serve: serveDisableUser},
	{Method: http.MethodPost, Path: "/people/{name}/enable", Right: policy.Manage, serve: serveEnableUser},
	{Method: http.MethodPost, Path: "/people/{name}/sign-out", Right: policy.Manage, serve: serveSignUserOut},
	{Method: http.MethodPost, Path: "/people/{name}/sessions/{id}/end", Right: policy.Manage, serve: serveEndUserSession},
	{Method: http.MethodPost, Path: "/people/{name}/tokens/{id}/revoke", Right: policy.Manage, serve: serveRevokeUserToken},
}

// userRow is a person as the list has them.
type userRow struct {
	Name, Role string
	Scope      []string
	Second     string // key of a text: what there is beside the password
	Sessions   int
	Used       time.Time // the last request of a session that goes on
	Tokens     int       // that are good
	Disabled   bool
	External   bool // the account is that of a provider
	Invited    bool // has no way in yet
}

// userRows returns all people, with what they have open.
func (s *Site) userRows() []userRow {
	var rows []userRow
	for _, u := range s.Accounts.Users() {
		rows = append(rows, s.userRow(&u))
	}
	return rows
}

func (s *Site) userRow(u *identity.User) userRow {
	r := userRow{Name: u.Name, Role: string(u.Role), Scope: identity.FormatScope(u.Scope), Disabled: u.Disabled,
		External: u.External != nil, Second: "people.nosecond"}
	f := s.Accounts.Factors(u.Name)
	switch {
	case len(f.Passkeys) > 0:
		r.Second = "account.passkeys"
	case f.TOTP:
		r.Second = "account.app"
	case r.External:
		r.Second = "people.provider"
	}
	for _, open := range s.sessionsOf(u.Name) {
		r.Sessions++
		if open.Used.After(r.Used) {
			r.Used = open.Used
		}
	}
	r.Tokens = len(s.tokensOf(u.Name))
	if now, known := s.Accounts.User(u.Name); known {
		r.Invited = now.Password == "" && !r.External && !f.Second() && r.Tokens == 0
	}
	return r
}

// sessionsOf returns the sessions of a user.
func (s *Site) sessionsOf(name string) []identity.Session {
	return slices.DeleteFunc(s.Sessions.List(), func(o identity.Session) bool { return o.User != name })
}

// tokensOf returns the tokens of a user that are good.
func (s *Site) tokensOf(name string) []identity.Token {
	return slices.DeleteFunc(s.Accounts.Tokens(), func(t identity.Token) bool {
		return t.User != name || t.State(time.Now()) != "good"
	})
}

// userForm is a person as a form has them.
type userForm struct {
	Name, Scope string
	Role        policy.Role
}

// Choices returns every role with whether it is chosen.
func (f userForm) Choices() []choice {
	var list []choice
	for _, r := range policy.Roles {
		list = append(list, choice{string(r), r == f.Role})
	}
	return list
}

// usersPage is what the page of all people shows.
type usersPage struct {
	Users   []userRow
	Form    userForm
	Fresh   bool // may invite
	Problem *problem
}

// serveUsers shows all people.
func serveUsers(x *exchange) error { return x.showUsers(http.StatusOK, userForm{}, nil) }

func (x *exchange) showUsers(status int, form userForm, wrong *problem) error {
	x.render(status, "users", page{Title: "people.title", Body: usersPage{x.site.userRows(), form, x.isFresh(), wrong}})
	return nil
}

// userPage is what the page of one person shows.
type userPage struct {
	userRow
	Form    userForm
	Factors identity.Factors
	Open    []sessionRow
	Good    []identity.Token
	Fresh   bool // may give rights
	Problem *problem
}

// serveUser shows one person.
func serveUser(x *exchange) error {
	u, known := x.site.Accounts.User(x.path["name"])
	if !known {
		return errAbsent
	}
	return x.showUser(http.StatusOK, &u, nil, nil)
}

// showUser shows a person, with the form as it was sent or, for nil, as the person is.
func (x *exchange) showUser(status int, u *identity.User, form *userForm, wrong *problem) error {
	if form == nil {
		form = &userForm{u.Name, scopeText(u.Scope), u.Role}
	}
	p := userPage{userRow: x.site.userRow(u), Form: *form, Factors: x.site.Accounts.Factors(u.Name),
		Good: x.site.tokensOf(u.Name), Fresh: x.isFresh(), Problem: wrong}
	for _, s := range x.site.sessionsOf(u.Name) {
		p.Open = append(p.Open, sessionRow{s, s.ID == x.visitor.SignIn.ID})
	}
	x.render(status, "user", page{Title: "people.one", Body: p})
	return nil
}
