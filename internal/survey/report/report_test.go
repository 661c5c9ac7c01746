package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// maker makes systems with addresses of their own.
type maker struct{ s Survey }

func (m *maker) add(country string, state survey.State, studies, images int64, retrieve bool) *survey.Envelope {
	n := len(m.s.Systems)
	r := &survey.Result{State: state, Country: country, Findings: []survey.Finding{}, Vector: "DXA1"}
	switch state {
	case survey.Queryable:
		r.Severity, r.Studies, r.Images = 9, &studies, &images
		r.Findings = append(r.Findings, survey.Finding{ID: "DXA001", Title: "Anybody", Remedy: "Close"})
		r.Association = &survey.Association{Answer: "accepted", Contexts: map[string]string{"study-move": "refused (3)"}}
		if retrieve {
			r.Association.Contexts["study-move"] = "accepted"
		}
	case survey.WebOpen:
		r.Severity, r.Studies, r.Images = 9, &studies, &images
	case survey.Refused:
		r.Severity, r.Association = 3.2, &survey.Association{Answer: "rejected"}
	}
	e := &survey.Envelope{IP: netip.AddrFrom4([4]byte{127, 0, byte(n >> 8), byte(n)}), Port: 104,
		Data: survey.Data{DICOM: survey.Module{Status: "success", Protocol: "dicom", Port: 104, Result: r, Timestamp: time.Unix(1, 0)}}}
	m.s.Systems = append(m.s.Systems, e)
	return e
}

// spread makes n open systems whose numbers add up to the sums; those that can
// be retrieved from hold exactly so many images.
func (m *maker) spread(country string, n int, studies, images, retrievable int64) {
	for i := range int64(n) {
		part := func(sum, over int64) int64 {
			if i == 0 {
				return sum/over + sum%over
			}
			return sum / over
		}
		if hidden := images - retrievable; hidden > 0 && i == int64(n)-1 {
			m.add(country, survey.Queryable, part(studies, int64(n)), hidden, false)
			continue
		}
		over := int64(n)
		if images > retrievable {
			over--
		}
		m.add(country, survey.Queryable, part(studies, int64(n)), part(retrievable, over), true)
	}
}

// survey2019 plays the survey of 2019: the sums that its report gives for three
// countries, 590 open systems of 2,300 in the world.
func survey2019() *Survey {
	m := &maker{}
	m.spread("TR", 36, 4_924_141, 179_533_940, 178_283_858)
	m.spread("FR", 7, 47_500, 2_670_000, 2_600_000)
	m.spread("MY", 3, 19_922, 1_200_000, 1_200_000)
	for range 39 {
		m.add("US", survey.WebOpen, 1, 1, true)
	}
	m.spread("US", 590-36-7-3-39, 13_700_000, 303_100_000, 45_800_000)
	for i := len(m.s.Systems); i < 2300; i++ {
		m.add("", survey.Refused, 0, 0, false)
	}
	return &m.s
}

// TestCountryFigures is the golden test of the country table.
func TestCountryFigures(t *testing.T) {
	rows := map[string]*Country{}
	for _, c := range Countries(survey2019(), nil) {
		rows[c.Code] = c
	}
	for _, w := range []struct {
		code                         string
		open                         int
		studies, images, retrievable int64
	}{{"TR", 36, 4_924_141, 179_533_940, 178_283_858}, {"FR", 7, 47_500, 2_670_000, 2_600_000}, {"MY", 3, 19_922, 1_200_000, 1_200_000}} {
		c := rows[w.code]
		if c == nil || c.Open != w.open || c.Studies != w.studies || c.Images != w.images || c.Retrievable != w.retrievable || c.Class != "ugly" {
			t.Errorf("%s: %+v", w.code, c)
		}
	}
	all := rows["all"]
	if all.Seen != 2300 || all.Answered != 2300 || all.Open != 590 || all.ByHTTP != 39 || all.AECheck != 1710 {
		t.Errorf("world: %+v", all)
	}
	if rows[""].Class != "good" {
		t.Errorf("without open systems: %+v", rows[""])
	}
}

func TestHoneypotsAreNotCounted(t *testing.T) {
	m := &maker{}
	m.add("DE", survey.Queryable, 5, 5, true).Data.DICOM.Result.Honeypot = true
	if rows := Countries(&m.s, nil); len(rows) != 1 || rows[0].Seen != 0 {
		t.Errorf("%+v", rows[0])
	}
}

