// Package tresor holds no code: it holds the table of which package of the
// project may import which. The table is the architecture; docs/architecture.md
// explains it. To change an arrow, change the table in the same commit and say why.
package tresor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tresor-pacs/tresor"

// arrows names for each package the packages of the project that its code (not
// its tests) may import. A package that is not here fails the test.
var arrows = map[string][]string{
	// The library, which others may import: nothing of ours below it but itself.
	"dicom":          {},
	"dicom/dict":     {"dicom"},
	"dicom/encoding": {"dicom", "dicom/dict"},
	"dicom/pixel":    {"dicom", "dicom/dict", "dicom/encoding", "dicom/pixel/jpeg2000"},
	// The one codec that is large enough for a room of its own; it knows no DICOM.
	"dicom/pixel/jpeg2000": {},
	"dicom/ul":             {"dicom"},
	"dicom/dimse":          {"dicom", "dicom/dict", "dicom/encoding", "dicom/ul"},

	// Deciding, keeping, remembering, naming.
	"internal/policy":  {},
	"internal/durable": {},
	"internal/batch":   {},
	"internal/seal":    {"internal/durable"},
	"internal/audit":   {"dicom", "internal/batch", "internal/durable", "internal/policy"},
	// The records of the trail said to others, sent, made a transparency log, and
	// read for who saw whom.
	"internal/audit/message":    {"dicom", "internal/audit", "internal/policy"},
	"internal/audit/forward":    {"internal/audit", "internal/audit/message", "internal/durable", "internal/policy"},
	"internal/audit/checkpoint": {"internal/audit", "internal/durable"},
	"internal/audit/report":     {"dicom", "internal/audit", "internal/policy"},
	"internal/identity":         {"dicom", "dicom/dict", "internal/audit", "internal/durable", "internal/policy", "internal/seal"},
	// A provider to sign in with, for tests.
	"internal/identity/oidctest": {},
	"internal/jobs":              {"dicom", "internal/durable", "internal/seal"},
	// What is decided about principals and studies while the archive runs.
	"internal/access": {"dicom", "internal/audit", "internal/durable", "internal/policy", "internal/seal"},

	// The archive and its ports. It knows no protocol and no backend.
	"internal/archive": {"dicom", "dicom/dict", "dicom/encoding", "dicom/pixel",
		"internal/audit", "internal/policy"},
	"internal/export":        {"dicom", "dicom/dict", "dicom/encoding", "dicom/pixel", "internal/archive"},
	"internal/archive/match": {"dicom", "dicom/dict", "internal/archive", "internal/policy"},
	"internal/store/sqlite": {"dicom", "dicom/dict", "dicom/encoding", "internal/batch",
		"internal/archive", "internal/archive/match", "internal/policy", "internal/seal"},
	"internal/store/postgres": {"dicom", "dicom/dict", "dicom/encoding",
		"internal/archive", "internal/archive/match", "internal/policy"},
	"internal/store/file": {"dicom", "internal/archive", "internal/batch", "internal/durable", "internal/seal"},
	"internal/store/s3":   {"dicom", "internal/archive", "internal/seal"},
	"internal/store/storetest": {"dicom", "dicom/dict", "dicom/encoding",
		"internal/archive", "internal/archive/match", "internal/policy"},

	// The protocols. Siblings do not know each other.
	// What a receiver does not take as it is stored is transcoded.
	"internal/scp": {"dicom", "dicom/dict", "dicom/encoding", "dicom/pixel", "dicom/ul", "dicom/dimse",
		"internal/archive", "internal/audit", "internal/identity", "internal/jobs", "internal/policy"},
	// Which attributes can be searched for, the warnings of a search have to say.
	"internal/dicomweb": {"dicom", "dicom/dict", "dicom/encoding", "dicom/pixel",
		"internal/archive", "internal/archive/match", "internal/audit", "internal/identity", "internal/policy"},
	// The trail as FHIR's AuditEvent.
	"internal/fhir": {"dicom", "internal/archive", "internal/audit", "internal/audit/message"},
	"internal/web": {"dicom", "dicom/dict",
		"internal/access", "internal/archive", "internal/audit", "internal/audit/report", "internal/identity", "internal/policy"},
	// Files and a page: what is shown, the browser fetches from DICOMweb.
	"internal/web/viewer": {},
	"internal/shield": {"dicom", "dicom/dict", "dicom/encoding", "dicom/ul", "dicom/dimse",
		"internal/audit", "internal/identity", "internal/policy"},
	// The survey looks from outside: it knows nothing of the archive.
	"internal/survey": {"dicom", "dicom/dict", "dicom/encoding", "dicom/ul", "dicom/dimse",
		"internal/survey/geo", "internal/survey/known", "internal/survey/scope", "internal/survey/target"},
	"internal/survey/geo":   {},
	"internal/survey/known": {},
	// Results of all runs, searched.
	"internal/survey/inventory": {"internal/survey", "internal/survey/scope"},
	"internal/survey/report":    {"internal/survey", "internal/survey/known", "internal/survey/scope", "internal/survey/report/paper"},
	// Pages of PDF, which know nothing of surveys.
	"internal/survey/report/paper": {},
	"internal/survey/scope":        {},
	"internal/survey/target":       {},

	// The only package that knows everybody, and the command line on top.
	"internal/server": {anything},
	"cmd/tresor": {"dicom", "dicom/dict", "dicom/encoding", "dicom/pixel", "dicom/ul", "dicom/dimse",
		"internal/access", "internal/archive", "internal/audit", "internal/audit/report", "internal/identity", "internal/policy", "internal/server",
		"internal/shield", "internal/survey", "internal/survey/geo", "internal/survey/known",
		"internal/survey/inventory", "internal/survey/report", "internal/survey/scope", "internal/survey/target"},

	// For tests, benchmarks and the demonstration.
	"internal/corpus":              {},
	"internal/durable/durabletest": {"internal/durable"},
	"internal/synth":               {"dicom", "dicom/dict", "dicom/encoding"},
	"internal/synth/cmd/synth":     {"dicom", "internal/synth"},
	"internal/peers":               {},
	"bench": {"dicom", "dicom/dict", "dicom/encoding", "dicom/ul", "dicom/dimse",
		"internal/synth", "internal/peers"},
	"scripts/testsum": {},
	"":                {},
}

