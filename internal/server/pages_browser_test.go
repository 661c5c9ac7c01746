package server_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// demoStudies are of three patients; the first one has an earlier study.
var demoStudies = []synth.Options{
	{Number: 1, Patient: 1, Modalities: []string{"CT"}, Count: 2, Rows: 64, Columns: 64},
	{Number: 2, Patient: 1, Modalities: []string{"MR"}, Count: 2, Rows: 64, Columns: 64, Head: true},
	{Number: 3, Patient: 3, Modalities: []string{"DX"}, Count: 1, Rows: 64, Columns: 64, CharacterSet: "cyrillic"},
	{Number: 4, Patient: 4, Modalities: []string{"US", "SR"}, Count: 1, Rows: 64, Columns: 64, CharacterSet: "latin1"},
}

const rows = "document.querySelectorAll('#results tbody tr').length"

// TestPagesInABrowser goes the way of a doctor: sign in where a link led, search
// as one types, open a study, look at the patient's others, upload, sign out.
func TestPagesInABrowser(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "robot", policy.Technologist)
	uids := r.browser(t, secret).fill(demoStudies...)
	r.person(t, "erika", policy.Radiologist)
	w := r.window(t)
	w.look(1440, 900, "light")

	w.open("/studies/" + uids[0])
	w.signIn("erika")
	if at := js[string](w, "location.pathname"); at != "/studies/"+uids[0] {
		t.Errorf("signing in leads to %s", at)
	}
	w.until("the thumbnail", "document.querySelector('.picture img.there')")
	if n := js[int](w, "document.querySelectorAll('.years .stop').length"); n != 2 {
		t.Errorf("%d studies on the time line", n)
	}
	for selector, want := range map[string]string{
		"a.button.main":       "/viewer?StudyInstanceUIDs=" + uids[0],
		"a.button[download]":  "/dicom-web/studies/" + uids[0] + ".zip",
		".years a.stop":       "/studies/" + uids[1],
		".years a.compare":    "/viewer?StudyInstanceUIDs=" + uids[0] + "," + uids[1],
		".series a.tile.card": "/viewer?StudyInstanceUIDs=" + uids[0] + "&initialSeriesInstanceUID=",
	} {
		if got := js[string](w, "document.querySelector('"+selector+"').getAttribute('href')"); !strings.HasPrefix(got, want) {
			t.Errorf("%s leads to %s", selector, got)
		}
	}
	got := js[string](w, "fetch(document.querySelector('a[download]').href).then(a=>a.blob()).then(b=>b.slice(0,2).text())")
	if got != "PK" {
		t.Errorf("the download begins with %q", got)
	}
	w.keep("study")

	w.open("/")
	w.until("four studies", rows+" === 4")
	w.keep("list")
	w.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))")
	name := js[string](w, "document.querySelector('#results tbody tr:last-child th').textContent.split(',')[0]")
	w.typed("#name", strings.ToLower(name))
	w.until("fewer studies", rows+" < 4 && "+rows+" > 0")
	if q := js[string](w, "location.search"); !strings.HasPrefix(q, "?name=") {
		t.Errorf("the address does not have the search: %q", q)
	}
	w.open("/?modality=US&description=nothing+like+it")
	w.until("nothing", rows+" === 0")
	w.open("/?modality=US")
	w.until("one study", rows+" === 1")

	w.open("/")
	w.until("four studies", rows+" === 4")
	upload(w, uids)
	w.run("document.querySelector('form[action=\"/logout\"]').requestSubmit()")
	w.until("the sign-in", "location.pathname === '/login'")
	w.clean()
}

// upload drops two files of a new study and one that is none, and sees the study come.
func upload(w *window, uids []string) {
	files, study := part10(w.t, synth.Options{Number: 9, Patient: 9, Modalities: []string{"CR"}, Count: 2, Rows: 64, Columns: 64})
	var script strings.Builder
	script.WriteString("const d = new DataTransfer();")
	for i, f := range append(files, []byte("no DICOM")) {
		fmt.Fprintf(&script, "d.items.add(new File([Uint8Array.from(atob('%s'), c => c.charCodeAt(0))], '%d.dcm'));",
			base64.StdEncoding.EncodeToString(f), i)
	}
	script.WriteString("document.querySelector('#upload').click(); const f = document.querySelector('#files'); f.files = d.files; f.dispatchEvent(new Event('change'))")
	w.run(script.String())
	w.until("the end of the upload", "/^2 stored, 0 refused, 1 /.test(document.querySelector('#said').textContent)")
	w.keep("upload")
	w.until("the new study", "document.querySelector('[data-study=\""+study+"\"]')")
	w.run("document.querySelector('#stop').click()")
}

// TestNewStudiesShowThemselves stores a study while the list is open.
func TestNewStudiesShowThemselves(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "robot", policy.Technologist)
	robot := r.browser(t, secret)
	robot.fill(demoStudies[0])
	r.person(t, "erika", policy.Radiologist)
	w := r.window(t)
	w.open("/")
	w.signIn("erika")
	w.until("one study", rows+" === 1")
	for n := 2; n <= 3; n++ { // the line may not stand yet when the first one comes
		robot.fill(demoStudies[n])
	}
	w.until("the new studies, or the offer to show them", rows+" === 3 || !document.querySelector('#fresh').hidden")
	w.clean()
}

// TestPagesKeepAccessibility runs axe-core over every page in both languages and
// both colour schemes, on a desktop and a phone.
func TestPagesKeepAccessibility(t *testing.T) {
	axe := axeCore(t)
	r := start(t)
	secret, _ := r.user(t, "robot", policy.Technologist)
	uids := r.browser(t, secret).fill(demoStudies...)
	r.person(t, "erika", policy.Radiologist)
	r.person(t, "admin", policy.Administrator)
	w := r.window(t)
	check := func(name, path string) {
		t.Helper()
		for _, language := range []string{"en", "de"} {
			for _, colours := range []string{"light", "dark"} {
				w.accessible(axe, name, path, language, colours)
			}
		}
	}
	check("login", "/login")
	check("setup-gone", "/setup/none")
	w.open("/login")
	w.signIn("erika")
	check("list", "/")
	check("list-none", "/?name=nobody")
	check("study", "/studies/"+uids[0])
	check("error", "/studies/1.2.3")
	w.run("document.querySelector('form[action=\"/logout\"]').requestSubmit()")
	w.until("the sign-in", "location.pathname === '/login'")
	w.signIn("admin")
	check("server", "/server")
	check("account", "/account")
	w.clean()
}

// accessible runs axe-core over a page in a language: light on a desktop, dark on
// a phone. It keeps a picture.
func (w *window) accessible(axe, name, path, language, colours string) {
	w.t.Helper()
	width := map[string]int64{"light": 1440, "dark": 390}[colours]
	w.look(width, 900, colours)
	w.open(path)
	w.run("document.querySelector('.who').open = true; document.querySelector('button[value=" + language + "]').click()")
	w.until("the language", "document.documentElement.lang === '"+language+"' && document.readyState === 'complete' && !document.querySelector('.who').open")
	w.violations(axe, name+"-"+language+"-"+colours)
}

// violations runs axe-core over the page as it stands, and keeps a picture.
func (w *window) violations(axe, name string) {
	w.t.Helper()
	w.run(axe)
	found := js[[]string](w, "axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join('; ')))")
	for _, f := range found {
		w.t.Errorf("%s: %s", name, f)
	}
	w.keep(name)
}
