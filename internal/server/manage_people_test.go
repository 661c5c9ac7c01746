package server_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

var setUpLink = regexp.MustCompile(`https://[^<\s]+/setup/[A-Za-z0-9_-]+`)

// account returns a user as the command line sees it.
func (r *running) account(t *testing.T, name string) (u identity.User) {
	t.Helper()
	r.administer(t, func(a *server.Admin) error {
		u, _ = a.Accounts.User(name)
		return nil
	})
	return u
}

// setUp chooses the password at the link that a page shows.
func (r *running) setUp(t *testing.T, page []byte) {
	t.Helper()
	link, err := url.Parse(html.UnescapeString(setUpLink.FindString(string(page))))
	if err != nil || link.Path == "" {
		t.Fatalf("no link: %s", page)
	}
	if a, body := r.surfer(t).post(link.Path, nil, "password", goodPassword, "again", goodPassword); a.StatusCode != 303 {
		t.Fatalf("%d %s", a.StatusCode, body)
	}
}

// TestPeoplePageGoesThroughALifeOfAnAccount invites, changes, signs out, resets,
// disables and enables a person.
func TestPeoplePageGoesThroughALifeOfAnAccount(t *testing.T) {
	r := start(t)
	admin := r.admin(t, "ada")
	a, page := admin.post("/people", nil, "name", "erika", "role", "radiologist", "scope", "modality=CT")
	if a.StatusCode != 200 || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", a.StatusCode, page)
	}
	if u := r.account(t, "erika"); u.Role != policy.Radiologist || len(u.Scope.Modalities) != 1 || u.Password != "" {
		t.Errorf("%+v", u)
	}
	r.setUp(t, page)
	erika := r.surfer(t)
	signIn := func(want int) {
		t.Helper()
		if status, _ := erika.signIn("erika", "/"); status != want {
			t.Errorf("signing in: %d, not %d", status, want)
		}
	}
	signedIn := func() bool {
		a, _ := erika.do("GET", "/account", nil)
		return a.StatusCode == 200
	}
	act := func(path string, fields ...string) []byte {
		t.Helper()
		a, page := admin.post("/people/erika"+path, nil, fields...)
		if a.StatusCode != 303 && a.StatusCode != 200 {
			t.Errorf("%s: %d %s", path, a.StatusCode, page)
		}
		return page
	}
	signIn(303)
	act("", "role", "technologist", "scope", "")
	if u := r.account(t, "erika"); u.Role != policy.Technologist || !u.Scope.Unlimited() {
		t.Errorf("%+v", u)
	}
	if signedIn() {
		t.Error("a session outlives a change of the role")
	}
	signIn(303)
	act("/sign-out")
	if signedIn() {
		t.Error("a session outlives signing out")
	}
	signIn(303)
	_, page = admin.do("GET", "/people/erika", nil)
	act(strings.TrimPrefix(regexp.MustCompile(`/people/erika/sessions/[0-9a-f]+/end`).FindString(string(page)), "/people/erika"))
	if signedIn() {
		t.Error("a session outlives its end")
	}
	link := act("/reset")
	signIn(401)
	r.setUp(t, link)
	signIn(303)
	act("/disable")
	if signedIn() {
		t.Error("a disabled person is signed in")
	}
	signIn(401)
	act("/enable")
	signIn(303)
	r.withApp(t, "erika")
	act("/factors")
	r.administer(t, func(a *server.Admin) error {
		if a.Accounts.Factors("erika").Second() {
			t.Error("the second factor is still there")
		}
		return nil
	})
	for what, code := range map[string]audit.Code{"added as radiologist": audit.UserSecurity, "role technologist, scope all": audit.RolesChanged,
		"sessions ended": audit.UserSecurity, "new password": audit.UserSecurity, "disabled": audit.UserSecurity, "enabled": audit.UserSecurity} {
		found := false
		for _, e := range r.records(t, code) {
			found = found || e.Principal == "ada" && len(e.Details) > 1 && e.Details[0].Value == what && e.Details[1].Value == "erika"
		}
		if !found {
			t.Errorf("the trail does not tell of %q", what)
		}
	}
}

