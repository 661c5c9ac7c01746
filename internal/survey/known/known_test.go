package known

import (
	"encoding/csv"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestAffects(t *testing.T) {
	for _, c := range []struct {
		affected, version string
		want              bool
	}{
		{"<=3.6.6", "3.6.6", true}, {"<=3.6.6", "3.6.7", false}, {"<3.6.9", "3.6.10", false},
		{"<3.2.6 | >=3.2.10", "3.2.5", true}, {"<3.2.6 | >=3.2.10", "3.2.6", false},
		{"<3.2.6 | >=3.2.10", "3.2.9", false}, {"<3.2.6 | >=3.2.10", "3.2.10", true}, {"<3.2.6 | >=3.2.10", "4.0", true},
		{">=3.0.24 <3.2.6", "3.0.23", false}, {">=3.0.24 <3.2.6", "3.1.0", true}, {">=3.0.24 <3.2.6", "3.2.6", false},
		{"*", "1", true}, {"=7.3", "7.3.0", true}, {"", "1", false}, {"~1", "1", false},
	} {
		if got := Affects(c.affected, c.version); got != c.want {
			t.Errorf("Affects(%q, %q) = %v", c.affected, c.version, got)
		}
	}
}

func TestIdentify(t *testing.T) {
	for _, c := range []struct{ uid, name, product, version string }{
		{"1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367", "DCMTK", "3.6.7"},
		{"1.2.40.0.13.1.3", "dcm4che-5.31.0", "dcm4che", "5.31.0"},
		{"1.2.826.0.1.3680043.9.3811.2.1.0", "PYNETDICOM_210", "pynetdicom", "2.1.0"},
		{"1.2.3", "GONETDICOM_1_1", "go-netdicom", "1.1"},
		{"1.2.826.0.1.3680043.2.135.1066.101", "1.4.19/WIN32", "Conquest DICOM server", "1.4.19"},
		{"1.3.12.2.1107.9", "", "Siemens Healthineers", ""},
		{"1.2.826.0.1.3680043.2.1143.107.104.103.115.3.0.4", "GDCM 3.0.4", "GDCM", "3.0.4"},
	} {
		p, ok := Identify(c.uid, c.name)
		if !ok || p.Name != c.product || p.Version != c.version {
			t.Errorf("%s %s: %+v", c.uid, c.name, p)
		}
	}
	if p, ok := Identify("1.2.3.4", "NOBODY"); ok {
		t.Errorf("nobody is %+v", p)
	}
}

// Every row must be usable: ranges in the one notation, kinds of the list, a
// source, and no row twice.
func TestTables(t *testing.T) {
	bounds := regexp.MustCompile(`^(\*|(<|<=|>|>=|=)\d+(\.\d+)*)$`)
	seen := map[string]bool{}
	for _, v := range vulnerabilities() {
		if seen[v.ID+v.Product] || v.What == "" || v.Source == "" {
			t.Errorf("%s: twice, or without what or source", v.ID)
		}
		seen[v.ID+v.Product] = true
		for _, b := range strings.Fields(strings.ReplaceAll(v.Affected, "|", " ")) {
			if !bounds.MatchString(b) {
				t.Errorf("%s: range %q", v.ID, v.Affected)
			}
		}
	}
	kinds := map[Kind]bool{Toolkit: true, PACS: true, Modality: true, Workstation: true, Viewer: true, Broker: true, Vendor: true, Honeypot: true}
	for _, f := range fingerprints() {
		if !kinds[f.product.Kind] || f.product.Name == "" {
			t.Errorf("fingerprint %+v", f)
		}
	}
}

// Every vulnerability that was checked (confidence A) is in the table, in words
// of our own and with its source.
func TestCheckedOnesAreThere(t *testing.T) {
	f, err := os.Open("../../../../shared/survey/cves.csv")
	if err != nil {
		t.Skip("../shared/survey/cves.csv is absent")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]Vulnerability{}
	for _, v := range vulnerabilities() {
		have[v.ID] = v
	}
	for _, row := range rows[1:] {
		if v, ok := have[row[0]]; row[7] == "A" && row[0][0] != '(' && (!ok || v.What == row[5]) {
			t.Errorf("%s of %s is not there, or in the same words", row[0], row[1])
		}
		if _, ok := have[row[0]]; row[7] != "A" && ok {
			t.Errorf("%s was not checked", row[0])
		}
	}
}

func TestPossible(t *testing.T) {
	list, caveat := Possible(Product{Name: "DCMTK", Version: "3.6.7"})
	ids := map[string]bool{}
	for _, v := range list {
		ids[v.ID] = true
	}
	if !ids["CVE-2022-2119"] || ids["CVE-2021-41687"] || caveat == "" {
		t.Errorf("DCMTK 3.6.7: %v, %q", ids, caveat)
	}
	for version, want := range map[string]bool{"3.2.5": true, "3.2.6": false, "3.2.9": false, "3.2.10": true, "3.3": true} {
		list, _ := Possible(Product{Name: "GDCM", Version: version})
		got := slices.ContainsFunc(list, func(v Vulnerability) bool { return v.ID == "CVE-2026-3650" })
		if got != want {
			t.Errorf("GDCM %s: mended in 3.2.6 and open again from 3.2.10: %v", version, got)
		}
	}
	if list, caveat := Possible(Product{Name: "Philips IntelliSpace PACS"}); len(list) != 1 || caveat != "" {
		t.Errorf("never mended, in no version: %v %q", list, caveat)
	}
	if list, _ := Possible(Product{Name: "DCMTK"}); list != nil {
		t.Error("without a version nothing is possible to tell")
	}
	if !EndOfLife(Product{Name: "ClearCanvas"}) || EndOfLife(Product{Name: "DCMTK", Version: "3.6.7"}) || EndOfLife(Product{Name: "DCMTK"}) {
		t.Error("end of life")
	}
}
