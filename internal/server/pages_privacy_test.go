package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/synth"
	"github.com/tresor-pacs/tresor/internal/web"
)

// visitor is a browser of somebody new with the role, who shows a token.
func (r *running) visitor(t *testing.T, name string, role policy.Role, scope policy.Scope) *browser {
	t.Helper()
	var secret string
	r.administer(t, func(a *server.Admin) (err error) {
		if err = a.Accounts.AddUser(t.Context(), identity.User{Name: name, Role: role, Scope: scope}, ""); err == nil {
			secret, _, err = a.Accounts.CreateToken(t.Context(), name, time.Hour)
		}
		return err
	})
	b := r.guest(t).with(secret)
	r.within(t, 5*time.Second, func() bool {
		a, _ := b.do("GET", "/static/app.css", nil)
		return a.StatusCode != 401 && a.StatusCode != 429
	})
	return b
}

// page gets a page, which has to be there, and returns it.
func (b *browser) page(path string) string {
	b.t.Helper()
	a, body := b.do("GET", path, nil)
	if a.StatusCode != 200 {
		b.t.Fatalf("%s: %s %s", path, a.Status, body)
	}
	return string(body)
}

// acts sends a form and expects a status; it returns where that led and the page.
func (b *browser) acts(want int, path string, fields ...string) (to, page string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	a, body := b.do("POST", path, strings.NewReader(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	if a.StatusCode != want {
		b.t.Fatalf("%s %v: %s, not %d\n%s", path, fields, a.Status, want, body)
	}
	return a.Header.Get("Location"), string(body)
}

// first returns what the first group of a pattern matches in a page.
func first(t *testing.T, pattern, page string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("nothing like %s in\n%s", pattern, page)
	}
	return m[1]
}

const why = "a reason that somebody can judge"

// privacyPages are the pages that this file is about, with the roles that may see them.
var privacyPages = map[string][]policy.Role{
	"/shares":     {policy.Radiologist},
	"/shares/all": {policy.Administrator},
	"/reviews":    {policy.Administrator, policy.PrivacyOfficer},
	"/budgets":    {policy.Administrator},
	"/retention":  {policy.Administrator, policy.PrivacyOfficer},
	"/erasures":   {policy.Administrator, policy.PrivacyOfficer},
	"/quarantine": {policy.Administrator},
	"/stranger":   {policy.Administrator},
}

// Each role gets its own pages and a way to them, no other's; what is not there
// looks the same whatever is asked for; and other sites can do nothing.
func TestPrivacyPagesShowEachRoleItsOwn(t *testing.T) {
	r := start(t)
	absent := []string{"/reviews/0000000000", "/erasures/0000000000", "/erasures/0000000000/certificate", "/quarantine/0000000000"}
	for _, role := range policy.Roles {
		b := r.visitor(t, string(role), role, policy.Scope{Modalities: []string{"CT"}})
		_, home := b.do("GET", "/manage", nil)
		for path, roles := range privacyPages {
			a, body := b.do("GET", path, nil)
			may := slices.Contains(roles, role)
			if may != (a.StatusCode == 200) || !may && a.StatusCode != 403 {
				t.Errorf("%s %s: %s %s", role, path, a.Status, body)
			}
			if link := bytes.Contains(append(home, body...), []byte(`href="`+path+`"`)); may != link {
				t.Errorf("%s: the way to %s is there: %v", role, path, link)
			}
		}
		for _, path := range absent {
			if a, _ := b.do("GET", path, nil); a.StatusCode != 404 && a.StatusCode != 403 {
				t.Errorf("%s %s: %s", role, path, a.Status)
			}
		}
	}
	r.person(t, "anna", policy.Administrator)
	b := r.surfer(t)
	b.signIn("anna", "/")
	tried := 0
	for _, route := range web.Routes() {
		if route.Method == http.MethodPost && slices.ContainsFunc([]string{"/shares", "/reviews", "/budgets", "/retention", "/erasures", "/quarantine", "/stranger"},
			func(p string) bool { return strings.HasPrefix(route.Path, p) }) {
			tried++
			if a, _ := b.post(strings.ReplaceAll(route.Path, "{id}", "x"), []string{"Sec-Fetch-Site", "cross-site"}); a.StatusCode != 403 {
				t.Errorf("another site's page: %s: %s", route.Path, a.Status)
			}
		}
	}
	if tried < 11 {
		t.Errorf("only %d acts were tried", tried)
	}
}

// A radiologist makes a link, which opens the chosen studies, and revokes it;
// another's link is not there; an administrator ends any.
func TestSharePages(t *testing.T) {
	r := start(t)
	robot, _ := r.user(t, "robot", policy.Technologist)
	uids := r.browser(t, robot).fill(demoStudies...)
	erika, otto := r.visitor(t, "erika", policy.Radiologist, policy.Scope{}), r.visitor(t, "otto", policy.Radiologist, policy.Scope{Studies: []string{uids[2]}})
	admin := r.visitor(t, "anna", policy.Administrator, policy.Scope{})
	if !strings.Contains(erika.page("/studies/"+uids[0]), `href="/studies/`+uids[0]+`/share"`) {
		t.Error("the study's page does not lead to sharing")
	}
	form := erika.page("/studies/" + uids[0] + "/share")
	if !strings.Contains(form, uids[1]) || strings.Contains(form, uids[2]) {
		t.Error("the form does not have the patient's studies, or another's")
	}
	for _, path := range []string{"/studies/" + uids[0] + "/share", "/studies/1.2.3.4/share"} {
		otto.acts(404, path, "study", uids[0], "days", "7", "uses", "3", "factor", "code")
	}
	make := "/studies/" + uids[0] + "/share"
	for _, wrong := range [][]string{{"days", "7", "uses", "3", "factor", "code"},
		{"study", uids[0], "days", "8", "uses", "3"}, {"study", uids[0], "days", "7", "uses", "0"}, {"study", uids[0], "days", "7", "uses", "x"},
		{"study", uids[0], "days", "7", "uses", "3", "label", strings.Repeat("x", 101)}} {
		if _, page := erika.acts(422, make, wrong...); !strings.Contains(page, `role="alert"`) {
			t.Errorf("%v: nothing is said", wrong)
		}
	}
	for _, other := range []string{uids[2], "1.2.3.4"} {
		erika.acts(404, make, "study", uids[0], "study", other, "days", "7", "uses", "3", "factor", "code")
	}
	_, made := erika.acts(200, make, "study", uids[0], "days", "7", "uses", "3", "factor", "code", "label", "Dr. Beispiel")
	link, err := url.Parse(first(t, `id="link"[^>]* value="([^"]+)"`, made))
	if err != nil || link.Host != r.https {
		t.Fatal(link, err)
	}
	code := first(t, `id="code"[^>]* value="([^"]+)"`, made)
	guest := r.guest(t)
	if a := guest.answer(link.Path, code); a.StatusCode != 303 {
		t.Fatal("the link does not open:", a.Status)
	}
	read := func(uid string) int { a, _ := guest.do("GET", "/dicom-web/studies/"+uid, nil); return a.StatusCode }
	if read(uids[0]) != 200 || read(uids[1]) != 404 || read(uids[2]) != 404 {
		t.Error("not the chosen study alone:", read(uids[0]), read(uids[1]), read(uids[2]))
	}
	list := erika.page("/shares")
	if strings.Contains(list, link.Path[len("/share/"):]) || !strings.Contains(list, "Dr. Beispiel") || !strings.Contains(list, "1 of 3") {
		t.Error("the list:", list)
	}
	if strings.Contains(otto.page("/shares"), "Dr. Beispiel") {
		t.Error("another's link is listed")
	}
	revoke := first(t, `action="(/shares/[0-9a-f]+/revoke)"`, list)
	otto.acts(404, revoke)
	otto.acts(404, "/shares/0000000000/revoke")
	erika.acts(303, revoke)
	r.within(t, 5*time.Second, func() bool { return read(uids[0]) == 401 })

	_, made = erika.acts(200, make, "study", uids[0], "days", "1", "uses", "1", "factor", "birth-date")
	if strings.Contains(made, `id="code"`) {
		t.Error("there is a code although the link asks for the birth date")
	}
	all := admin.page("/shares/all")
	if strings.Contains(all, uids[0]) {
		t.Error("the administrator sees which studies were shared")
	}
	admin.acts(404, "/shares/all/0000000000/revoke")
	admin.acts(303, first(t, `action="(/shares/all/[0-9a-f]+/revoke)"`, all))
	if strings.Contains(erika.page("/shares"), "/revoke") {
		t.Error("a link is still good")
	}
}

// What was read under emergency access stands on its review, which somebody else closes.
func TestReviewPages(t *testing.T) {
	r := start(t)
	all := r.studiesOf(t, 2)
	erika := r.visitor(t, "erika", policy.Radiologist, policy.Scope{Studies: []string{string(all[0])}})
	admin, officer := r.visitor(t, "anna", policy.Administrator, policy.Scope{}), r.visitor(t, "paula", policy.PrivacyOfficer, policy.Scope{})
	erika.acts(303, "/emergency", "reason", "unconscious after an accident")
	if a, _ := erika.do("GET", "/dicom-web/studies/"+string(all[1]), nil); a.StatusCode != 200 {
		t.Fatal("emergency access opens nothing:", a.Status)
	}
	lend := "/studies/" + string(all[1]) + "/share"
	erika.acts(409, lend, "study", string(all[1]), "days", "365", "uses", "9", "factor", "code")
	if strings.Contains(erika.page("/shares"), "/revoke") {
		t.Error("what emergency access shows outlasts it in a link")
	}
	erika.acts(303, first(t, `action="(/emergency/[0-9a-f]+/end)"`, erika.page("/emergency")))
	erika.acts(404, lend, "study", string(all[1]), "days", "365", "uses", "9", "factor", "code")
	path := first(t, `href="(/reviews/[0-9a-f]+)"`, officer.page("/reviews"))
	seen := officer.page(path)
	if !strings.Contains(seen, "unconscious after an accident") || !strings.Contains(seen, string(all[1])) || !strings.Contains(seen, "Fetched") && !strings.Contains(seen, "Read") {
		t.Error("what was opened is not shown:", seen)
	}
	if blind := admin.page(path); strings.Contains(blind, string(all[1])) || !strings.Contains(blind, "does not read the trail") {
		t.Error("an administrator, who does not read the trail, sees it here")
	}
	for _, wrong := range [][]string{{}, {"verdict", "justified"}, {"verdict", "maybe", "remark", why}, {"verdict", "justified", "remark", "short"}} {
		officer.acts(422, path, wrong...)
	}
	officer.acts(404, "/reviews/0000000000", "verdict", "justified", "remark", why)
	erika.acts(403, path, "verdict", "justified", "remark", why)
	officer.acts(303, path, "verdict", "misuse", "remark", "nobody was unconscious")
	if _, page := admin.acts(409, path, "verdict", "justified", "remark", why); !strings.Contains(page, "nobody was unconscious") {
		t.Error("the first verdict is not shown")
	}
	if list := officer.page("/reviews"); !strings.Contains(list, "Nothing waits") || !strings.Contains(list, "Not justified") {
		t.Error("the list:", list)
	}
}

// Who passed the budget is named with the reason, and goes on when somebody else lets them.
func TestBudgetPage(t *testing.T) {
	r := startIn(t, t.TempDir(), func(c *server.Config) {
		c.Budgets = map[string]access.Budget{string(policy.Radiologist): {Studies: 1}}
	})
	all := r.studiesOf(t, 2)
	erika, admin := r.visitor(t, "erika", policy.Radiologist, policy.Scope{}), r.visitor(t, "anna", policy.Administrator, policy.Scope{})
	if page := admin.page("/budgets"); !strings.Contains(page, "Nobody is paused") {
		t.Error(page)
	}
	get := func(u dicom.UID) int {
		a, _ := erika.do("GET", "/dicom-web/studies/"+string(u), nil)
		return a.StatusCode
	}
	if get(all[0]) != 200 || get(all[1]) == 200 {
		t.Fatal("the budget does not hold")
	}
	page := admin.page("/budgets")
	if !strings.Contains(page, "more than 1 studies in an hour") || first(t, `name="account" value="([^"]+)"`, page) != "user/erika" {
		t.Error("the page does not say who is paused:", page)
	}
	admin.acts(404, "/budgets/lift", "account", "user/nobody")
	admin.acts(404, "/budgets/lift")
	admin.acts(303, "/budgets/lift", "account", "user/erika")
	if get(all[1]) != 200 {
		t.Error("the pause was not lifted")
	}
	if _, page := admin.acts(409, "/budgets/lift", "account", "user/anna"); !strings.Contains(page, "Somebody else") {
		t.Error("nobody lifts their own pause:", page)
	}
}

// oldStudy stores a study that need not be kept any longer, and returns it with
// its patient.
func (r *running) oldStudy(t *testing.T) (study dicom.UID, patient string) {
	t.Helper()
	ct := r.enrol(t, "old", "OLD", "store", nil)
	for o := range synth.New(77).Objects(synth.Options{Count: 1, Rows: 16, Columns: 16}) {
		o.Header.PutString(dict.StudyDate, dicom.VRDA, "19900102")
		o.Header.PutString(dict.PatientBirthDate, dicom.VRDA, "19300102")
		o.Header.PutString(dict.PatientID, dicom.VRLO, "OLD-1")
		if s := r.put(t, ct, o); s != dimse.StatusSuccess {
			t.Fatal(s)
		}
		study = o.Header.UID(dict.StudyInstanceUID)
		break
	}
	return study, "OLD-1"
}

// A study is due; a hold keeps it; two people erase it, one does not; what has to
// be kept waits; and the certificate can be checked.
func TestRetentionAndErasurePages(t *testing.T) {
	r := start(t)
	young := r.studiesOf(t, 1)[0]
	old, patient := r.oldStudy(t)
	admin, officer := r.visitor(t, "anna", policy.Administrator, policy.Scope{}), r.visitor(t, "paula", policy.PrivacyOfficer, policy.Scope{})
	if page := officer.page("/retention"); !strings.Contains(page, string(old)) || strings.Contains(page, string(young)) {
		t.Error("what is due:", page)
	}
	if page := officer.page("/retention?study=" + string(young)); !strings.Contains(page, "has to be kept") {
		t.Error(page)
	}
	for _, uid := range []string{"1.2.3.4", "nonsense"} {
		if page := officer.page("/retention?study=" + uid); !strings.Contains(page, "There is no such study") {
			t.Error(page)
		}
	}
	for _, wrong := range [][]string{{"on", "patient", "name", patient}, {"on", "patient", "reason", why}, {"on", "study", "name", "x y", "reason", why},
		{"on", "patient", "name", strings.Repeat("x", 65), "reason", why}} {
		officer.acts(422, "/retention/holds", wrong...)
	}
	officer.acts(303, "/retention/holds", "on", "patient", "name", patient, "reason", why)
	page := officer.page("/retention")
	lift := first(t, `action="(/retention/holds/[0-9a-f]+/lift)"`, page)
	if strings.Contains(page, string(old)) {
		t.Error("what is held is due")
	}

	for _, wrong := range [][]string{{"on", "study", "name", string(old)}, {"on", "study", "name", "x", "reason", why}, {"on", "study", "reason", why},
		{"on", "patient", "name", "nobody", "reason", why}, {"on", "patient", "reason", why}} {
		officer.acts(422, "/erasures", wrong...)
	}
	request, _ := officer.acts(303, "/erasures", "on", "patient", "name", patient, "reason", why)
	if _, page := officer.acts(409, request+"/agree"); !strings.Contains(page, "Somebody else") {
		t.Error("one person alone:", page)
	}
	officer.acts(404, "/erasures/0000000000/agree")
	if strings.Contains(officer.page(request), "/agree") {
		t.Error("whoever asked is offered to agree")
	}
	admin.acts(303, request+"/agree")
	if page := admin.page(request); !strings.Contains(page, "a legal hold stands") {
		t.Error("it does not wait for the hold:", page)
	}
	if a, _ := admin.do("GET", request+"/certificate", nil); a.StatusCode != 404 {
		t.Error("a certificate of nothing:", a.Status)
	}
	officer.acts(422, lift, "reason", "short")
	officer.acts(404, "/retention/holds/0000000000/lift", "reason", why)
	officer.acts(303, lift, "reason", why)
	// Whoever asks for an erasure of what is due gets it at once; the request
	// that waited goes with it.
	again, _ := admin.acts(303, "/erasures", "on", "study", "name", string(old), "reason", why)
	officer.acts(303, again+"/agree")
	r.within(t, 20*time.Second, func() bool { return strings.Contains(officer.page(again), "erased ") })
	a, body := officer.do("GET", again+"/certificate", nil)
	if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") {
		t.Fatal(a.Status, a.Header)
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	for n := 0; lines.Scan(); n++ {
		var c access.Certificate
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		r.administer(t, func(a *server.Admin) error {
			if key, err := a.CertificateKey(); err != nil || !c.Check(key) || c.Study != old || n > 0 {
				t.Errorf("%+v, %v", c, err)
			}
			return nil
		})
	}
	if page := officer.page("/retention?study=" + string(old)); !strings.Contains(page, "There is no such study") {
		t.Error("it is still there")
	}

	kept, _ := officer.acts(303, "/erasures", "on", "study", "name", string(young), "reason", why)
	admin.acts(303, kept+"/agree")
	if page := officer.page(kept); !strings.Contains(page, "has to be kept") || !strings.Contains(page, "waits for term or hold") {
		t.Error("what has to be kept does not wait:", page)
	}
	officer.acts(303, kept+"/withdraw")
	officer.acts(409, kept+"/withdraw")
	admin.acts(409, kept+"/agree")
}

// Both versions stand side by side, and the choice is carried out.
func TestQuarantinePages(t *testing.T) {
	r := start(t)
	r.twice(t)
	admin, officer := r.visitor(t, "anna", policy.Administrator, policy.Scope{}), r.visitor(t, "paula", policy.PrivacyOfficer, policy.Scope{})
	entry := func() string { return first(t, `href="(/quarantine/[0-9a-f]+)"`, admin.page("/quarantine")) }
	path := entry()
	cells := regexp.MustCompile(`(?s)StudyDescription<br>.*?<bdi>([^<]*)</bdi></td><td[^>]*><bdi>([^<]*)</bdi>`)
	if m := cells.FindStringSubmatch(admin.page(path)); m == nil || m[2] != "another" || m[1] == "another" {
		t.Fatalf("the versions are not side by side: %q in\n%s", m, admin.page(path))
	}
	for _, wrong := range [][]string{{}, {"choice", "keep"}, {"choice", "burn", "reason", why}, {"choice", "drop", "reason", "short"}} {
		admin.acts(422, path, wrong...)
	}
	admin.acts(404, "/quarantine/0000000000", "choice", "drop", "reason", why)
	officer.acts(403, path, "choice", "drop", "reason", why)
	if page := admin.page("/quarantine"); strings.Contains(page, "<img") {
		t.Error("a picture for somebody who sees none")
	}
	admin.acts(303, path, "choice", "replace", "reason", why)
	r.within(t, 20*time.Second, func() bool {
		m := cells.FindStringSubmatch(admin.page(entry()))
		return m != nil && m[1] == "another"
	})
	path = entry()
	admin.acts(303, path, "choice", "keep", "reason", why)
	r.within(t, 20*time.Second, func() bool { return strings.Contains(admin.page("/quarantine"), "kept aside") })
	admin.acts(303, path, "choice", "drop", "reason", why)
	r.within(t, 20*time.Second, func() bool { a, _ := admin.do("GET", path, nil); return a.StatusCode == 404 })
}

// twice stores an instance, and another one under the same UID.
func (r *running) twice(t *testing.T) {
	t.Helper()
	ct := r.enrol(t, "ct1", "CT1", "store", nil)
	for o := range synth.New(5).Objects(synth.Options{Count: 1, Rows: 16, Columns: 16}) {
		if s := r.put(t, ct, o); s != dimse.StatusSuccess {
			t.Fatal(s)
		}
		o.Header.PutString(dict.StudyDescription, dicom.VRLO, "another")
		if s := r.put(t, ct, o); s != dimse.StatusDuplicateSOPInstance {
			t.Fatal(s)
		}
		return
	}
}

// The page tells each step of the latest look; the button has the archive look again.
func TestStrangerPage(t *testing.T) {
	r := start(t)
	admin := r.visitor(t, "anna", policy.Administrator, policy.Scope{})
	r.surveyed(t)
	page := admin.page("/stranger")
	for _, want := range []string{r.dicom, r.https, "TLS without a certificate", "it wants a certificate, and hangs up", "does not come to it", "nothing answers"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q:\n%s", want, page)
		}
	}
	looks := func() int { return strings.Count(r.log.String(), "self-survey: nothing answers a stranger") }
	before := looks()
	admin.acts(303, "/stranger")
	if looks() <= before {
		t.Error("the archive did not look again before the answer")
	}
	asked := slices.ContainsFunc(r.records(t, audit.SecurityConfiguration), func(e audit.Event) bool {
		return e.Principal == "anna" && strings.Contains(fmt.Sprint(e.Details), "looks at itself")
	})
	if !asked {
		t.Error("the trail does not say that somebody asked for a look")
	}
}
