package report

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
)

var made = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// written is a survey about which there is something to write.
func written() *Survey {
	m := &maker{}
	m.s.Runs = []survey.RunInfo{{Scope: "case-7", Owner: "CERT of Atlantis", Contact: "cert@example.org"}}
	set := func(e *survey.Envelope, network, domain string) *survey.Result {
		r := result(e)
		r.Network, r.Scope, e.Domain = network, "case-7", domain
		for i := range r.Findings {
			rule, _ := survey.RuleOf(r.Findings[i].ID)
			r.Findings[i].Title, r.Findings[i].Remedy = rule.Title, rule.Remedy
		}
		return r
	}
	r := set(m.add("DE", survey.Queryable, 1500, 90_000, true), "Klinik-Netz | GmbH\n# Oops", "pacs.example.org")
	r.Findings = append(r.Findings, finding("DXA005", ` In orthanc.json: "DicomAlwaysAllowStore": false.`))
	r.Association.Contexts["storage"] = "accepted"
	web := set(m.add("DE", survey.WebOpen, 1400, 0, true), "Klinik-Netz | GmbH\n# Oops", "pacs.example.org")
	web.Images, web.Web = nil, &survey.Web{Open: "REST"}
	m.s.Systems[1].IP = m.s.Systems[0].IP
	m.s.Systems[1].Port = 8042
	set(m.add("DE", survey.Queryable, 7, 8, true), "", "")
	set(m.add("DE", survey.Refused, 0, 0, false), "Closed Net", "")
	set(m.add("DE", survey.Queryable, 1, 1, true), "Trap Net", "").Honeypot = true
	m.s.FirstOpen = map[netip.AddrPort]time.Time{at(m.s.Systems[0]): made.Add(-240 * time.Hour)}
	return &m.s
}

func finding(id, steps string) survey.Finding {
	rule, _ := survey.RuleOf(id)
	return survey.Finding{ID: id, Title: rule.Title, Remedy: rule.Remedy + steps}
}

func TestLetters(t *testing.T) {
	for language, want := range map[Language][]string{
		English: {"To: Klinik-Netz / GmbH # Oops, abuse desk", "From: CERT of Atlantis, cert@example.org", "Reference: case-7",
			"we found 2 ports", "At 2 of them", "| 127.0.0.0:104 (pacs.example.org) | the list of studies, by DICOM query | 9.0 | 1\u202f500 |",
			"Anybody may query", "(1 port)", `"DicomAlwaysAllowStore": false`},
		German: {"An: Klinik-Netz / GmbH # Oops, Abuse-Stelle", "2 Ports gefunden", "die Weboberfläche des Archivs, ohne Anmeldung",
			"Jeder darf das Archiv abfragen", "(1 Port)", `"DicomAlwaysAllowStore": false`},
	} {
		list, err := Letters(written(), language, made)
		if err != nil || len(list) != 2 {
			t.Fatalf("%d letters, %v", len(list), err)
		}
		if list[0].Name != "letter-klinik-netz---gmbh---oops-"+string(language) || !strings.Contains(list[1].Text, "127.0.0.2:104") {
			t.Errorf("letters %s and %s", list[0].Name, list[1].Name)
		}
		for _, w := range want {
			if !strings.Contains(list[0].Text, w) {
				t.Errorf("%s: the letter lacks %q:\n%s", language, w, list[0].Text)
			}
		}
		writes(t, list)
	}
}

