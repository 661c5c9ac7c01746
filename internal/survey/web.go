package survey

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// Web is what a web server showed: statuses and names of headers, no body.
type Web struct {
	Scheme  string   `json:"scheme"`
	Headers []string `json:"headers,omitempty"` // names only
	Pages   []Page   `json:"pages"`
	Open    string   `json:"open,omitempty"`  // what is open without a login
	Login   bool     `json:"login,omitempty"` // something of an archive wants one
	// Answers is what answers without a login though it is not known what it gives.
	Answers string `json:"answers,omitempty"`
}

// Page is one request and its answer.
type Page struct {
	Path    string `json:"path"`
	Status  int    `json:"status"`
	Verdict string `json:"verdict,omitempty"` // open, login, redirect to a login
}

const (
	webRequests = 8        // after the first: all that follow but the count by offsets
	maxPage     = 16 << 10 // bytes of a page that are looked at for signs
	maxHeader   = 32 << 10
)

// browser makes the requests of one web server. It follows no redirect, so that
// it cannot leave the scope, keeps no cookie, and asks one thing at a time.
type browser struct {
	l      *look
	client *http.Client
	base   string
	out    *Web
}

// web looks at what is served by HTTP or HTTPS and reports whether it was.
func (l *look) web(ctx context.Context, secure bool) bool {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, ok := l.connect(ctx)
			if !ok {
				return nil, errBudget
			}
			return idleConn{conn, l.p.Timeout}, nil
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: l.e.Name, MinVersion: tls.VersionTLS10,
			CipherSuites: allSuites()}, // looked at, not trusted
		TLSHandshakeTimeout: l.p.Timeout, ResponseHeaderTimeout: l.p.Timeout, MaxConnsPerHost: 1,
		MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
	}
	defer transport.CloseIdleConnections()
	b := &browser{l: l, base: scheme + "://" + l.e.hostPort(), out: &Web{Scheme: scheme},
		client: &http.Client{Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	home, ok := b.get(ctx, "/", "text/html")
	if !ok {
		return false
	}
	l.r.Web = b.out
	l.budget = max(l.budget, l.r.Connections+webRequests) // it may close the connection after each answer
	l.reached(scope.L2)
	b.look(ctx, home)
	return true
}

// answer is what is looked at of a response. Its body never leaves this package.
type answer struct {
	status   int
	kind     string // media type
	location string
	realm    string
	body     []byte // as much as was asked for
}

func (b *browser) get(ctx context.Context, path, accept string) (answer, bool) {
	return b.getSome(ctx, path, accept, maxPage)
}

// getSome reads at most some bytes of the body and drops the rest with the
// connection.
func (b *browser) getSome(ctx context.Context, path, accept string, some int64) (answer, bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+path, nil)
	if err != nil {
		return answer{}, false
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", b.l.p.Agent)
	resp, err := b.client.Do(req)
	if err != nil {
		return answer{}, false
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, some))
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if b.out.Headers == nil {
		b.out.Headers = slices.Sorted(maps.Keys(headerNames(resp.Header)))
	}
	if b.out.Scheme == "https" && b.l.r.TLS == nil && resp.TLS != nil {
		b.l.r.TLS = &TLSFacts{}
		b.l.r.TLS.read(*resp.TLS)
	}
	return answer{status: resp.StatusCode, kind: strings.ToLower(strings.TrimSpace(kind)),
		location: resp.Header.Get("Location"), realm: resp.Header.Get("WWW-Authenticate"), body: body}, true
}

// wellKnown are the names of headers that are kept; a server can put anything
// into the name of one of its own.
var wellKnown = map[string]bool{"Server": true, "Content-Type": true, "Www-Authenticate": true, "Set-Cookie": true,
	"Strict-Transport-Security": true, "Content-Security-Policy": true, "X-Frame-Options": true, "Location": true,
	"Access-Control-Allow-Origin": true, "X-Powered-By": true}

