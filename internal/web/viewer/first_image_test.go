package viewer_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// TestFirstImage measures how long a doctor waits from the click on a study to
// its first picture, with a fresh profile and with a warm cache: a CT of 120
// slices in the archive as it is built, and the same in Orthanc with OHIF before
// it as both are shipped. It runs where TRESOR_SPEED is set.
func TestFirstImage(t *testing.T) {
	if os.Getenv("TRESOR_SPEED") == "" {
		t.Skip("a measurement: make bench-viewer")
	}
	newSite(t) // skips without the viewer
	browser(t)
	study := string(synth.New(1).StudyUID(900))
	slices120 := make([][]byte, 0, 120)
	for o := range synth.New(1).Objects(synth.Options{Number: 900, Patient: 900, Count: 120}) {
		var b bytes.Buffer
		if err := encoding.WriteFile(&b, encoding.NewMeta(o.Class, o.Instance, encoding.ExplicitLE.UID), o.DataSet()); err != nil {
			t.Fatal(err)
		}
		slices120 = append(slices120, b.Bytes())
	}
	ours, cookie := startTresor(t, slices120)
	theirs := startOrthanc(t, slices120)
	for _, l := range links {
		var a, b firstImages
		for range 3 { // in turn, so that what else the machine does meets both
			a.measure(t, l, ours+"/viewer?StudyInstanceUIDs="+study, cookie)
			b.measure(t, l, theirs+"/viewer?StudyInstanceUIDs="+study, nil)
		}
		t.Logf("%s: tresor: %s", l.name, &a)
		t.Logf("%s: OHIF before Orthanc: %s", l.name, &b)
		t.Logf("%s: ratio: cold %.2f, warm %.2f", l.name, median(a.cold)/median(b.cold), median(a.warm)/median(b.warm))
	}
}

// link is a network between browser and archive.
type link struct {
	name    string
	bytes   float64 // a second; 0 is what the machine can
	latency float64 // milliseconds
}

var links = []link{{name: "loopback"}, {"100 Mbit/s, 2 ms", 100e6 / 8, 2}}

// firstImages are milliseconds from the start of the navigation.
type firstImages struct {
	cold, warm   []float64
	requests, kB float64 // of the cold start
}

func (f *firstImages) String() string {
	return fmt.Sprintf("cold %.0f ms (%.0f to %.0f), %.0f requests, %.0f kB; warm %.0f ms (%.0f to %.0f)", median(f.cold), slices.Min(f.cold), slices.Max(f.cold),
		f.requests, f.kB, median(f.warm), slices.Min(f.warm), slices.Max(f.warm))
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// seeFirst notes when the first viewport shows something.
const seeFirst = `(() => {
	const small = document.createElement('canvas'); small.width = small.height = 24;
	const look = () => {
		const c = document.querySelector('canvas.cornerstone-canvas');
		if (c && c.width) {
			const d = small.getContext('2d', { willReadFrequently: true });
			d.drawImage(c, 0, 0, 24, 24);
			if (d.getImageData(0, 0, 24, 24).data.some((v, i) => i % 4 < 3 && v > 60)) {
				window.firstImage = performance.now();
				const all = performance.getEntriesByType('resource');
				window.firstRequests = all.length;
				window.firstBytes = all.reduce((n, e) => n + e.transferSize, 0);
				return;
			}
		}
		requestAnimationFrame(look);
	};
	requestAnimationFrame(look);
})()`

func (f *firstImages) measure(t *testing.T, l link, address string, cookie *http.Cookie) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, url: u.Scheme + "://" + u.Host}
	tb := s.stranger(t, seeFirst)
	if cookie != nil {
		yes := true
		call(tb, network.SetCookie, network.SetCookieParams{Name: cookie.Name, Value: cookie.Value, URL: s.url, Path: "/",
			Secure: &yes, HTTPOnly: &yes, SameSite: network.CookieSameSiteStrict})
	}
	if l.bytes > 0 {
		call(tb, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Latency: l.latency, DownloadThroughput: l.bytes, UploadThroughput: l.bytes}}})
	}
	for _, times := range []*[]float64{&f.cold, &f.warm} {
		tb.do(chromedp.Navigate(address))
		tb.until("the first picture", "window.firstImage")
		if times == &f.cold {
			f.requests, f.kB = value[float64](tb, "firstRequests"), value[float64](tb, "firstBytes")/1000
		}
		*times = append(*times, value[float64](tb, "firstImage"))
		time.Sleep(2 * time.Second) // the rest of the series comes
		tb.do(chromedp.Navigate("about:blank"))
	}
}

