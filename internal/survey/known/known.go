// Package known is what is known of DICOM products: how they name themselves,
// which vulnerabilities they have, which are out of support, which are traps.
//
// The two tables are CSV files beside the code, each row with its source.
// Fingerprints name what a server says about itself, which is a claim and not
// a proof; a vulnerability found in this way is possible, never confirmed.
package known

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Kind is what a product is.
type Kind string

// The kinds.
const (
	Toolkit     Kind = "toolkit"
	PACS        Kind = "pacs"
	Modality    Kind = "modality"
	Workstation Kind = "workstation"
	Viewer      Kind = "viewer"
	Broker      Kind = "broker"
	Vendor      Kind = "vendor" // only the vendor is known
	Honeypot    Kind = "honeypot"
)

// Product is a product as a server names itself.
type Product struct {
	Name    string
	Version string // "" if it does not tell
	Kind    Kind
}

//go:embed fingerprints.csv
var fingerprintFile []byte

type fingerprint struct {
	uid, name string // with * at the end: a prefix
	product   Product
	digits    string // where the version is: "", name, dots (tail of the UID), slash
}

var fingerprints = sync.OnceValue(func() []fingerprint {
	var out []fingerprint
	for _, row := range rows(fingerprintFile, 7) {
		out = append(out, fingerprint{uid: row[0], name: row[1], digits: row[4],
			product: Product{Name: row[2], Version: row[3], Kind: Kind(row[5])}})
	}
	return out
})

// rows reads an embedded table without its heading. A table that cannot be read
// is a fault of the build; a test reads both.
func rows(file []byte, columns int) [][]string {
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord = columns
	all, err := r.ReadAll()
	if err != nil || len(all) == 0 {
		panic(fmt.Sprintf("known: embedded table: %v", err))
	}
	return all[1:]
}

func match(pattern, s string) bool {
	if p, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(s, p)
	}
	return pattern == s
}

// Identify returns the product that goes by an implementation class UID and
// version name (PS3.7 section D.3.3.2). The rows are in order of preference,
// the precise before the vague.
func Identify(uid, name string) (Product, bool) {
	for _, f := range fingerprints() {
		if !match(f.uid, uid) || !match(f.name, name) {
			continue
		}
		p := f.product
		switch f.digits {
		case "name":
			p.Version = versionIn(strings.TrimPrefix(name, strings.TrimSuffix(f.name, "*")))
		case "dots":
			p.Version = versionIn(strings.TrimPrefix(uid, strings.TrimSuffix(f.uid, "*")))
		case "slash":
			v, _, _ := strings.Cut(name, "/")
			p.Version = versionIn(v)
		}
		return p, true
	}
	return Product{}, false
}

// versionIn returns the digits and dots at the beginning of s.
func versionIn(s string) string {
	end := strings.IndexFunc(s, func(c rune) bool { return c != '.' && (c < '0' || c > '9') })
	if end >= 0 {
		s = s[:end]
	}
	return strings.Trim(s, ".")
}

// endOfLife are products that nobody mends any more, by name, and which versions.
var endOfLife = map[string]string{
	"ClearCanvas": "*",
	"dcm4chee 2":  "*",
	"DCMTK":       "<3.6.0",
	"Orthanc":     "<1.9.0",
	"pynetdicom3": "*",
	"go-netdicom": "*",
}

// EndOfLife reports whether nobody mends that version any more.
func EndOfLife(p Product) bool {
	r, ok := endOfLife[p.Name]
	return ok && (r == "*" || p.Version != "" && Affects(r, p.Version))
}

// Distributions that mend a product without changing what it says of itself.
func patchedSilently(product string) string {
	if slices.Contains([]string{"DCMTK", "Orthanc", "GDCM"}, product) {
		return "Debian, Ubuntu and Fedora mend it without changing the version that it shows (Debian 12's OFFIS_DCMTK_367 has some twenty of these mended): compare the package's changelog"
	}
	return ""
}
