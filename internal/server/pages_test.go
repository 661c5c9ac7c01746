package server_test

import (
	"bufio"
	"bytes"
	"context"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/synth"
	"github.com/tresor-pacs/tresor/internal/web"
)

var studyLink = regexp.MustCompile(`<th scope="row"><a href="/studies/([0-9.]+)"><bdi>([^<]*)</bdi>`)

// listed returns the UIDs of the studies that a page of the list shows, in order.
func (b *browser) listed(query string) (uids []string, page string) {
	b.t.Helper()
	a, body := b.do("GET", "/"+query, nil)
	if a.StatusCode != 200 {
		b.t.Fatalf("%s: %d", query, a.StatusCode)
	}
	for _, m := range studyLink.FindAllSubmatch(body, -1) {
		uids = append(uids, string(m[1]))
	}
	return uids, html.UnescapeString(string(body))
}

func TestStudyListSearchesAndPages(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "robot", policy.Technologist)
	var studies []synth.Options
	for n := 1; n <= 60; n++ {
		o := synth.Options{Number: n, Patient: (n + 1) / 2, Modalities: []string{"CR"}, Count: 1, Rows: 8, Columns: 8, Head: n%4 == 0}
		if n == 60 {
			o.Modalities = []string{"MR"}
		}
		studies = append(studies, o)
	}
	robot := r.browser(t, secret)
	uids := robot.fill(studies...)
	first, page := robot.listed("")
	if len(first) != 50 || first[0] != uids[59] || first[49] != uids[10] || !strings.Contains(page, "/?offset=50") {
		t.Fatalf("%d studies, the first %s", len(first), first[0])
	}
	rest, page := robot.listed("?offset=50")
	if len(rest) != 10 || rest[9] != uids[0] || strings.Contains(page, "offset=100") || !strings.Contains(page, `rel="prev" href="/"`) {
		t.Errorf("%d studies on the second page", len(rest))
	}
	row := regexp.MustCompile(`(?s)<tr data-study="` + regexp.QuoteMeta(uids[0]) + `">.*?</tr>`).FindString(page)
	name := studyLink.FindStringSubmatch(row)[2]
	family, given, _ := strings.Cut(name, ", ")
	for query, want := range map[string]int{
		"?name=" + strings.ToLower(family[:4]) + "+" + strings.ToLower(given[:2]): 2,
		"?name=" + given + "+" + family:                                           2,
		"?id=SYN0000001":                                                          2,
		"?id=syn0000001":                                                          0, // an ID is what it is
		"?accession=A000000060":                                                   1,
		"?modality=mr":                                                            1,
		"?description=head":                                                       15,
		"?description=ROUTINE+chest":                                              45,
		"?description=head&modality=CR":                                           14,
		"?referring=referrer":                                                     50,
		"?from=1900-01-01":                                                        50,
		"?from=2990-01-01":                                                        0,
		"?to=1900-01-01":                                                          0,
		"?from=nonsense":                                                          50,
		"?offset=-3":                                                              50,
		"?offset=99999999999999999999":                                            0,
		"?name=%ff%00%27%22%3Cscript%3E":                                          0,
	} {
		if got, _ := robot.listed(query); len(got) != want {
			t.Errorf("%s: %d studies, not %d", query, len(got), want)
		}
	}
	// What is looked for stands in the trail, the description too.
	found := false
	for _, e := range r.records(t, audit.Query) {
		found = found || e.Principal == "robot" && bytes.Contains(e.Query, []byte("description=head"))
	}
	if !found {
		t.Error("the trail does not tell what was looked for")
	}
}

// TestPagesShowEachRoleItsOwn asks each page as each role.
func TestPagesShowEachRoleItsOwn(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "robot", policy.Technologist)
	study := r.browser(t, secret).fill(demoStudies[0])[0]
	for role, want := range map[policy.Role][]int{ // "/", a study, its rows, the viewer, the server
		policy.Radiologist:   {200, 200, 200, 0, 403},
		policy.Technologist:  {200, 200, 200, 0, 403},
		policy.Administrator: {303, 403, 403, 403, 200},
		policy.Referrer:      {200, 403, 403, 403, 403},
	} {
		secret, _ := r.user(t, string(role), role)
		b := r.browser(t, secret)
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for i, path := range []string{"/", "/studies/" + study, "/studies/list", "/viewer?StudyInstanceUIDs=" + study, "/server"} {
			a, body := b.do("GET", path, nil)
			switch {
			case want[i] == 0 && a.StatusCode != 200 && a.StatusCode != 501: // 501: the viewer is not in this build
				t.Errorf("%s %s: %d", role, path, a.StatusCode)
			case want[i] != 0 && a.StatusCode != want[i]:
				t.Errorf("%s %s: %d, not %d", role, path, a.StatusCode, want[i])
			case a.StatusCode == 403 && bytes.Contains(body, []byte("SYN0000001")):
				t.Errorf("%s %s shows the patient", role, path)
			}
		}
	}
	r.awaitRecord(t, audit.RestrictedFunction, "does not hold the right")
	a, absent := r.browser(t, secret).do("GET", "/studies/1.2.3.4", nil)
	b, nonsense := r.browser(t, secret).do("GET", "/studies/..%2f", nil)
	if a.StatusCode != 404 || b.StatusCode != 404 || !bytes.Equal(absent, bytes.ReplaceAll(nonsense, []byte("/studies/..%2f"), []byte("/studies/1.2.3.4"))) {
		t.Error("what is not there does not look alike", a.StatusCode, b.StatusCode)
	}
}

