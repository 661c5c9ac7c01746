package server_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

// guest is a browser with a link.
func (r *running) guest(t *testing.T) *browser {
	b := r.browser(t, "")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.client.Jar = jar
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

func (b *browser) answer(path, factor string) *http.Response {
	b.t.Helper()
	a, _ := b.do("POST", path, strings.NewReader(url.Values{"factor": {factor}}.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Origin", b.root)
	return a
}

// TestShareOpensItsStudiesAlone: a link without its second factor shows nothing,
// with it the studies of the share and nothing else, and a revocation ends it.
func TestShareOpensItsStudiesAlone(t *testing.T) {
	r := start(t)
	all := r.studiesOf(t, 3)
	mine, others := all[0], all[1:]
	var secret, code string
	var s access.Share
	r.administer(t, func(a *server.Admin) (err error) {
		secret, code, s, err = a.Access.Share(t.Context(), a.Operator(), access.NewShare{Studies: []dicom.UID{mine}, Factor: access.Code})
		return err
	})
	b := r.guest(t)
	r.within(t, time.Second, func() bool { a, _ := b.do("GET", "/share/"+secret, nil); return a.StatusCode == 200 })
	if a, body := b.do("GET", "/share/"+secret, nil); strings.Contains(string(body), string(mine)) || a.Header.Get("Set-Cookie") != "" {
		t.Error("the link alone shows the study, or signs in")
	}
	if a, _ := b.do("GET", "/share/"+secret[1:]+"A", nil); a.StatusCode != 404 {
		t.Error("a link that is none:", a.Status)
	}
	if a := b.answer("/share/"+secret, "ABCDEFGH"); a.StatusCode != 422 || a.Header.Get("Set-Cookie") != "" {
		t.Error("a wrong code:", a.Status)
	}
	if a, _ := b.do("POST", "/share/"+secret, strings.NewReader("factor="+code), "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://elsewhere.example"); a.StatusCode != 403 {
		t.Error("another site signs in:", a.Status)
	}
	if a := b.answer("/share/"+secret, code); a.StatusCode != 303 {
		t.Fatal("the right code:", a.Status)
	}
	if a, body := b.do("GET", "/dicom-web/studies", nil); a.StatusCode != 200 || !strings.Contains(string(body), string(mine)) ||
		slices.ContainsFunc(others, func(u dicom.UID) bool { return strings.Contains(string(body), string(u)) }) {
		t.Errorf("the search: %s %s", a.Status, body)
	}
	if a, _ := b.do("GET", "/dicom-web/studies/"+string(mine), nil); a.StatusCode != 200 {
		t.Error(a.Status)
	}
	for _, u := range append(others, "1.2.3.4") {
		if a, _ := b.do("GET", "/dicom-web/studies/"+string(u), nil); a.StatusCode != 404 {
			t.Errorf("another study: %s", a.Status)
		}
	}
	for _, path := range []string{"/account", "/server", "/fhir/AuditEvent"} {
		if a, _ := b.do("GET", path, nil); a.StatusCode == 200 {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
	if a, body := b.do("GET", "/", nil); a.StatusCode != 200 {
		t.Errorf("the start: %s %s", a.Status, body)
	}
	if a, _ := b.do("POST", "/dicom-web/studies", strings.NewReader("x"), "Origin", b.root, "Content-Type", `multipart/related; type="application/dicom"; boundary=x`); a.StatusCode < 400 {
		t.Error("a share stores:", a.Status)
	}
	r.administer(t, func(a *server.Admin) error { return a.Access.RevokeShare(t.Context(), a.Operator(), s.ID) })
	r.within(t, time.Second, func() bool {
		a, _ := b.do("GET", "/dicom-web/studies/"+string(mine), nil)
		return a.StatusCode == 401
	})
	if a, _ := b.do("GET", "/share/"+secret, nil); a.StatusCode != 404 {
		t.Error("revoked:", a.Status)
	}
	logins, reads := 0, 0
	for rec, err := range server.SearchTrail(t.Context(), r.dir, audit.Filter{PrincipalKind: string(policy.Share), Principal: s.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		switch rec.Event.Code {
		case audit.Login:
			logins++
		case audit.InstancesTransferred:
			if rec.Event.Outcome == audit.Success && len(rec.Event.Studies) > 0 {
				reads++
			}
		}
	}
	if logins != 1 || reads != 1 {
		t.Errorf("the trail has %d uses and %d reads of the share", logins, reads)
	}
}
