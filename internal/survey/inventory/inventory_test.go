package inventory

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func open(t testing.TB) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "inventory.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func system(at string, state survey.State, severity float64, ago time.Duration, set func(*survey.Envelope, *survey.Result)) *survey.Envelope {
	a := netip.MustParseAddrPort(at)
	r := &survey.Result{State: state, Severity: severity, Scope: "case-7", Findings: []survey.Finding{}}
	e := &survey.Envelope{IP: a.Addr(), Port: int(a.Port()), Data: survey.Data{DICOM: survey.Module{Status: "success", Result: r, Timestamp: now.Add(-ago)}}}
	if set != nil {
		set(e, r)
	}
	return e
}

const day = 24 * time.Hour

func filled(t testing.TB) *DB {
	t.Helper()
	db := open(t)
	many := int64(5000)
	list := []*survey.Envelope{
		system("127.0.0.1:104", survey.Queryable, 9.2, 40*day, nil),
		system("127.0.0.1:104", survey.Queryable, 9.2, 2*day, func(e *survey.Envelope, r *survey.Result) {
			r.Country, r.Product, r.Version, r.ASN, r.Network, r.Studies = "DE", "Orthanc", "1.10.1", 64500, "Clinic, East", &many
			e.Domain = "pacs.example.org"
			r.Findings = []survey.Finding{{ID: "DXA001"}, {ID: "DXA011", Detail: "possible: CVE-2023-33466, CVE-2025-0896."}}
		}),
		system("127.0.0.2:2762", survey.MutualTLS, 1, day, func(_ *survey.Envelope, r *survey.Result) {
			r.Country, r.TLS = "FR", &survey.TLSFacts{Version: "TLS 1.3", ClientCertEnforced: true}
		}),
		system("127.1.0.1:104", survey.WebOpen, 9, 100*day, func(_ *survey.Envelope, r *survey.Result) { r.Country, r.Product = "US", "100%_Viewer" }),
		system("[::1]:104", survey.Closed, 0, day, nil),
	}
	for i, want := range []int{len(list), 0} { // the second time nothing is new
		if n, err := db.Add(list); err != nil || n != want {
			t.Fatalf("round %d: %d new, %v", i, n, err)
		}
	}
	return db
}

func TestSearch(t *testing.T) {
	db := filled(t)
	for q, want := range map[string]string{
		"":                         "127.0.0.1:104 127.1.0.1:104 127.0.0.2:2762 [::1]:104",
		"state:queryable":          "127.0.0.1:104",
		"state:QUERYABLE,web-open": "127.0.0.1:104 127.1.0.1:104",
		"state:queryable country:DE product:orthanc seen:<30d": "127.0.0.1:104",
		"state:queryable country:DE product:orthanc seen:<1d":  "",
		"-country:DE state:web-open":                           "127.1.0.1:104",
		"version:1.10.*":                                       "127.0.0.1:104",
		"version:1.10":                                         "",
		"port:104-200 net:127.0.0.0/24":                        "127.0.0.1:104",
		"net:::1":                                              "[::1]:104",
		"net:127.0.0.0/8":                                      "127.0.0.1:104 127.1.0.1:104 127.0.0.2:2762",
		"asn:AS64500":                                          "127.0.0.1:104",
		`org:"clinic, east"`:                                   "127.0.0.1:104",
		"hostname:example":                                     "127.0.0.1:104",
		"severity:>=9 seen:>50d":                               "127.1.0.1:104",
		"studies:>1000":                                        "127.0.0.1:104",
		"-studies:>1000 severity:>0":                           "127.1.0.1:104 127.0.0.2:2762",
		"tls:mutual":                                           "127.0.0.2:2762",
		"vuln:CVE-2025-0896 finding:dxa001":                    "127.0.0.1:104",
		"vuln:CVE-2025-089":                                    "",
		"first:>30d":                                           "127.0.0.1:104 127.1.0.1:104",
		"seen:>=2026-05-30":                                    "127.0.0.1:104 127.0.0.2:2762 [::1]:104",
		"seen:2026-05-30":                                      "127.0.0.1:104",
		"seen:<=2026-02-21":                                    "127.1.0.1:104",
		"location.country_code:fr services.port:2762":          "127.0.0.2:2762",
		"orthanc":                                              "127.0.0.1:104",
		`-"orthanc"`:                                           "127.1.0.1:104 127.0.0.2:2762 [::1]:104",
		"product:100%_v":                                       "127.1.0.1:104",
		"product:%":                                            "127.1.0.1:104",
		"honeypot:no state:closed":                             "[::1]:104",
		`scope:case-7 "' OR 1=1 --"`:                           "",
	} {
		parsed, err := ParseQuery(q, now)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		found, err := db.Search(parsed, 100)
		if err != nil {
			t.Errorf("%s: %v", q, err)
		}
		var got []string
		for _, f := range found {
			got = append(got, netip.AddrPortFrom(f.IP, uint16(f.Port)).String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", q, got, want)
		}
	}
	for _, bad := range []string{"colour:red", "port:many", "seen:30d", "seen:<30x", "net:here", `org:"x`, "honeypot:perhaps",
		"severity:NaN", strings.Repeat("x", maxQuery+1), strings.Repeat("x ", maxWords+1)} {
		if _, err := ParseQuery(bad, now); err == nil {
			t.Errorf("%.40s is a query", bad)
		}
	}
}

func TestLooks(t *testing.T) {
	db := filled(t)
	var all, one []string
	note := func(list *[]string) func(Look) {
		return func(l Look) { *list = append(*list, fmt.Sprint(l.At, " ", l.Time.Format(time.DateOnly))) }
	}
	if err := db.Looks(netip.Addr{}, note(&all)); err != nil {
		t.Fatal(err)
	}
	if err := db.Looks(netip.MustParseAddr("127.0.0.1"), note(&one)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"127.0.0.1:104 2026-04-22", "127.0.0.1:104 2026-05-30"}; !slices.Equal(one, want) || len(all) != 5 {
		t.Errorf("%v, %d in all", one, len(all))
	}
	q, err := ParseQuery("net:127.0.0.1", now)
	if err != nil {
		t.Fatal(err)
	}
	found, err := db.Search(q, 1)
	if err != nil || len(found) != 1 || found[0].Looks != 2 || !found[0].First.Equal(now.Add(-40*day)) || !found[0].Last.Equal(now.Add(-2*day)) ||
		found[0].Data.DICOM.Result.Version != "1.10.1" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a?b#c%20.db") // a name, not a URI
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info, err)
	}
	other, err := Open(path) // two runs at once
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range []*DB{db, other} {
		if n, err := d.Add([]*survey.Envelope{system(fmt.Sprintf("127.0.0.%d:1", i+1), survey.Closed, 0, 0, nil)}); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if err := db.c.Exec("PRAGMA user_version = 9"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "version 9") {
		t.Errorf("a later version opens: %v", err)
	}
}

// Whatever is taken for a query is one that the database can do.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"state:a,b -x:", `org:"a b" -"`, "seen:<30d port:1-2 asn:as5", "net:::ffff:127.0.0.1/100", "severity:>=1e999 -", "a:b:c, "} {
		f.Add(s)
	}
	db := open(f)
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuery(s, now)
		if err != nil {
			return
		}
		if _, err := db.Search(q, 1); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	})
}
