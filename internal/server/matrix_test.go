package server_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/dicomweb"
	"github.com/tresor-pacs/tresor/internal/fhir"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/scp"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/web"
)

// What a route gives: the right that it needs, and what of a study it touches.
const (
	reads    = "reads"    // something of a study: Get
	searches = "searches" // Find; what is not seen is not among the answers
	stores   = "stores"   // Store
	commits  = "commits"  // Commit
	tells    = "tells"    // nothing of studies: whoever is let in
	audits   = "audits"   // ReadTrail
)

// matrixRows has every route of the programs' services: one without a row fails the test.
var matrixRows = map[string]string{
	"GET /studies/{study}": reads, "GET /studies/{study}/series/{series}": reads, "GET /studies/{study}/series/{series}/instances/{instance}": reads,
	"GET /studies/{study}.zip": reads, "GET /studies/{study}/series/{series}.zip": reads, "GET /wado": reads,
	"GET /studies": searches, "GET /series": searches, "GET /instances": searches, "GET /studies/{study}/series": searches,
	"GET /studies/{study}/instances": searches, "GET /studies/{study}/series/{series}/instances": searches,
	"POST /studies": stores, "POST /studies/{study}": stores,
	"POST /commitment-requests/{transaction}": commits, "GET /commitment-requests/{transaction}": commits,
	"OPTIONS /": tells, "GET /conformance": tells, "GET /openapi.json": tells,
	"GET /fhir/metadata": tells, "GET /fhir/AuditEvent": audits, "GET /fhir/AuditEvent/{id}": audits, "POST /fhir/AuditEvent/_search": audits,
}

// parts are what resources of a study have below them: all of it is read.
var parts = []string{"metadata", "rendered", "thumbnail", "bulkdata", "pixeldata", "frames", "volumes"}

// rowOf returns what a route does, "" if the matrix has no row for it.
func rowOf(method, pattern string) string {
	if row := matrixRows[method+" "+pattern]; row != "" {
		return row
	}
	for _, part := range strings.Split(pattern, "/") {
		if method == "GET" && strings.HasPrefix(pattern, "/studies/{study}/") && slices.Contains(parts, part) {
			return reads
		}
	}
	return ""
}

var needs = map[string]policy.Right{reads: policy.Get, searches: policy.Find, stores: policy.Store, commits: policy.Commit, audits: policy.ReadTrail}

// signedIn are the pages for whoever is signed in, whatever their role.
var signedIn = []string{"/", "/account", "/logout", "/manage"}

// TestMatrixOfRoutes asks every route as every role, with credentials that are
// not good, for a study in the scope, one outside and one that is not there.
func TestMatrixOfRoutes(t *testing.T) {
	r := startIn(t, t.TempDir(), func(c *server.Config) {
		c.Budgets = map[string]access.Budget{}
		for name := range access.DefaultBudgets() {
			c.Budgets[name] = access.Budget{} // no bound: this test reads a lot
		}
	})
	all := r.studiesOf(t, 2)
	m := &matrix{t: t, r: r, own: all[0], other: all[1], absent: "1.2.3.4.5.6", tokens: map[policy.Role]string{}}
	m.people()
	routes := [][2]string{}
	for _, route := range dicomweb.Routes() {
		routes = append(routes, [2]string{route.Method, route.Pattern})
	}
	for _, route := range fhir.Routes() {
		routes = append(routes, [2]string{route.Method, "/fhir" + route.Pattern})
	}
	for _, route := range routes {
		row := rowOf(route[0], route[1])
		if row == "" {
			t.Errorf("%s %s has no row in the matrix: say what it gives", route[0], route[1])
			continue
		}
		m.strangers(route[0], route[1])
		for role := range m.tokens {
			m.ask(role, route[0], route[1], row)
		}
	}
	for _, route := range web.Routes() {
		m.page(&route)
	}
}

type matrix struct {
	t                  *testing.T
	r                  *running
	own, other, absent dicom.UID
	series, instance   map[dicom.UID]dicom.UID
	tokens             map[policy.Role]string
	bad                map[string]string // credentials that are not good
}