// TestNoPageAnswersAStranger asks every route that is not open without a session
// and with a bad one.
func TestNoPageAnswersAStranger(t *testing.T) {
	r := start(t)
	stranger := r.browser(t, "")
	stranger.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	fill := regexp.MustCompile(`\{[^}]*\}`)
	asked := 0
	for _, route := range web.Routes() {
		if route.Open {
			continue
		}
		path := fill.ReplaceAllString(route.Path, "1.2.3")
		for _, headers := range [][]string{nil, {"Cookie", web.SessionCookie + "=" + strings.Repeat("A", 43)}} {
			asked++
			a, body := stranger.do(route.Method, path, nil, append(headers, "Sec-Fetch-Site", "same-origin")...)
			redirected := a.StatusCode == 303 && strings.HasPrefix(a.Header.Get("Location"), "/login")
			if !redirected && !(a.StatusCode == 401 && string(body) == "refused\n") {
				t.Errorf("%s %s: %d %q", route.Method, path, a.StatusCode, body)
			}
		}
	}
	if asked < 20 {
		t.Error("only", asked, "requests")
	}
	a, body := stranger.do("GET", "/studies/1.2.3", nil, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
	if a.StatusCode != 200 || !bytes.Contains(body, []byte(`http-equiv="refresh" content="0; url=/studies/1.2.3"`)) {
		t.Errorf("a link on another site: %d %s", a.StatusCode, body)
	}
}

// TestPagesAreLight adds up what a browser needs before it shows the list.
func TestPagesAreLight(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "robot", policy.Technologist)
	robot := r.browser(t, secret)
	var studies []synth.Options
	for n := 1; n <= 50; n++ {
		studies = append(studies, synth.Options{Number: n, Patient: n, Modalities: []string{"CR"}, Count: 1, Rows: 8, Columns: 8})
	}
	robot.fill(studies...)
	_, page := robot.do("GET", "/", nil)
	sum := len(page)
	for _, m := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllSubmatch(page, -1) {
		a, body := robot.do("GET", string(m[1]), nil, "Accept-Encoding", "gzip")
		if a.StatusCode != 200 || a.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", m[1], a.StatusCode, a.Header)
		}
		sum += len(body)
	}
	if sum > 100<<10 {
		t.Errorf("%d bytes before the first paint", sum)
	}
	t.Logf("%d bytes for a full page of the list", sum)
	for _, c := range []string{"script-src 'self'", "default-src 'none'", "frame-ancestors 'none'"} {
		a, _ := robot.do("GET", "/", nil)
		if !strings.Contains(a.Header.Get("Content-Security-Policy"), c) || strings.Contains(a.Header.Get("Content-Security-Policy"), "unsafe") {
			t.Error(a.Header.Get("Content-Security-Policy"))
		}
	}
}

// TestServerPage shows what those who manage the archive look for.
func TestServerPage(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "echo", nil)
	if got := r.dcmtk(t, d, "echoscu"); got.Code != 0 {
		t.Fatal(got.Output)
	}
	secret, _ := r.user(t, "admin", policy.Administrator)
	r.browser(t, "tresor_wrong").do("GET", "/dicom-web/studies", nil)
	b := r.browser(t, secret)
	_, page := b.do("GET", "/server", nil, "Accept-Language", "de")
	for _, want := range []string{r.dicom, r.https, ">ct1<", "CT1", "noch 364 Tage", "Tresor enrolment CA", "its token is not known", "frei auf dem"} {
		if !strings.Contains(strings.ToLower(string(page)), strings.ToLower(want)) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if bytes.Contains(page, []byte("keiner seit dem Start")) {
		t.Error("the device's contact is not shown")
	}
}

// TestEventsTellThatStudiesCame listens as a page does.
func TestEventsTellThatStudiesCame(t *testing.T) {
	r := start(t)
	secret, _ := r.user(t, "robot", policy.Technologist)
	r.person(t, "erika", policy.Radiologist)
	b := r.surfer(t)
	b.signIn("erika", "")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", b.root+"/studies/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := b.client.Do(req)
	if err != nil || a.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(a, err)
	}
	defer a.Body.Close()
	lines := bufio.NewScanner(a.Body)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "retry:") {
		t.Fatal(lines.Text(), lines.Err())
	}
	r.browser(t, secret).fill(demoStudies[0])
	for lines.Scan() {
		if lines.Text() == "event: came" {
			break
		}
	}
	if lines.Text() != "event: came" {
		t.Error("nothing was told:", lines.Err())
	}
	if a, _ := r.browser(t, secret).do("GET", "/studies/events", nil); a.StatusCode != 404 {
		t.Errorf("a token listens: %d", a.StatusCode)
	}
	// The archive ends although somebody listens.
	began := time.Now()
	if err := r.stop(); err != nil || time.Since(began) > 10*time.Second {
		t.Error(err, time.Since(began))
	}
}
