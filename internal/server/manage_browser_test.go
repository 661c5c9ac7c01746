package server_test

import (
	"testing"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// TestManagementInABrowser enrols a device and invites a person by way of the
// forms, and runs axe-core over the pages of management with something on them: in
// English, light, on a desktop; in German, dark, on a phone.
func TestManagementInABrowser(t *testing.T) {
	axe := axeCore(t)
	r := start(t)
	secret, _ := r.user(t, "robot", policy.Technologist)
	r.browser(t, secret).fill(demoStudies...)
	r.enrol(t, "mr1", "MR1", "echo,store", nil)
	r.person(t, "ada", policy.Administrator)
	r.person(t, "paula", policy.PrivacyOfficer)
	w := r.window(t)
	check := func(name, path string) {
		t.Helper()
		w.accessible(axe, name, path, "en", "light")
		w.accessible(axe, name, path, "de", "dark")
	}
	w.look(1440, 900, "light")
	w.open("/devices")
	w.signIn("ada")
	w.click("details.form summary")
	w.typed("#name", "ct1")
	w.typed("#aet", "CT1")
	w.click("input[value=store]")
	w.typed("#scope", "modality=CT")
	w.click("details.form button.main")
	w.until("the bundle", "document.querySelector('form[action^=\"/devices/bundles/\"]')")
	w.violations(axe, "bundle-en-light")
	if text := js[string](w, "document.querySelector('pre').textContent"); len(text) < 200 {
		t.Errorf("the instructions: %q", text)
	}
	check("manage-home", "/manage")
	check("devices", "/devices")
	check("device", "/devices/ct1")
	w.look(1440, 900, "light")
	w.open("/devices")
	w.click("details.form summary")
	w.violations(axe, "devices-form")
	w.typed("#name", "CT 1")
	w.typed("#aet", "CT1")
	w.click("details.form button.main")
	w.until("what is wrong", "document.querySelector('#problem') && document.querySelector('#name[aria-invalid]')")
	w.violations(axe, "devices-wrong")
	w.open("/people")
	w.click("details.form summary")
	w.typed("#name", "erika")
	w.run("document.querySelector('#role').value = 'radiologist'")
	w.click("details.form button.main")
	w.until("the link", "document.querySelector('pre.link')")
	w.violations(axe, "invited")
	check("people", "/people")
	check("person", "/people/robot")
	w.signOut()
	w.look(1440, 900, "light")
	w.signIn("paula")
	check("trail", "/trail?search=1")
	check("trail-patient", "/trail/patient?patient=SYN0000001&names=1")
	check("trail-breach", "/trail/breach?who=robot")
	w.clean()
}