// people makes an account for each role, which may see its own study alone, and
// tokens that are not good.
func (m *matrix) people() {
	m.t.Helper()
	scope := policy.Scope{Studies: []string{string(m.own)}}
	m.bad = map[string]string{"none": "", "unknown": "tresor_00000000_" + strings.Repeat("0", 64),
		"of another issuer": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJlcmlrYSIsImF1ZCI6Im90aGVyIn0.", "no token": "x"}
	m.r.administer(m.t, func(a *server.Admin) error {
		for _, role := range policy.Roles {
			name := string(role)
			if err := a.Accounts.AddUser(m.t.Context(), identity.User{Name: name, Role: role, Scope: scope}, ""); err != nil {
				return err
			}
			secret, _, err := a.Accounts.CreateToken(m.t.Context(), name, time.Hour)
			if err != nil {
				return err
			}
			m.tokens[role] = secret
		}
		var short, revoked, gone identity.Token
		var err error
		if m.bad["expired"], short, err = a.Accounts.CreateToken(m.t.Context(), string(policy.Radiologist), time.Second); err != nil {
			return err
		}
		if m.bad["revoked"], revoked, err = a.Accounts.CreateToken(m.t.Context(), string(policy.Radiologist), time.Hour); err != nil {
			return err
		}
		if err := a.Accounts.RevokeToken(m.t.Context(), revoked.ID); err != nil {
			return err
		}
		if err := a.Accounts.AddUser(m.t.Context(), identity.User{Name: "gone", Role: policy.Radiologist}, ""); err != nil {
			return err
		}
		if m.bad["of a disabled user"], gone, err = a.Accounts.CreateToken(m.t.Context(), "gone", time.Hour); err != nil {
			return err
		}
		_ = gone
		time.Sleep(time.Until(short.Expires) + 10*time.Millisecond)
		return a.Accounts.SetDisabled(m.t.Context(), "gone", true)
	})
	m.series, m.instance = map[dicom.UID]dicom.UID{m.absent: m.absent + ".1"}, map[dicom.UID]dicom.UID{m.absent: m.absent + ".1.1"}
	ws := m.r.enrol(m.t, "ws", "WS", "find", nil)
	for _, study := range []dicom.UID{m.own, m.other} {
		m.look(ws, study)
	}
}

// look finds the UIDs below a study.
func (m *matrix) look(ws *device, study dicom.UID) {
	m.t.Helper()
	keys := new(dicom.DataSet)
	keys.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "IMAGE")
	keys.PutUID(dict.StudyInstanceUID, study)
	for _, tag := range []dicom.Tag{dict.SeriesInstanceUID, dict.SOPInstanceUID} {
		keys.Put(dicom.Element{Tag: tag, VR: dicom.VRUI})
	}
	found, err := m.r.find(m.t, ws, dict.UIDStudyRootQueryRetrieveInformationModelFind, []byte{1}, keys)
	if err != nil || len(found) == 0 {
		m.t.Fatal(len(found), err)
	}
	m.series[study], m.instance[study] = found[0].UID(dict.SeriesInstanceUID), found[0].UID(dict.SOPInstanceUID)
}

// path fills in the variables of a pattern.
func (m *matrix) path(pattern string, study dicom.UID) string {
	p := strings.NewReplacer("{study}", string(study), "{series}", string(m.series[study]), "{instance}", string(m.instance[study]),
		"{frames}", "1", "{offset}", "0", "{length}", "2", "{transaction}", "1.2.3.9", "{id}", "1", "{rest...}", "app.js", "{token}", "x").Replace(pattern)
	switch {
	case pattern == "/wado":
		return "/dicom-web/wado?requestType=WADO&studyUID=" + string(study) + "&seriesUID=" + string(m.series[study]) + "&objectUID=" + string(m.instance[study])
	case strings.HasPrefix(pattern, "/fhir"):
		return p
	}
	return "/dicom-web" + p
}

// body is sent with POST; it can be read by nobody.
func body(method string) (io.Reader, []string) {
	if method != "POST" {
		return nil, nil
	}
	return strings.NewReader("--x--\r\n"), []string{"Content-Type", `multipart/related; type="application/dicom"; boundary=x`}
}

// strangers shows every credential that is not good.
func (m *matrix) strangers(method, pattern string) {
	for name, token := range m.bad {
		b, headers := body(method)
		answer, text := m.r.browser(m.t, token).do(method, m.path(pattern, m.own), b, headers...)
		if answer.StatusCode != 401 && answer.StatusCode != 429 || strings.Contains(string(text), string(m.own)) {
			m.t.Errorf("%s %s with a credential that is %s: %s", method, pattern, name, answer.Status)
		}
	}
}