func TestSheets(t *testing.T) {
	for language, want := range map[Language][]string{
		English: {"for the controller of pacs.example.org", "| First seen open | 2026-05-22 12:00 UTC |", "| Last seen open | 1970-01-01 00:00 UTC |",
			"| Studies (examinations) | 1\u202f500 |", "| Images | 90\u202f000 |", "REST answered without a login", "Integrity: any caller could open a Storage context",
			"and images retrieved,", "as a rule this is a high risk", "Art. 33(3)(b)", "72 hours after that | ________________"},
		German: {"für den Verantwortlichen von pacs.example.org", "| Bilder | 90\u202f000 |", "Art. 33 Abs. 3 Buchst. c", "Jeder Anrufer konnte einen Storage-Kontext öffnen"},
	} {
		list, err := Sheets(written(), language, made)
		if err != nil || len(list) != 2 {
			t.Fatalf("%d sheets, %v", len(list), err)
		}
		text := list[1].Text
		if list[0].Name != "sheet-127.0.0.2-"+string(language) || list[1].Name != "sheet-pacs.example.org-"+string(language) {
			t.Errorf("sheets %s and %s", list[0].Name, list[1].Name)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the sheet lacks %q:\n%s", language, w, text)
			}
		}
		writes(t, list)
	}
	private := written()
	for _, e := range private.Systems {
		e.IP = netip.MustParseAddr("10.0.0.1")
	}
	list, err := Sheets(private, English, made)
	if err != nil || !strings.Contains(list[0].Text, "stands in a private network") {
		t.Errorf("%v, %v", list, err)
	}
}

// A sample is never printed as if it had been counted.
func TestAmount(t *testing.T) {
	n, m := int64(2000), int64(9000)
	of := func(size *survey.Size) *survey.Result { return &survey.Result{Studies: &n, Images: &m, Size: size} }
	exact, sampled := of(&survey.Size{Exact: true, Low: n, High: n}), of(&survey.Size{Low: 1500, High: 2600})
	least := of(&survey.Size{Low: n, High: n})
	for _, c := range []struct {
		a               amount
		english, german string
	}{
		{amount{}, "unknown", "unbekannt"},
		{studiesOf(&survey.Result{}), "unknown", "unbekannt"},
		{studiesOf(exact), "2\u202f000", "2\u202f000"},
		{studiesOf(of(nil)), "2\u202f000", "2\u202f000"},
		{studiesOf(least), "at least 2\u202f000", "mindestens 2\u202f000"},
		{studiesOf(sampled), "about 2\u202f000 (95 % between 1\u202f500 and 2\u202f600)", "etwa 2\u202f000 (zu 95 % zwischen 1\u202f500 und 2\u202f600)"},
		{imagesOf(sampled), "about 9\u202f000", "etwa 9\u202f000"},
		{imagesOf(exact), "9\u202f000", "9\u202f000"},
		{studiesOf(exact).plus(studiesOf(sampled)), "about 4\u202f000 (95 % between 3\u202f500 and 4\u202f600)", "etwa 4\u202f000 (zu 95 % zwischen 3\u202f500 und 4\u202f600)"},
		{studiesOf(exact).plus(studiesOf(least)), "at least 4\u202f000", "mindestens 4\u202f000"},
		{amount{}.plus(imagesOf(sampled)), "about 9\u202f000", "etwa 9\u202f000"},
		{imagesOf(exact).plus(imagesOf(sampled)), "about 18\u202f000", "etwa 18\u202f000"},
	} {
		if e, g := English.amount(c.a), German.amount(c.a); e != c.english || g != c.german {
			t.Errorf("%+v is %q and %q, want %q and %q", c.a, e, g, c.english, c.german)
		}
	}
	s := written()
	result(s.Systems[0]).Size = &survey.Size{Low: 1200, High: 1900}
	sheets, err := Sheets(s, English, made)
	if err != nil || !strings.Contains(sheets[1].Text, "| about 1\u202f500 (95 % between 1\u202f200 and 1\u202f900) |") {
		t.Errorf("%v: %s", err, sheets[1].Text)
	}
}

// writes makes sure that each paper can be set, and says nothing that a template
// left open.
func writes(t *testing.T, list []*Paper) {
	t.Helper()
	for _, p := range list {
		var page, pdf bytes.Buffer
		if err := p.HTML(&page); err != nil {
			t.Error(err)
		}
		if err := p.PDF(&pdf); err != nil || !bytes.HasPrefix(pdf.Bytes(), []byte("%PDF-")) {
			t.Errorf("PDF: %v", err)
		}
		if strings.Contains(p.Text, "<no value>") || strings.Contains(p.Text, "{{") || strings.Contains(page.String(), "<script") || p.Title == "" {
			t.Errorf("%s", p.Text)
		}
	}
}

