package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// readUser reads what a form says of a person.
func (x *exchange) readUser() (userForm, policy.Scope, error) {
	f := userForm{strings.TrimSpace(x.PostForm.Get("name")), x.PostForm.Get("scope"), policy.Role(x.PostForm.Get("role"))}
	if !f.Role.Known() {
		return f, policy.Scope{}, errForm // the form offers no other role
	}
	scope, err := identity.ParseScope(scopeWords(f.Scope))
	if err != nil {
		err = &problem{"manage.badscope", "scope"}
	}
	return f, scope, err
}

// serveInviteUser gives a person an account and shows the link with which they
// take it over.
func serveInviteUser(x *exchange) error {
	if ok, err := x.granting("/people"); !ok || err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	form, scope, err := x.readUser()
	if _, taken := x.site.Accounts.User(form.Name); err == nil && taken {
		err = &problem{"people.taken", "name"}
	}
	if err == nil && identity.CheckName(form.Name) != nil {
		err = &problem{"setup.name", "name"}
	}
	if err == nil {
		err = x.act(accountEvent(form.Name, "added as "+string(form.Role)), func() error {
			return x.site.Accounts.AddUser(x.Context(), identity.User{Name: form.Name, Role: form.Role, Scope: scope}, "")
		})
	}
	if errors.Is(err, identity.ErrUserExists) { // somebody else was faster
		err = &problem{"people.taken", "name"}
	}
	var wrong *problem
	if errors.As(err, &wrong) {
		return x.showUsers(http.StatusUnprocessableEntity, form, wrong)
	}
	if err != nil {
		return err
	}
	return x.showLink(form.Name, form.Role == policy.Referrer && scope.Unlimited())
}

// linkPage is what the page with a link for a person shows.
type linkPage struct {
	Name, Link string
	Expires    time.Time
	Blind      bool // a referrer without a scope
}

// showLink makes a link for a person and shows it, once.
func (x *exchange) showLink(name string, blind bool) error {
	secret, i, err := x.site.Accounts.Invite(x.Context(), name)
	if err != nil {
		return err
	}
	x.w.Header().Set("Cache-Control", "no-store")
	x.render(http.StatusOK, "invited", page{Title: "people.link",
		Body: linkPage{name, x.site.Manage.Link(secret), i.Expires, blind}})
	return nil
}

// known returns the person of the path.
func (x *exchange) known() (identity.User, error) {
	u, known := x.site.Accounts.User(x.path["name"])
	if !known {
		return u, errAbsent
	}
	return u, nil
}

// enters reports whether somebody is an administrator who can sign in.
func (s *Site) enters(u *identity.User) bool {
	return u.Role == policy.Administrator && !u.Disabled &&
		(u.Password != "" || u.External != nil || len(s.Accounts.Factors(u.Name).Passkeys) > 0)
}

// last reports whether without this person nobody could manage the archive in a
// browser.
func (s *Site) last(u *identity.User) bool {
	if !s.enters(u) {
		return false
	}
	for _, other := range s.Accounts.Users() {
		if full, ok := s.Accounts.User(other.Name); ok && full.Name != u.Name && s.enters(&full) {
			return false
		}
	}
	return true
}

// depose does something after which a person may be no administrator who can sign
// in; the last one stays. Two who depose each other at once are one after the other.
func (x *exchange) depose(u *identity.User, e audit.Event, do func() error) error {
	x.site.changing.Lock()
	defer x.site.changing.Unlock()
	if now, known := x.site.Accounts.User(u.Name); known && x.site.last(&now) {
		return &problem{"people.last", ""}
	}
	return x.act(e, do)
}

// userDone leads back to the person after a change, or says why there was none.
func (x *exchange) userDone(u *identity.User, form *userForm, err error) error {
	var wrong *problem
	switch {
	case errors.As(err, &wrong):
		return x.showUser(http.StatusUnprocessableEntity, u, form, wrong)
	case errors.Is(err, identity.ErrNoUser):
		return errAbsent
	case err != nil:
		return err
	}
	return x.to("/people/" + u.Name)
}

// serveSetUser sets role and scope of a person; their sessions end.
func serveSetUser(x *exchange) error {
	u, err := x.known()
	if err != nil {
		return err
	}
	if ok, err := x.granting("/people/" + u.Name); !ok || err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	form, scope, err := x.readUser()
	if err != nil {
		return x.userDone(&u, &form, err)
	}
	e := accountEvent(u.Name, "role "+string(form.Role)+", scope "+scopeFields(identity.FormatScope(scope)))
	e.Code = audit.RolesChanged
	set := func() error {
		return x.site.Accounts.UpdateUser(x.Context(), u.Name, func(u *identity.User) error {
			u.Role, u.Scope = form.Role, scope
			return nil
		})
	}
	if form.Role == policy.Administrator {
		err = x.act(e, set)
	} else {
		err = x.depose(&u, e, set)
	}
	return x.userDone(&u, &form, err)
}

// serveResetUser takes a password away and shows a link for another.
func serveResetUser(x *exchange) error {
	u, err := x.known()
	if err != nil {
		return err
	}
	if ok, err := x.granting("/people/" + u.Name); !ok || err != nil {
		return err
	}
	err = x.depose(&u, accountEvent(u.Name, "new password"), func() error {
		return x.site.Accounts.ClearPassword(x.Context(), u.Name)
	})
	if err != nil {
		return x.userDone(&u, nil, err)
	}
	return x.showLink(u.Name, false)
}

// serveResetFactors takes away what a person has beside the password.
func serveResetFactors(x *exchange) error {
	u, err := x.known()
	if err != nil {
		return err
	}
	if ok, err := x.granting("/people/" + u.Name); !ok || err != nil {
		return err
	}
	e := accountEvent(u.Name, "authenticator app, recovery codes and passkeys taken away")
	reset := func() error { return x.site.Accounts.ResetFactors(x.Context(), u.Name) }
	if u.Password != "" || u.External != nil { // there is another way in
		err = x.act(e, reset)
	} else {
		err = x.depose(&u, e, reset)
	}
	return x.userDone(&u, nil, err)
}

// serveDisableUser lets a person in no longer; their tokens end with it.
func serveDisableUser(x *exchange) error {
	u, err := x.known()
	if err != nil {
		return err
	}
	if _, err := x.self(); err != nil {
		return err
	}
	return x.userDone(&u, nil, x.depose(&u, accountEvent(u.Name, "disabled"), func() error {
		return x.site.Accounts.SetDisabled(x.Context(), u.Name, true)
	}))
}

// serveEnableUser lets a person in again.
func serveEnableUser(x *exchange) error {
	u, err := x.known()
	if err != nil {
		return err
	}
	if ok, err := x.granting("/people/" + u.Name); !ok || err != nil {
		return err
	}
	return x.userDone(&u, nil, x.act(accountEvent(u.Name, "enabled"), func() error {
		return x.site.Accounts.SetDisabled(x.Context(), u.Name, false)
	}))
}