// ask asks for each study and compares with the right that the row needs.
func (m *matrix) ask(role policy.Role, method, pattern, row string) {
	b := m.r.browser(m.t, m.tokens[role])
	may := slices.Contains(policy.RightsOf(role, policy.Scope{Studies: []string{"1"}}), needs[row]) || row == tells
	status := map[dicom.UID]int{}
	text := map[dicom.UID]string{}
	for _, study := range []dicom.UID{m.own, m.other, m.absent} {
		send, headers := body(method)
		answer, got := b.do(method, m.path(pattern, study), send, headers...)
		status[study], text[study] = answer.StatusCode, string(got)
		if answer.StatusCode == 401 || answer.StatusCode >= 500 {
			m.t.Errorf("%s, %s %s: %s %s", role, method, pattern, answer.Status, got)
		}
		if !may && answer.StatusCode < 300 && row != stores {
			m.t.Errorf("%s, %s %s without the right: %s", role, method, pattern, answer.Status)
		}
		if study != m.own && row != tells && row != audits && strings.Contains(text[study], string(m.other)) && m.path(pattern, study) == m.path(pattern, m.own) {
			m.t.Errorf("%s, %s %s: the answer has a study outside of the scope", role, method, pattern)
		}
	}
	// What one may not see is what is not there.
	if status[m.other] != status[m.absent] || text[m.other] != text[m.absent] {
		m.t.Errorf("%s, %s %s: outside of the scope %d %q, not there %d %q", role, method, pattern, status[m.other], text[m.other], status[m.absent], text[m.absent])
	}
	if own := status[m.own]; row == reads && may && (own == 403 || own == 404 && !strings.Contains(pattern, "bulkdata")) {
		m.t.Errorf("%s, %s %s: its own study: %d %s", role, method, pattern, own, text[m.own])
	}
	if strings.Contains(pattern, "{study}") && row == reads && may && status[m.other] != 404 {
		m.t.Errorf("%s, %s %s: another study: %d", role, method, pattern, status[m.other])
	}
}

// page asks a page as a stranger and as every role that lacks its right.
func (m *matrix) page(route *web.Route) {
	if route.Open || strings.HasPrefix(route.Path, "/static/") {
		return // TestOnlyTheSignInIsOpen lists them
	}
	if route.Right == "" && !slices.ContainsFunc(signedIn, func(p string) bool { return route.Path == p || p != "/" && strings.HasPrefix(route.Path, p+"/") }) {
		m.t.Errorf("page %s %s names no right, and is not of those for everybody: give it one, or add it to signedIn", route.Method, route.Path)
	}
	path := strings.TrimPrefix(m.path(route.Path, m.own), "/dicom-web")
	for name, token := range m.bad {
		b, headers := body(route.Method)
		answer, _ := m.r.guest(m.t).with(token).do(route.Method, path, b, headers...)
		if code := answer.StatusCode; code != 401 && code != 429 && code != 303 {
			m.t.Errorf("page %s %s with a credential that is %s: %s", route.Method, route.Path, name, answer.Status)
		}
	}
	for role, token := range m.tokens {
		if route.Right == "" || slices.Contains(policy.RightsOf(role, policy.Scope{Studies: []string{"1"}}), route.Right) {
			continue
		}
		b, headers := body(route.Method)
		if answer, _ := m.r.guest(m.t).with(token).do(route.Method, path, b, headers...); answer.StatusCode != 403 {
			m.t.Errorf("page %s %s as %s, who lacks the right %s: %s", route.Method, route.Path, role, route.Right, answer.Status)
		}
	}
}

// with returns the browser showing a token.
func (b *browser) with(token string) *browser {
	b.token = token
	return b
}

// TestMatrixOfServices proposes every service class that is declared as a device
// that holds every right but the one it needs, and as one that holds that alone.
func TestMatrixOfServices(t *testing.T) {
	r := start(t)
	for i, s := range scp.Services() {
		var but []string
		for _, right := range policy.DeviceRights {
			if right != s.Right {
				but = append(but, string(right))
			}
		}
		if !slices.Contains(policy.DeviceRights, s.Right) {
			t.Errorf("%s needs the right %q, which no device can hold", s.Name, s.Right)
			continue
		}
		for name, allow := range map[string]string{"without": strings.Join(but, ","), "with": string(s.Right)} {
			d := r.enrol(t, name+string(rune('a'+i)), strings.ToUpper(name)+string(rune('A'+i)), allow, nil)
			client, err := r.associate(t, d, ul.RequestOptions{Contexts: []ul.ProposedContext{{AbstractSyntax: s.SOPClasses[0],
				TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID, encoding.ExplicitLE.UID}}}})
			accepted := 0
			if err == nil {
				accepted = len(client.Association().Contexts())
				client.Close(t.Context())
			}
			if (accepted > 0) != (name == "with") {
				t.Errorf("%s, %s the right %s: %d contexts accepted, %v", s.Name, name, s.Right, accepted, err)
			}
		}
	}
}
