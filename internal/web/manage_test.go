package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/identity"
)

// Rights are given only by who has signed in a moment ago, at a browser.
func TestGrantingNeedsAFreshSignIn(t *testing.T) {
	for name, c := range map[string]struct {
		signIn identity.Session
		ok     bool
		denied bool
	}{
		"fresh": {identity.Session{ID: "1", User: "ada", Began: time.Now().Add(-time.Minute)}, true, false},
		"stale": {identity.Session{ID: "1", User: "ada", Began: time.Now().Add(-freshSignIn - time.Second)}, false, false},
		"token": {identity.Session{}, false, true},
	} {
		answered := httptest.NewRecorder()
		x := &exchange{Request: httptest.NewRequest("POST", "/people", nil), w: &answer{ResponseWriter: answered}, site: &Site{},
			visitor: Visitor{SignIn: c.signIn}, prefs: preferences{Language: "en"}}
		ok, err := x.granting("/people")
		if ok != c.ok || (err != nil) != c.denied {
			t.Errorf("%s: %t, %v", name, ok, err)
		}
		again := answered.Code == http.StatusForbidden && strings.Contains(answered.Body.String(), `name="next" value="/people"`)
		if asked := !ok && err == nil; asked != again {
			t.Errorf("%s: %d %s", name, answered.Code, answered.Body)
		}
	}
}