// TestPeoplePageRevokesTokens ends a token within a second.
func TestPeoplePageRevokesTokens(t *testing.T) {
	r := start(t)
	secret, id := r.user(t, "robot", policy.Technologist)
	_, other := r.user(t, "other", policy.Technologist)
	admin := r.admin(t, "ada")
	if a, _ := admin.post("/people/robot/tokens/"+other+"/revoke", nil); a.StatusCode != 404 {
		t.Errorf("another's token: %d", a.StatusCode)
	}
	if a, _ := admin.post("/people/robot/tokens/"+id+"/revoke", nil); a.StatusCode != 303 {
		t.Fatal(a.StatusCode)
	}
	r.within(t, time.Second, func() bool {
		a, _ := r.browser(t, secret).do("GET", "/dicom-web/studies", nil)
		return a.StatusCode == 401
	})
}

// TestTheLastAdministratorStays: no way through the pages leads to an archive that
// nobody can manage; who was invited and has not come does not count.
func TestTheLastAdministratorStays(t *testing.T) {
	r := start(t)
	admin := r.admin(t, "ada")
	_, link := admin.post("/people", nil, "name", "bea", "role", "administrator", "scope", "")
	acts := map[string][]string{"": {"role", "auditor", "scope", ""}, "/disable": nil, "/reset": nil}
	for path, fields := range acts {
		if a, page := admin.post("/people/ada"+path, nil, fields...); a.StatusCode != 422 || !strings.Contains(string(page), "Nobody else could manage") {
			t.Errorf("the last administrator, %q: %d", path, a.StatusCode)
		}
	}
	if u := r.account(t, "ada"); u.Role != policy.Administrator || u.Disabled || u.Password == "" {
		t.Errorf("%+v", u)
	}
	r.setUp(t, link)
	if a, page := admin.post("/people/ada", nil, "role", "auditor", "scope", ""); a.StatusCode != 303 {
		t.Errorf("one of two administrators: %d %s", a.StatusCode, page)
	}
	bea := r.surfer(t)
	bea.signIn("bea", "/")
	if a, _ := bea.post("/people/bea/disable", nil); a.StatusCode != 422 {
		t.Errorf("the one who is left: %d", a.StatusCode)
	}
}

// TestPeoplePageSaysWhatIsWrong sends forms that cannot be accepted.
func TestPeoplePageSaysWhatIsWrong(t *testing.T) {
	r := start(t)
	admin := r.admin(t, "ada")
	for want, fields := range map[string][]string{
		"That is no user name":       {"name", "Erika M", "role", "auditor"},
		"of that name already":       {"name", "ada", "role", "auditor"},
		"What was sent cannot be re": {"name", "erika", "role", "emperor"},
		"cannot be read":             {"name", "erika", "role", "auditor", "scope", "everything"},
	} {
		if a, page := admin.post("/people", nil, fields...); a.StatusCode/100 != 4 || !strings.Contains(string(page), want) {
			t.Errorf("%v: %d, without %q", fields, a.StatusCode, want)
		}
	}
	secret, _ := r.user(t, "bot", policy.Administrator)
	program := r.browser(t, secret)
	for _, path := range []string{"/people", "/people/ada", "/people/ada/reset", "/people/ada/factors", "/people/ada/disable", "/people/ada/enable", "/people/ada/sign-out"} {
		if a, _ := program.post(path, nil, "name", "eve", "role", "administrator"); a.StatusCode != 403 {
			t.Errorf("a token at %s: %d", path, a.StatusCode)
		}
	}
	for _, path := range []string{"", "/reset", "/factors", "/disable", "/enable", "/sign-out", "/sessions/00/end", "/tokens/00/revoke"} {
		if a, _ := admin.post("/people/nobody"+path, nil); a.StatusCode != 404 {
			t.Errorf("nobody%s: %d", path, a.StatusCode)
		}
	}
	if u := r.account(t, "eve"); u.Name != "" {
		t.Error("a token has made an account")
	}
}

// TestAdministratorsCannotDeposeEachOtherAtOnce has two of them disable each other
// in the same moment: one stays.
func TestAdministratorsCannotDeposeEachOtherAtOnce(t *testing.T) {
	r := start(t)
	browsers := map[string]*browser{"bea": r.admin(t, "ada"), "ada": r.admin(t, "bea")}
	done := make(chan int, 2)
	for other, b := range browsers {
		go func() {
			a, _ := b.post("/people/"+other+"/disable", nil)
			done <- a.StatusCode
		}()
	}
	statuses := []int{<-done, <-done}
	disabled := 0
	for name := range browsers {
		if r.account(t, name).Disabled {
			disabled++
		}
	}
	if disabled != 1 {
		t.Errorf("%d of two are disabled: %v", disabled, statuses)
	}
}