// Every finding is said in German too, and every state in both languages.
func TestWords(t *testing.T) {
	for _, r := range survey.Rules {
		if g := germanRules[r.ID]; g[0] == "" || g[1] == "" {
			t.Errorf("%s is not said in German", r.ID)
		}
	}
	if len(germanRules) != len(survey.Rules) {
		t.Errorf("%d findings in German, %d in all", len(germanRules), len(survey.Rules))
	}
	for _, l := range Languages {
		if len(stateWords[l]) != 10 {
			t.Errorf("%d states in %s", len(stateWords[l]), l)
		}
	}
	taken := map[string]bool{}
	for _, c := range [][2]string{{"A b", "a-b"}, {"a/b", "a-b-2"}, {"../..", "network"}, {"漢", "network-2"}} {
		if got := fileName(c[0], taken); got != c[1] {
			t.Errorf("%q becomes %q, want %q", c[0], got, c[1])
		}
	}
}

func TestPDF(t *testing.T) {
	before, now := earlier()
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := PDF(w, now, Options{Before: before, Made: made}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(a.Bytes(), []byte("%PDF-")) || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("no PDF, or not the same twice")
	}
	if err := PDF(&a, &Survey{}, Options{}); err != nil {
		t.Error(err)
	}
}

// The time lines are in the PDF too, a square for each look.
func TestPDFInventory(t *testing.T) {
	s := written()
	size := func(looks int) int {
		h := History{}
		for i := range looks {
			h[at(s.Systems[0])] = append(h[at(s.Systems[0])], Sighting{made.Add(time.Duration(i) * time.Hour), survey.Queryable, float64(i % 10)})
		}
		var out bytes.Buffer
		if err := PDF(&out, s, Options{Made: made, History: h}); err != nil {
			t.Fatal(err)
		}
		return out.Len()
	}
	if none, one, many := size(0), size(2), size(40); one <= none || many <= one {
		t.Errorf("%d bytes without time lines, %d with a short one, %d with a long one", none, one, many)
	}
}

func TestHistory(t *testing.T) {
	s := written()
	h := History{netip.MustParseAddrPort("127.0.0.9:1"): {{made, survey.Closed, 0}}}
	for i := range 45 {
		a := at(s.Systems[0])
		h[a] = append(h[a], Sighting{made.Add(time.Duration(i) * time.Hour), survey.Queryable, 9})
	}
	lines, more := h.lines()
	if len(lines) != 1 || more != 0 || lines[0].Looks != 45 || len(lines[0].Shown) != maxShown || !lines[0].First.Time.Equal(made) {
		t.Fatalf("%+v, %d more", lines, more)
	}
	var out bytes.Buffer
	if err := HTML(&out, s, Options{Made: made, History: h}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Inventory", "2026-06-01 12:00 UTC", "2026-06-03 08:00 UTC queryable 9.0", `fill="#b3261e"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// A host with two ports is one system; what changed is told of the host.
func TestHostsAreSystems(t *testing.T) {
	before, now := &maker{}, &maker{}
	for _, m := range []*maker{before, now} {
		state := survey.Queryable
		if m == now {
			state = survey.Refused
		}
		m.add("DE", state, 10, 100, true)
		m.add("DE", survey.WebOpen, 10, 100, true)
		m.s.Systems[1].IP, m.s.Systems[1].Port = m.s.Systems[0].IP, 8042
	}
	rows := Countries(&now.s, &before.s)
	c := rows[0]
	if c.Seen != 1 || c.Open != 1 || c.ByHTTP != 1 || c.Studies != 10 || c.Images != 100 || c.Changes[Unchanged] != 1 || c.Changes[Fixed] != 0 {
		t.Errorf("%+v", c)
	}
	if got := Compare(&before.s, &now.s)[at(now.s.Systems[0])]; got != Fixed {
		t.Errorf("the port is %s", got)
	}
	titles := []string{}
	for _, x := range charts(&now.s) {
		titles = append(titles, x.Title)
	}
	if !slices.Equal(titles, []string{"Severity", "Products", "Transport"}) {
		t.Errorf("charts %v", titles)
	}
}
