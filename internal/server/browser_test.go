package server_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// window is a window of Chromium with a profile of its own.
type window struct {
	t    testing.TB
	ctx  context.Context
	root string

	mu      sync.Mutex
	foreign []string // addresses of other hosts that were asked
	bad     []string // what the pages' policy forbade, and errors of scripts
}

// patience is how long a page may take: it is no measure, only an end.
const patience = 60 * time.Second

// window opens Chromium on the archive; without Chromium it skips the test.
func (r *running) window(t testing.TB) *window {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no Chromium (Debian: apt-get install chromium): the pages are not tried in a browser")
	}
	o := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless,
		chromedp.NoSandbox, chromedp.IgnoreCertErrors, chromedp.WindowSize(1400, 900)}
	for _, f := range []string{"disable-gpu", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		o = append(o, chromedp.Flag(f, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), o...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancelTime := context.WithTimeout(ctx, patience)
	t.Cleanup(cancelTime)
	w := &window{t: t, ctx: ctx, root: "https://" + r.https}
	if err := chromedp.Do(ctx); err != nil {
		t.Skipf("Chromium does not start: %v", err)
	}
	if err := chromedp.Listen(ctx, w.event); err != nil {
		t.Fatal(err)
	}
	command(w, network.Enable, network.EnableParams{})
	command(w, cdplog.Enable, cdp.Empty{})
	return w
}

func (w *window) event(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, w.root+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			w.foreign = append(w.foreign, e.Request.URL)
		}
	case *cdplog.EventEntryAdded:
		// A picture that there is none of is no error of the page.
		if e.Entry.Level == cdplog.EntryLevelError && e.Entry.Source != cdplog.EntrySourceNetwork {
			w.bad = append(w.bad, fmt.Sprint(e.Entry.Source, ": ", e.Entry.Text))
		}
	}
}

// command sends a command of the DevTools protocol.
func command[P, R any](w *window, c cdp.Command[P, R], params P) {
	w.t.Helper()
	if _, err := chromedp.Call(w.ctx, c, params); err != nil {
		w.t.Fatalf("%s: %v", c.Method, err)
	}
}

// open goes to a page of the archive.
func (w *window) open(path string) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, chromedp.Navigate(w.root+path)); err != nil {
		w.t.Fatalf("open %s: %v", path, err)
	}
}

// js runs JavaScript and returns its value, or what its promise comes to.
func js[T any](w *window, expression string) T {
	w.t.Helper()
	v, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		w.t.Fatalf("%.100s: %v", expression, err)
	}
	return v
}

// run runs JavaScript for what it does.
func (w *window) run(statements string) {
	w.t.Helper()
	js[bool](w, "(()=>{"+statements+";return true})()")
}

// until waits for a JavaScript expression to be true.
func (w *window) until(what, expression string) {
	w.t.Helper()
	for {
		is, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if is && err == nil {
			return
		}
		select {
		case <-w.ctx.Done():
			w.t.Fatalf("never: %s (%v)", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// typed types keys into a field as a person does.
func (w *window) typed(selector, keys string) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, chromedp.SendKeys(chromedp.CSS(selector), keys)); err != nil {
		w.t.Fatalf("type into %s: %v", selector, err)
	}
}

// look sets the size of the window and the colours that the system prefers.
func (w *window) look(width, height int64, colours string) {
	w.t.Helper()
	command(w, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
	command(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}}})
}

// keep keeps a picture of the window below .cache/screenshots, to be looked at.
func (w *window) keep(name string) {
	w.t.Helper()
	shot, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	dir := filepath.Join("..", "..", ".cache", "screenshots")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o644)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// signIn signs in by the keyboard alone.
func (w *window) signIn(name string) {
	w.t.Helper()
	w.until("the sign-in", "document.activeElement && document.activeElement.id === 'name'")
	w.typed("#name", name)
	w.typed("#password", goodPassword+"\r")
	w.until("the menu", "document.querySelector('nav.menu')")
}

// clean fails the test if another host was asked or the policy was violated.
func (w *window) clean() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.foreign)+len(w.bad) > 0 {
		w.t.Errorf("other hosts: %v\nviolations: %v", w.foreign, w.bad)
	}
}

// part10 writes a study of invented pictures as files.
func part10(t testing.TB, o synth.Options) (files [][]byte, study string) {
	t.Helper()
	for object := range synth.New(1).Objects(o) {
		var b bytes.Buffer
		if err := object.Write(&b, encoding.ExplicitLE); err != nil {
			t.Fatal(err)
		}
		head, err := encoding.AppendMeta(nil, encoding.NewMeta(object.Class, object.Instance, encoding.ExplicitLE.UID))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, append(head, b.Bytes()...))
		study = string(object.Header.UID(dict.StudyInstanceUID))
	}
	return files, study
}

// fill stores studies through STOW-RS and returns their UIDs.
func (b *browser) fill(studies ...synth.Options) (uids []string) {
	b.t.Helper()
	var body bytes.Buffer
	for _, o := range studies {
		files, study := part10(b.t, o)
		uids = append(uids, study)
		for _, f := range files {
			body.WriteString("--B\r\nContent-Type: application/dicom\r\n\r\n")
			body.Write(f)
			body.WriteString("\r\n")
		}
	}
	body.WriteString("--B--\r\n")
	a, answer := b.do("POST", "/dicom-web/studies", &body, "Content-Type", `multipart/related; type="application/dicom"; boundary=B`)
	if a.StatusCode != 200 {
		b.t.Fatalf("%d %s", a.StatusCode, answer)
	}
	return uids
}