// startTresor builds and starts the archive, stores the files in it over STOW,
// and returns its address and the cookie of somebody who has signed in.
func startTresor(t *testing.T, files [][]byte) (root string, cookie *http.Cookie) {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "tresor")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/tresor-pacs/tresor/cmd/tresor").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	port, err := peers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	data, address := filepath.Join(dir, "data"), peers.Address(port)
	serve := exec.Command(binary, "serve", "--dir", data, "--dicom", "127.0.0.1:0", "--https", address)
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { serve.Process.Signal(syscall.SIGTERM); serve.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "ready") {
		t.Fatalf("the archive does not start: %q %v", line, err)
	}
	go io.Copy(io.Discard, out)
	const password = "correct horse battery"
	add := exec.Command(binary, "user", "add", "erika", "--role", "radiologist", "--password-stdin", "--dir", data)
	add.Stdin = strings.NewReader(password + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	time.Sleep(1500 * time.Millisecond) // the running archive follows within a second
	root = "https://" + address
	c := client(t)
	form := url.Values{"name": {"erika"}, "password": {password}}
	send(t, c, root+"/login", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	u, _ := url.Parse(root)
	for _, k := range c.Jar.Cookies(u) {
		if k.Name == "__Host-tresor" {
			cookie = k
		}
	}
	if cookie == nil {
		t.Fatal("signing in gives no session")
	}
	store(t, c, root, files)
	return root, cookie
}

func client(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// send posts as a page of the site does.
func send(t *testing.T, c *http.Client, address, contentType string, body io.Reader) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	a, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if b, _ := io.ReadAll(a.Body); a.StatusCode >= 400 {
		t.Fatalf("%s: %s %.200s", address, a.Status, b)
	}
}

// store sends files over STOW, twenty at once.
func store(t *testing.T, c *http.Client, root string, files [][]byte) {
	t.Helper()
	for some := range slices.Chunk(files, 20) {
		var body bytes.Buffer
		for _, f := range some {
			body.WriteString("--B\r\nContent-Type: application/dicom\r\n\r\n")
			body.Write(f)
			body.WriteString("\r\n")
		}
		body.WriteString("--B--\r\n")
		send(t, c, root+"/dicom-web/studies", `multipart/related; type="application/dicom"; boundary=B`, &body)
	}
}

// shippedConfig is all that is changed of OHIF as it is shipped: where the
// archive is.
const shippedConfig = `window.config = { routerBasename: null, extensions: [], modes: [], showStudyList: true, maxNumberOfWebWorkers: 3,
	maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 }, defaultDataSourceName: 'o',
	dataSources: [{ namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'o', configuration: { friendlyName: 'o', name: 'o',
		wadoUriRoot: '/dicom-web', qidoRoot: '/dicom-web', wadoRoot: '/dicom-web', qidoSupportsIncludeField: false, imageRendering: 'wadors',
		thumbnailRendering: 'wadors', enableStudyLazyLoad: true, supportsWildcard: true, staticWado: false, singlepart: 'bulkdata,video', bulkDataURI: { enabled: true } } }] };`

// startOrthanc starts Orthanc with its DICOMweb plugin and OHIF's files before
// it, over plain HTTP, and returns their address.
func startOrthanc(t *testing.T, files [][]byte) string {
	t.Helper()
	o := peers.Run(t, peers.Orthanc{DICOMweb: true})
	for _, f := range files {
		if _, err := o.API().Upload(f); err != nil {
			t.Fatal(err)
		}
	}
	tarballs, _ := filepath.Glob("../../../.cache/viewer/ohif-app-*.tgz")
	if len(tarballs) == 0 {
		t.Skip("OHIF as it is shipped is not there: make viewer fetches it into .cache/viewer")
	}
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", tarballs[0], "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	dist := filepath.Join(dir, "package", "dist")
	orthanc, err := url.Parse(fmt.Sprintf("http://127.0.0.1:%d", o.HTTP))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(orthanc)
	plain := http.FileServer(http.Dir(dist))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/dicom-web/"):
			proxy.ServeHTTP(w, r)
		case path == "/app-config.js":
			w.Header().Set("Content-Type", "text/javascript")
			io.WriteString(w, shippedConfig)
		case path == "/viewer":
			http.ServeFile(w, r, filepath.Join(dist, "index.html"))
		default:
			plain.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}
