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
	check := func(w *window, pages ...[2]string) {
		t.Helper()
		for _, p := range pages {
			w.accessible(axe, p[0], p[1], "en", "light")
			w.accessible(axe, p[0], p[1], "de", "dark")
		}
		w.clean()
	}
	maria := r.windowOf(t, "maria")
	check(maria, [2]string{"lend", "/studies/" + uids[0] + "/share"})
	maria.click("form.card button.main")
	maria.until("the link", "document.getElementById('link')")
	maria.violations(axe, "lent-de-dark")
	check(maria, [2]string{"shares", "/shares"})
	check(r.windowOf(t, "otto"), [2]string{"reviews", "/reviews"}, [2]string{"review", paths[0]}, [2]string{"retention", "/retention"},
		[2]string{"erasures", "/erasures"}, [2]string{"erasure", paths[1]})
	check(r.windowOf(t, "admin"), [2]string{"manage", "/manage"}, [2]string{"shares-all", "/shares/all"}, [2]string{"budgets", "/budgets"},
		[2]string{"quarantine", "/quarantine"}, [2]string{"aside", paths[2]}, [2]string{"stranger", "/stranger"})
}

// windowOf is a window in which somebody has signed in.
func (r *running) windowOf(t *testing.T, name string) *window {
	t.Helper()
	w := r.window(t)
	w.look(1440, 900, "light")
	w.open("/login")
	w.signIn(name)
	return w
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