func earlier() (before, now *Survey) {
	states := [][2]survey.State{{survey.Queryable, survey.Closed}, {survey.Queryable, survey.MutualTLS}, {survey.Closed, survey.Queryable},
		{survey.Refused, survey.Queryable}, {survey.Queryable, survey.Queryable}, {survey.Closed, survey.Filtered}}
	var a, b maker
	for _, s := range states {
		a.add("DE", s[0], 1, 1, true)
		b.add("DE", s[1], 1, 1, true)
	}
	return &a.s, &b.s
}

func TestCompare(t *testing.T) {
	before, now := earlier()
	changes := Compare(before, now)
	var got []Change
	for _, e := range now.Systems {
		got = append(got, changes[at(e)])
	}
	if want := fmt.Sprint([]Change{Gone, Fixed, New, Worse, Unchanged, ""}); fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestSARIF(t *testing.T) {
	before, now := earlier()
	var out bytes.Buffer
	if err := SARIF(&out, now, before); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID              string
				RuleIndex           int
				BaselineState       string
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil || log.Version != "2.1.0" || len(log.Runs) != 1 {
		t.Fatal(err)
	}
	n := map[string]int{}
	prints := map[string]bool{}
	for _, r := range log.Runs[0].Results {
		n[r.BaselineState]++
		if log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || prints[r.PartialFingerprints["finding/v1"]] {
			t.Errorf("%+v", r)
		}
		prints[r.PartialFingerprints["finding/v1"]] = true
	}
	if n["new"] != 2 || n["unchanged"] != 1 || n["absent"] != 2 {
		t.Errorf("%v", n)
	}
	var again bytes.Buffer
	if SARIF(&again, now, before); !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("SARIF is not the same twice")
	}
}

func TestCSV(t *testing.T) {
	m := &maker{}
	e := m.add("DE", survey.Queryable, 5, 6, true)
	e.Domain, e.Data.DICOM.Result.Network = "=cmd", "Clinic, east"
	var out bytes.Buffer
	if err := CSV(&out, &m.s); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][2] != "'=cmd" || rows[1][5] != "Clinic, east" || rows[1][12] != "5" {
		t.Errorf("%v, %v", rows, err)
	}
}

// The page needs nothing from outside, runs nothing, and escapes what hosts say.
// With TRESOR_REPORT set the page is left there to be looked at.
func TestHTML(t *testing.T) {
	s := survey2019()
	s.Systems[0].Data.DICOM.Result.Product = `<script>alert(1)</script>`
	var out bytes.Buffer
	if err := HTML(&out, s, Options{Before: s, Made: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, bad := range []string{"<script", "http://", "https://", "src=", "@import", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	for _, want := range []string{"179\u202f533\u202f940", "4\u202f924\u202f141", "&lt;script&gt;", ">36<", "DXA001"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if path := os.Getenv("TRESOR_REPORT"); path != "" {
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dcmtk := survey2019()
	r := dcmtk.Systems[1].Data.DICOM.Result
	r.Product, r.Version = "DCMTK", "3.6.7"
	r.Findings = append(r.Findings, survey.Finding{ID: "DXA011"})
	var listed bytes.Buffer
	if err := HTML(&listed, dcmtk, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CVE-2022-2119", "CISA ICSMA-22-174-01", "compare the package&#39;s changelog", "None was tried"} {
		if !strings.Contains(listed.String(), want) || strings.Contains(page, want) {
			t.Errorf("the list of vulnerabilities lacks %s, or is there without one", want)
		}
	}
	empty := &bytes.Buffer{}
	if err := HTML(empty, &Survey{}, Options{}); err != nil {
		t.Error(err)
	}
}

func TestTiles(t *testing.T) {
	at := map[[2]int]string{}
	for _, tile := range Tiles([]*Country{{Code: "DE"}}) {
		if other := at[[2]int{tile.X, tile.Y}]; other != "" {
			t.Errorf("%s is on %s", tile.Code, other)
		}
		at[[2]int{tile.X, tile.Y}] = tile.Code
	}
	if len(at) < 150 {
		t.Errorf("%d countries", len(at))
	}
}
