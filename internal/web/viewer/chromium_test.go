package viewer_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// all says that the long tests run too: make test-browser.
func all() bool { return os.Getenv("TRESOR_BROWSER") == "all" }

// long skips a test that make test has no time for.
func long(t *testing.T) {
	t.Helper()
	if !all() {
		t.Skip("one of the longer browser tests: make test-browser runs it")
	}
}

// patience is how long a page may take: it is no measure, only an end.
const patience = 90 * time.Second

var chromium struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.stop != nil {
		chromium.stop()
	}
	os.Exit(code)
}

// flags are those that viewers were tried with: nothing of the browser's own
// goes to the network, and WebGL is drawn in software.
func flags() []chromedp.ExecAllocatorOption {
	o := []chromedp.ExecAllocatorOption{chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox,
		chromedp.WindowSize(1400, 900), chromedp.Flag("use-gl", "angle"), chromedp.Flag("use-angle", "swiftshader")}
	for _, f := range []string{"disable-gpu", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
		"enable-unsafe-swiftshader", "ignore-certificate-errors", "mute-audio", "hide-scrollbars"} {
		o = append(o, chromedp.Flag(f, true))
	}
	return o
}

// browser starts Chromium once for all tests, and skips if there is none.
func browser(t testing.TB) context.Context {
	t.Helper()
	chromium.once.Do(func() {
		path, err := exec.LookPath("chromium")
		if err != nil {
			chromium.err = err
			return
		}
		allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), append(flags(), chromedp.ExecPath(path))...)
		ctx, stopBrowser := chromedp.NewContext(allocator)
		chromium.ctx, chromium.stop = ctx, func() { stopBrowser(); stopAllocator() }
		chromium.err = chromedp.Run(ctx)
	})
	if chromium.err != nil {
		t.Skipf("Chromium cannot be started (Debian: apt-get install chromium): %v", chromium.err)
	}
	return chromium.ctx
}

// tab is a window of a fresh profile, signed in.
type tab struct {
	t    testing.TB
	base context.Context // ends with the test
	ctx  context.Context // ends when patience does
	site *site

	mu         sync.Mutex
	violations []string
	foreign    []string
	console    []string
}

// watcher makes every document report what its policy has forbidden.
const watcher = `document.addEventListener('securitypolicyviolation', e => console.error('VIOLATION ' + e.effectiveDirective + ' ' + e.blockedURI + ' ' + e.sourceFile + ':' + e.lineNumber));`

// open returns a window of a fresh profile whose user is signed in at the site.
func (s *site) open(t testing.TB, scripts ...string) *tab {
	t.Helper()
	tb := s.stranger(t, scripts...)
	u, _ := url.Parse(s.url)
	tb.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie(sessionCookie, "erika").WithURL(u.String()).WithPath("/").WithSecure(true).WithHTTPOnly(true).
			WithSameSite(network.CookieSameSiteStrict).Do(ctx)
	}))
	return tb
}

// stranger returns a window of a fresh profile. Scripts run before those of
// every page.
func (s *site) stranger(t testing.TB, scripts ...string) *tab {
	t.Helper()
	base, cancel := chromedp.NewContext(browser(t), chromedp.WithNewBrowserContext())
	ctx, cancelTime := context.WithTimeout(base, patience)
	t.Cleanup(func() { cancelTime(); cancel() })
	tb := &tab{t: t, base: base, ctx: ctx, site: s}
	chromedp.ListenTarget(base, tb.event)
	tb.run(network.Enable(), cdplog.Enable(), audits.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		for _, script := range append([]string{watcher}, scripts...) {
			if _, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx); err != nil {
				return err
			}
		}
		return nil
	}), chromedp.EmulateViewport(1400, 900))
	return tb
}

func (tb *tab) event(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, tb.site.url+"/") && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:"+tb.site.url+"/") {
			tb.foreign = append(tb.foreign, u)
		}
	case *network.EventWebSocketCreated:
		tb.foreign = append(tb.foreign, e.URL)
	case *audits.EventIssueAdded:
		if d := e.Issue.Details.ContentSecurityPolicyIssueDetails; d != nil && !d.IsReportOnly {
			tb.violations = append(tb.violations, fmt.Sprint(d.ViolatedDirective, " ", d.BlockedURL))
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Source == cdplog.SourceSecurity {
			tb.violations = append(tb.violations, e.Entry.Text)
		}
		tb.console = append(tb.console, string(e.Entry.Level)+": "+e.Entry.Text+" "+e.Entry.URL)
	case *runtime.EventConsoleAPICalled:
		text := string(e.Type) + ":"
		for _, a := range e.Args {
			text += " " + string(a.Value) + a.Description
		}
		if strings.Contains(text, "VIOLATION ") {
			tb.violations = append(tb.violations, text)
		}
		tb.console = append(tb.console, text)
	case *runtime.EventExceptionThrown:
		tb.console = append(tb.console, "exception: "+e.ExceptionDetails.Error())
	}
}

func (tb *tab) run(actions ...chromedp.Action) {
	tb.t.Helper()
	if err := chromedp.Run(tb.ctx, actions...); err != nil {
		tb.fail("%v", err)
	}
}

// fail ends the test and shows what the window shows.
func (tb *tab) fail(format string, args ...any) {
	tb.t.Helper()
	tb.mu.Lock()
	console := tb.console
	tb.mu.Unlock()
	for _, line := range console[max(0, len(console)-25):] {
		tb.t.Log(line[:min(len(line), 400)])
	}
	tb.t.Log(tb.site.asked.bad())
	ctx, cancel := context.WithTimeout(tb.base, 5*time.Second)
	defer cancel()
	var shot []byte
	if chromedp.Run(ctx, chromedp.CaptureScreenshot(&shot)) == nil {
		tb.keep("failed-"+tb.t.Name(), shot)
	}
	tb.t.Fatalf(format, args...)
}

// clean fails the test if the page has contacted a foreign host or its policy
// has forbidden something.
func (tb *tab) clean() {
	tb.t.Helper()
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if len(tb.foreign) > 0 {
		tb.t.Errorf("foreign hosts: %v", tb.foreign)
	}
	if len(tb.violations) > 0 {
		tb.t.Errorf("violations of the policy: %q", tb.violations)
	}
}

// until waits for a JavaScript expression to be true.
func (tb *tab) until(what, expression string) {
	tb.t.Helper()
	var last bool
	for {
		err := chromedp.Run(tb.ctx, chromedp.Evaluate("!!("+expression+")", &last))
		if last && err == nil {
			return
		}
		select {
		case <-tb.ctx.Done():
			tb.fail("never: %s (%v)", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// value returns what a JavaScript expression is.
func value[T any](tb *tab, expression string) (v T) {
	tb.t.Helper()
	tb.run(chromedp.Evaluate(expression, &v, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return v
}

// screenshot keeps a picture of the window under a name.
func (tb *tab) screenshot(name string) {
	tb.t.Helper()
	var shot []byte
	tb.run(chromedp.CaptureScreenshot(&shot))
	tb.keep(name, shot)
}

// keep writes a picture below the folder screenshots, which is not committed.
func (tb *tab) keep(name string, png []byte) {
	tb.t.Helper()
	dir := "screenshots"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.t.Fatal(err)
	}
	name = strings.NewReplacer("/", "-", " ", "-").Replace(name)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}

func decodeDataURL(u string) ([]byte, error) {
	_, b64, ok := strings.Cut(u, ";base64,")
	if !ok {
		return nil, fmt.Errorf("no data: %.40s", u)
	}
	return base64.StdEncoding.DecodeString(b64)
}