// anything stands for every package but those of testOnly.
const anything = "*"

// testOnly packages are imported by tests, bench and their own commands alone.
var testOnly = []string{"internal/corpus", "internal/identity/oidctest", "internal/durable/durabletest", "internal/synth", "internal/peers", "internal/store/storetest"}

// Tools is for commands that write z-files: they may import all of the
// library, and lie in a folder named gen.
var tools = []string{"dicom", "dicom/dict", "dicom/encoding"}

// owners names for each third-party module the packages that may import it:
// one, where that is possible.
var owners = map[string][]string{
	"golang.org/x/text":                       {"dicom", "internal/survey/report/paper"}, // character sets; letters without marks
	"golang.org/x/sys":                        {"internal/durable"},
	"golang.org/x/crypto":                     {"internal/seal", "internal/identity", "internal/server"}, // server: ACME
	"golang.org/x/mod":                        {"internal/audit/checkpoint"},
	"golang.org/x/term":                       {"cmd/tresor"},
	"rsc.io/qr":                               {"internal/identity"},
	"github.com/go-webauthn/webauthn":         {"internal/identity"},
	"github.com/coreos/go-oidc/v3":            {"internal/identity"},
	"github.com/go-jose/go-jose/v4":           {"internal/identity", "internal/identity/oidctest"}, // what go-oidc is made of
	"github.com/zitadel/oidc/v3":              {"internal/identity/oidctest"},                      // a provider for tests
	"golang.org/x/oauth2":                     {"internal/identity"},
	"github.com/klauspost/compress":           {"internal/store/file"}, // several times faster than compress/flate
	"github.com/alecthomas/kong":              {"cmd/tresor"},
	"github.com/jotaen/kong-completion":       {"cmd/tresor"},
	"github.com/schollz/progressbar/v3":       {"cmd/tresor"},
	"github.com/pelletier/go-toml/v2":         {"internal/server", "internal/survey/scope"},
	"github.com/oschwald/maxminddb-golang/v2": {"internal/survey/geo"},
	"codeberg.org/go-pdf/fpdf":                {"internal/survey/report/paper"},
	"golang.org/x/image":                      {"internal/survey/report/paper", "internal/dicomweb"}, // the Go fonts
	"github.com/prometheus/client_golang":     {"internal/server"},
	"github.com/ncruces/go-sqlite3":           {"internal/store/sqlite", "internal/survey/inventory"}, // the survey must not know the archive's stores
	"lukechampine.com/adiantum":               {"internal/store/sqlite"},
}

