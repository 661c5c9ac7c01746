package server_test

import (
	"testing"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

// TestPrivacyPagesInABrowser makes a link, and runs axe-core over the pages with
// something on them: in English, light, on a desktop; in German, dark, on a phone.
func TestPrivacyPagesInABrowser(t *testing.T) {
	axe := axeCore(t)
	r := startIn(t, t.TempDir(), func(c *server.Config) {
		c.Budgets = map[string]access.Budget{string(policy.Technologist): {Studies: 1}}
	})
	robot, _ := r.user(t, "robot", policy.Technologist)
	uids := r.browser(t, robot).fill(demoStudies...)
	paths := r.eventful(t, uids)
	for name, role := range map[string]policy.Role{"maria": policy.Radiologist, "admin": policy.Administrator, "otto": policy.PrivacyOfficer} {
		r.person(t, name, role)
	}
	w := r.window(t)
	check := func(name, path string) {
		t.Helper()
		w.accessible(axe, name, path, "en", "light")
		w.accessible(axe, name, path, "de", "dark")
	}
	w.open("/login")
	w.signIn("maria")
	check("lend", "/studies/"+uids[0]+"/share")
	w.click("form.card button.main")
	w.until("the link", "document.getElementById('link')")
	w.violations(axe, "lent-de-dark")
	check("shares", "/shares")
	w.signOut()
	w.look(1440, 900, "light")
	w.signIn("otto")
	for _, p := range [][2]string{{"reviews", "/reviews"}, {"review", paths[0]}, {"retention", "/retention"}, {"erasures", "/erasures"}, {"erasure", paths[1]}} {
		check(p[0], p[1])
	}
	w.signOut()
	w.look(1440, 900, "light")
	w.signIn("admin")
	for _, p := range [][2]string{{"manage", "/manage"}, {"shares-all", "/shares/all"}, {"budgets", "/budgets"}, {"quarantine", "/quarantine"}, {"aside", paths[2]}, {"stranger", "/stranger"}} {
		check(p[0], p[1])
	}
	w.clean()
}

// eventful has something happen of all that the pages tell about, and returns the
// paths of a review, an erasure and a quarantined instance.
func (r *running) eventful(t *testing.T, uids []string) []string {
	t.Helper()
	r.surveyed(t)
	old, patient := r.oldStudy(t)
	r.twice(t)
	erika := r.visitor(t, "erika", policy.Radiologist, policy.Scope{Studies: uids[:1]})
	anna, paula := r.visitor(t, "anna", policy.Administrator, policy.Scope{}), r.visitor(t, "paula", policy.PrivacyOfficer, policy.Scope{})
	carl := r.visitor(t, "carl", policy.Technologist, policy.Scope{})
	erika.acts(200, "/studies/"+uids[0]+"/share", "study", uids[0], "days", "7", "uses", "3", "factor", "code", "label", "Dr. Beispiel")
	erika.acts(303, "/emergency", "reason", "unconscious after an accident")
	erika.do("GET", "/dicom-web/studies/"+uids[2], nil)
	review := first(t, `href="(/reviews/[0-9a-f]+)"`, anna.page("/reviews"))
	for _, uid := range uids[:2] {
		carl.do("GET", "/dicom-web/studies/"+uid, nil) // the second one passes the budget
	}
	paula.acts(303, "/retention/holds", "on", "patient", "name", "SYN0000004", "reason", "a claim against the house is pending")
	paula.acts(303, "/erasures", "on", "patient", "name", patient, "reason", "the patient has asked for it")
	done := string(old)
	erasure, _ := anna.acts(303, "/erasures", "on", "study", "name", done+" "+uids[3], "reason", "the term has ended")
	paula.acts(303, erasure+"/agree")
	another, _ := anna.acts(303, "/erasures", "on", "study", "name", uids[1], "reason", "asked for by the patient")
	return []string{review, another, first(t, `href="(/quarantine/[0-9a-f]+)"`, anna.page("/quarantine"))}
}