func headerNames(h http.Header) map[string]bool {
	out := map[string]bool{}
	for name := range h {
		if wellKnown[name] {
			out[name] = true
		}
	}
	return out
}

// loginWanted reports whether an answer asks for a login.
func (a answer) loginWanted() bool {
	if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
		return true
	}
	where := strings.ToLower(a.location)
	if a.status >= 300 && a.status < 400 {
		for _, sign := range []string{"login", "signin", "auth", "realms", "oauth", "saml", "sso"} {
			if strings.Contains(where, sign) {
				return true
			}
		}
		return false
	}
	page := strings.ToLower(string(a.body))
	return strings.Contains(page, `type="password"`) || strings.Contains(page, `type='password'`) ||
		strings.Contains(page, "type=password")
}

func (b *browser) page(path string, a answer, verdict string) {
	b.out.Pages = append(b.out.Pages, Page{Path: path, Status: a.status, Verdict: verdict})
}

// look asks for the first page, for one that cannot exist, and goes on from
// there. A single-page application answers both alike.
func (b *browser) look(ctx context.Context, home answer) {
	control, ok := b.get(ctx, "/"+nonsense(), "text/html")
	if !ok {
		control = answer{}
	}
	b.signs(home)
	b.rest(ctx, control)
	if b.l.level >= scope.L4 {
		b.dicomweb(ctx, control)
		if b.out.Open != "DICOMweb" && b.out.Open != "REST" {
			b.wado(ctx, control)
		}
	}
	if b.out.Open == "viewer" && b.out.Login && control.status == http.StatusOK {
		b.out.Open = "" // a single-page application without its data
		b.out.Pages[0].Verdict = "page alone"
	}
}

// nonsense is a path that nobody has.
func nonsense() string {
	var x [12]byte
	rand.Read(x[:])
	return hex.EncodeToString(x[:])
}

// viewers are signs of known archives and viewers in a page, in lower case.
var viewers = []struct{ sign, product string }{
	{"orthanc explorer", "Orthanc"}, {"orthanc", "Orthanc"}, {"ohif", "OHIF Viewer"}, {"dcm4chee", "dcm4che"},
	{"dicoogle", "Dicoogle"}, {"meddream", "MedDream PACS"}, {"oviyam", "Oviyam"}, {"weasis", "Weasis"},
	{"kheops", "Kheops"}, {"pacsone", "PacsOne Server"}, {"sante pacs", "Sante PACS Server"}, {"infinitt", "INFINITT PACS"},
}

// signs looks at the first page for a known product, open or behind a login.
func (b *browser) signs(home answer) {
	text := strings.ToLower(home.realm + " " + home.location + " " + string(home.body))
	for _, v := range viewers {
		if !strings.Contains(text, v.sign) {
			continue
		}
		if b.l.r.Product == "" {
			b.l.r.Product = v.product
		}
		switch {
		case home.loginWanted():
			b.out.Login = true
			b.page("/", home, "login")
		case home.status == http.StatusOK:
			b.out.Open = "viewer"
			b.page("/", home, "open")
		default:
			b.page("/", home, "")
		}
		return
	}
	b.page("/", home, "")
}

// rest asks Orthanc's /system, which names versions and nobody.
func (b *browser) rest(ctx context.Context, control answer) {
	a, ok := b.get(ctx, "/system", "application/json")
	if !ok {
		return
	}
	switch version, is := orthancSystem(a); {
	case is && !orthancAlike(control):
		b.l.r.Product, b.l.r.Version = "Orthanc", version
		b.out.Open = "REST"
		b.page("/system", a, "open")
		if b.l.level >= scope.L5 {
			b.statistics(ctx)
		}
	case a.status == http.StatusUnauthorized && control.status != http.StatusUnauthorized:
		b.out.Login = true
		b.page("/system", a, "login")
	}
}

func orthancAlike(a answer) bool { _, is := orthancSystem(a); return is }
