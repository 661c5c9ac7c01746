package viewer_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
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
const patience = 60 * time.Second

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
		"enable-unsafe-swiftshader", "ignore-certificate-errors", "mute-audio"} {
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
		chromium.ctx, chromium.stop = ctx, func() { chromedp.Cancel(ctx); stopBrowser(); stopAllocator() }
		chromium.err = chromedp.Do(ctx)
	})
	if chromium.err != nil {
		t.Skipf("Chromium cannot be started (Debian: apt-get install chromium): %v", chromium.err)
	}
	return chromium.ctx
}

// tab is a window of a fresh profile.
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
	yes := true
	call(tb, network.SetCookie, network.SetCookieParams{Name: sessionCookie, Value: "erika", URL: s.url, Path: "/",
		Secure: &yes, HTTPOnly: &yes, SameSite: network.CookieSameSiteStrict})
	return tb
}

// stranger returns a window of a fresh profile. Scripts run before those of
// every page.
func (s *site) stranger(t testing.TB, scripts ...string) *tab {
	t.Helper()
	base, cancel := chromedp.NewContext(browser(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	tb := &tab{t: t, base: base, ctx: base, site: s}
	if err := chromedp.Listen(base, tb.event); err != nil {
		t.Fatal(err)
	}
	ctx, cancelTime := context.WithTimeout(base, patience)
	t.Cleanup(cancelTime)
	tb.ctx = ctx
	call(tb, network.Enable, network.EnableParams{})
	call(tb, cdplog.Enable, cdp.Empty{})
	call(tb, audits.Enable, cdp.Empty{})
	for _, script := range append([]string{watcher}, scripts...) {
		call(tb, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	}
	tb.do(chromedp.EmulateViewport(1400, 900))
	return tb
}

// own reports whether an address is the site's or within the browser, whose
// viewer of PDF is an extension.
func (tb *tab) own(address string) bool {
	for _, prefix := range []string{tb.site.url + "/", "blob:" + tb.site.url + "/", "data:", "chrome-extension:"} {
		if strings.HasPrefix(address, prefix) {
			return true
		}
	}
	return false
}

func (tb *tab) event(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !tb.own(e.Request.URL) {
			tb.foreign = append(tb.foreign, e.Request.URL)
		}
	case *network.EventWebSocketCreated:
		tb.foreign = append(tb.foreign, e.URL)
	case *audits.EventIssueAdded:
		if d := e.Issue.Details.ContentSecurityPolicyIssueDetails; d != nil && !d.IsReportOnly {
			tb.violations = append(tb.violations, fmt.Sprint(d.ViolatedDirective, " ", d.BlockedURL))
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Source == cdplog.EntrySourceSecurity {
			tb.violations = append(tb.violations, e.Entry.Text)
		}
		tb.console = append(tb.console, fmt.Sprint(e.Entry.Level, ": ", e.Entry.Text, " ", e.Entry.URL))
	case *runtime.EventConsoleAPICalled:
		text := string(e.Type) + ":"
		for _, a := range e.Args {
			text += fmt.Sprint(" ", a.Value, a.Description)
		}
		if strings.Contains(text, "VIOLATION ") {
			tb.violations = append(tb.violations, text)
		}
		tb.console = append(tb.console, text)
	case *runtime.EventExceptionThrown:
		text := "exception: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		tb.console = append(tb.console, text)
	}
}

// lend makes the window that of a subtest, for a time of its own, until what it
// returns is called.
func (tb *tab) lend(t testing.TB, patience time.Duration) func() {
	was, ctx := tb.t, tb.ctx
	own, cancel := context.WithTimeout(tb.base, patience)
	tb.t, tb.ctx = t, own
	return func() { cancel(); tb.t, tb.ctx = was, ctx }
}

func (tb *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	if err := chromedp.Do(tb.ctx, actions...); err != nil {
		tb.fail("%v", err)
	}
}

// call sends a command of the DevTools protocol.
func call[P, R any](tb *tab, command cdp.Command[P, R], params P) {
	tb.t.Helper()
	if _, err := chromedp.Call(tb.ctx, command, params); err != nil {
		tb.fail("%s: %v", command.Method, err)
	}
}

// view opens studies in the viewer.
func (tb *tab) view(address string) {
	tb.t.Helper()
	tb.do(chromedp.Navigate(address))
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
	if shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
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
	for {
		is, err := chromedp.Run(tb.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if is && err == nil {
			return
		}
		select {
		case <-tb.ctx.Done():
			tb.fail("never: %s (%v)", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// value returns what a JavaScript expression is, or the promise that it is.
func value[T any](tb *tab, expression string) T {
	tb.t.Helper()
	v, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.fail("%.80s: %v", expression, err)
	}
	return v
}

// screenshot keeps a picture of the window under a name.
func (tb *tab) screenshot(name string) {
	tb.t.Helper()
	shot, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		tb.fail("%v", err)
	}
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

// quoted is a string as JavaScript writes it.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
