package server_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// TestTrailPages searches the trail as a privacy officer; that it was read is in
// the trail.
func TestTrailPages(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "robot", policy.Technologist)
	study := r.browser(t, secret).fill(demoStudies[0])[0]
	r.person(t, "erika", policy.Radiologist)
	erika := r.surfer(t)
	erika.signIn("erika", "/")
	if a, _ := erika.do("GET", "/dicom-web/studies/"+study+".zip", nil); a.StatusCode != 200 {
		t.Fatal(a.StatusCode)
	}
	r.person(t, "paula", policy.PrivacyOfficer)
	paula := r.surfer(t)
	paula.signIn("paula", "/")
	get := func(path string) string {
		t.Helper()
		a, page := paula.do("GET", path, nil)
		if a.StatusCode != 200 {
			t.Errorf("%s: %d %s", path, a.StatusCode, page)
		}
		return html.UnescapeString(string(page))
	}
	has := func(path string, wants ...string) {
		t.Helper()
		page := get(path)
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not have %q", path, want)
			}
		}
	}
	reads := func() int { return len(r.records(t, audit.AuditLogUsed)) } // each adds one of the command line's
	before := reads()
	get("/trail")
	if after := reads(); after != before+1 {
		t.Errorf("the bare page reads the trail: %d, %d", before, after)
	}
	has("/trail?search=1&patient=SYN0000001&who=erika", "erika", study, "fetched", "127.0.0.1")
	if page := get("/trail?search=1&patient=SYN0000001&who=nobody"); !strings.Contains(page, "Nothing matches") {
		t.Error("another's records are shown")
	}
	found := false
	for _, e := range r.records(t, audit.AuditLogUsed) {
		found = found || e.Principal == "paula" && len(e.Patients) == 1 && e.Patients[0] == "SYN0000001"
	}
	if !found {
		t.Error("the trail does not tell that it was read")
	}

	history := get("/trail/patient?patient=SYN0000001")
	if !strings.Contains(history, "Radiologist") || !strings.Contains(history, "stored") || strings.Contains(history, "erika") {
		t.Errorf("a history without names: %s", history)
	}
	has("/trail/patient?patient=SYN0000001&names=1", "erika", "127.0.0.1", study)
	has("/trail/patient?patient=NOBODY&to=2000-01-01", "nothing about this patient")
	has("/trail/breach?who=erika", "SYN0000001", study, "Images: 2")
	asked := map[string]bool{}
	for _, e := range r.records(t, audit.AuditLogUsed) {
		for _, d := range e.Details {
			if e.Principal == "paula" {
				asked[d.Name+" "+d.Value] = true
			}
		}
	}
	for _, want := range []string{"report history of a patient", "names yes", "report breach kit", "principal erika"} {
		if !asked[want] {
			t.Errorf("the trail does not tell of %q", want)
		}
	}
	for path, want := range map[string]int{"/trail?search=1&from=yesterday": 422, "/trail/patient?patient=1&to=x": 422, "/trail/breach?who=a&from=x": 422, "/trail?search=1&code=coffee": 400} {
		if a, _ := paula.do("GET", path, nil); a.StatusCode != want {
			t.Errorf("%s: %d, not %d", path, a.StatusCode, want)
		}
	}
	if a, _ := erika.do("GET", "/trail/patient?patient=SYN0000001", nil); a.StatusCode != 403 {
		t.Errorf("a radiologist reads the trail: %d", a.StatusCode)
	}
}

// TestTrailPagesGoOn walks through more records than a page has: each comes once,
// in order.
func TestTrailPagesGoOn(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "auditor", policy.Auditor)
	b := r.browser(t, secret)
	for range 130 {
		b.do("GET", "/studies/1.2.3", nil) // refused, which is written down
	}
	number := regexp.MustCompile(`№ (\d+)`)
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	var seen []string
	path, pages := "/trail?search=1&failed=1&who=auditor&code=restricted-function", 0
	for path != "" && pages < 5 {
		a, page := b.do("GET", path, nil)
		if a.StatusCode != 200 {
			t.Fatal(a.StatusCode)
		}
		for _, m := range number.FindAllSubmatch(page, -1) {
			seen = append(seen, string(m[1]))
		}
		path = ""
		if m := next.FindSubmatch(page); m != nil {
			path = html.UnescapeString(string(m[1]))
		}
		pages++
	}
	once := map[string]bool{}
	for _, s := range seen {
		once[s] = true
	}
	if pages != 2 || len(seen) != 130 || len(once) != 130 {
		t.Errorf("%d pages, %d records, %d of them different", pages, len(seen), len(once))
	}
}