// testModules are imported by tests alone: oracles and drivers.
var testModules = []string{
	"github.com/tink-crypto/tink-go/v2",
	"github.com/suyashkumar/dicom",
	"github.com/rogpeppe/go-internal",
	"github.com/chromedp/chromedp",
	"github.com/chromedp/cdproto", // its words for what happens in the browser
}

type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func list(t *testing.T) []listed {
	t.Helper()
	// The go command does not see what the command below reads: only by looking
	// at the folders here does a change of one void the cached result.
	filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (path == "bin" || path == "data" || path != "." && path[0] == '.') {
			return filepath.SkipDir
		}
		return nil
	})
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

// ours returns the path below the module, and whether p is a package of ours.
func ours(p string) (string, bool) {
	if p == module {
		return "", true
	}
	return strings.CutPrefix(p, module+"/")
}

func isTool(p string) bool { return strings.HasSuffix(p, "/gen") }

func TestArrows(t *testing.T) {
	for _, p := range list(t) {
		from, _ := ours(p.ImportPath)
		may, known := arrows[from]
		if isTool(from) {
			may, known = tools, true
		}
		if !known {
			t.Errorf("package %s is not in the table of arrows: say there what it may import", from)
			continue
		}
		for _, imported := range p.Imports {
			to, is := ours(imported)
			if !is {
				continue
			}
			free := slices.Contains(may, anything) && !slices.Contains(testOnly, to)
			if !free && !slices.Contains(may, to) {
				t.Errorf("%s imports %s: the table of arrows does not permit it", from, to)
			}
		}
	}
}

// The survey must not learn the archive through a third package either; nor may
// the library depend on what it is not.
func TestArrowsIndirect(t *testing.T) {
	imports := map[string][]string{}
	for _, p := range list(t) {
		from, _ := ours(p.ImportPath)
		for _, imported := range p.Imports {
			if to, is := ours(imported); is {
				imports[from] = append(imports[from], to)
			}
		}
	}
	var reach func(from string, seen map[string]bool)
	reach = func(from string, seen map[string]bool) {
		for _, to := range imports[from] {
			if !seen[to] {
				seen[to] = true
				reach(to, seen)
			}
		}
	}
	for from := range imports {
		seen := map[string]bool{}
		reach(from, seen)
		for to := range seen {
			switch {
			case strings.HasPrefix(from, "internal/survey") && strings.HasPrefix(to, "internal/archive"):
				t.Errorf("%s reaches %s", from, to)
			case (from == "dicom" || strings.HasPrefix(from, "dicom/")) && strings.HasPrefix(to, "internal/"):
				t.Errorf("%s reaches %s", from, to)
			}
		}
	}
}

func TestArrowsThirdParty(t *testing.T) {
	for _, p := range list(t) {
		from, _ := ours(p.ImportPath)
		for _, imported := range p.Imports {
			if m, is := thirdParty(imported); is {
				may, known := owners[m]
				if !known {
					t.Errorf("%s imports %s, which no package owns: add it to the table with its owner", from, imported)
				} else if !slices.Contains(may, from) {
					t.Errorf("%s imports %s, which belongs to %v", from, imported, may)
				}
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if m, is := thirdParty(imported); is && owners[m] == nil && !slices.Contains(testModules, m) {
				t.Errorf("tests of %s import %s, which the table does not know", from, imported)
			}
		}
	}
}

// thirdParty returns the module of the tables that an import path belongs to,
// the path itself if there is none, and whether it is third-party at all.
func thirdParty(path string) (string, bool) {
	if _, is := ours(path); is {
		return "", false
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return "", false // the standard library
	}
	in := func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") }
	for m := range owners {
		if in(m) {
			return m, true
		}
	}
	for _, m := range testModules {
		if in(m) {
			return m, true
		}
	}
	return path, true
}
