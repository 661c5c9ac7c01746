package viewer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const packName = "3.13.2-0123456789ab"

// small is a pack of a few files, as scripts/viewer would write it.
func small(t *testing.T) fstest.MapFS {
	t.Helper()
	pack := fstest.MapFS{"README": {Data: []byte("committed")}}
	m := manifest{Name: packName, Files: map[string]*file{}}
	add := func(name, typ, role string, compressed, decoder bool, data string) {
		sum := sha256.Sum256([]byte(data))
		m.Files[name] = &file{Type: typ, Size: len(data), SHA256: hex.EncodeToString(sum[:]), Compressed: compressed, Decoder: decoder, Role: role}
		if !compressed {
			pack["files/"+name] = &fstest.MapFile{Data: []byte(data)}
			return
		}
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, data)
		w.Close()
		pack["files/"+name+".gz"] = &fstest.MapFile{Data: b.Bytes()}
		pack["files/"+name+".br"] = &fstest.MapFile{Data: []byte("brotli of " + name)}
	}
	add("app.js", "text/javascript", "app", true, false, "app")
	add("app.css", "text/css", "styles", true, false, "css")
	add("8097.js", "text/javascript", "", true, true, "decoder")
	add("assets/a.png", "image/png", "", false, false, "png")
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	pack["viewer.json"] = &fstest.MapFile{Data: b}
	return pack
}

var paths = Config{DICOMweb: "/dicom-web", Home: "/", SignIn: "/login"}

func packedHandler(t *testing.T) *Handler {
	t.Helper()
	h, err := newHandler(paths, small(t))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestFilesComeInTheFormThatTheClientAccepts(t *testing.T) {
	h := packedHandler(t)
	path := "/viewer/" + packName + "/app.js"
	tags := map[string]bool{}
	for _, c := range []struct{ accept, coding, body string }{
		{"gzip, deflate, br, zstd", "br", "brotli of app.js"},
		{"br;q=0, *", "gzip", ""},
		{"gzip;q=0.5", "gzip", ""},
		{"identity", "", "app"},
		{"", "", "app"},
		{"br;q=x, gzip;q=0", "", "app"},
	} {
		w := ask(h, "GET", path, "Accept-Encoding", c.accept)
		if w.Code != 200 || w.Header().Get("Content-Encoding") != c.coding || c.body != "" && w.Body.String() != c.body {
			t.Errorf("%q: %d %q %q", c.accept, w.Code, w.Header().Get("Content-Encoding"), w.Body)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" || w.Header().Get("Cache-Control") != "private, max-age=31536000, immutable" {
			t.Errorf("%q: %v", c.accept, w.Header())
		}
		etag := w.Header().Get("ETag")
		tags[etag+c.coding] = true
		again := ask(h, "GET", path, "Accept-Encoding", c.accept, "If-None-Match", `"other", `+etag)
		if again.Code != 304 || again.Body.Len() != 0 || again.Header().Get("ETag") != etag {
			t.Errorf("%q: again %d", c.accept, again.Code)
		}
		head := ask(h, "HEAD", path, "Accept-Encoding", c.accept)
		if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != w.Header().Get("Content-Length") {
			t.Errorf("%q: HEAD %d %v", c.accept, head.Code, head.Header())
		}
	}
	if len(tags) != 3 {
		t.Errorf("each form has a tag of its own: %v", tags)
	}
	if w := ask(h, "GET", "/viewer/"+packName+"/assets/a.png", "Accept-Encoding", "br"); w.Body.String() != "png" || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// The policies are the ones that were tried with OHIF; a change is deliberate.
func TestPolicies(t *testing.T) {
	h := packedHandler(t)
	const page = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; object-src 'self' blob:; frame-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	const decoder = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval'; connect-src 'self'"
	for path, want := range map[string]string{
		"/viewer": page, "/viewer?StudyInstanceUIDs=1.2": page, "/viewer/nothing": page,
		"/viewer/" + packName + "/app.js":  page,
		"/viewer/" + packName + "/8097.js": decoder,
	} {
		w := ask(h, "GET", path)
		if got := w.Header().Get("Content-Security-Policy"); got != want {
			t.Errorf("%s: %s", path, got)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: may be sniffed", path)
		}
	}
}

func TestOnlyWhatIsListedIsThere(t *testing.T) {
	h := packedHandler(t)
	for _, path := range []string{
		"/viewer/viewer.json", "/viewer/README", "/viewer/files/app.js.br", "/viewer/" + packName + "/", "/viewer/" + packName + "/app.js.br",
		"/viewer/" + packName + "/../viewer.json", "/viewer/3.13.2-000000000000/app.js", "/viewerx", "/viewer/start-en-x.js",
	} {
		if w := ask(h, "GET", path); w.Code != 404 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if w := ask(h, method, "/viewer"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

// The page starts a script whose address changes with its content, in the
// language of the person, and nothing of it is inline.
func TestPageAndItsScript(t *testing.T) {
	h := packedHandler(t)
	for accept, want := range map[string]string{"": "en", "de-CH,de;q=0.9,en;q=0.8": "de", "fr, en;q=0.2, de;q=0.7": "de", "fr": "en", "en-GB, de;q=0.9": "en", "de;q=x": "en"} {
		w := ask(h, "GET", "/viewer?StudyInstanceUIDs=1.2.3", "Accept-Language", accept)
		page := w.Body.String()
		if w.Code != 200 || !strings.Contains(page, `<html lang="`+want+`">`) || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%q: %d %s", accept, w.Code, page)
		}
		if strings.Contains(page, "<script>") || strings.Contains(page, "1.2.3") {
			t.Errorf("inline script, or the query, in the page: %s", page)
		}
		_, after, _ := strings.Cut(page, `<script src="`)
		address, _, _ := strings.Cut(after, `"`)
		script := ask(h, "GET", address)
		if script.Code != 200 || script.Header().Get("Cache-Control") != forever || script.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Fatalf("%s: %d", address, script.Code)
		}
		first, _, _ := strings.Cut(script.Body.String(), ";\n")
		var s settings
		if err := json.Unmarshal([]byte(strings.TrimPrefix(first, "window.tresor = ")), &s); err != nil {
			t.Fatal(err)
		}
		if s.Language != want || s.Files != "/viewer/"+packName+"/" || s.DICOMweb != "/dicom-web" || s.SignIn != "/login" || (s.Strings != nil) != (want == "de") {
			t.Errorf("%+v", s)
		}
	}
	chosen, err := newHandler(Config{DICOMweb: "/dicom-web", Home: "/", SignIn: "/login", Language: func(*http.Request) string { return "de" }}, small(t))
	if err != nil {
		t.Fatal(err)
	}
	if w := ask(chosen, "GET", "/viewer", "Accept-Language", "en"); !strings.Contains(w.Body.String(), `<html lang="de">`) {
		t.Error("the person's own choice does not count")
	}
}

func TestWithoutAViewerThePageTellsHowToAddIt(t *testing.T) {
	h, err := newHandler(paths, fstest.MapFS{"README": {Data: []byte("committed")}})
	if err != nil {
		t.Fatal(err)
	}
	if h.Packed() || h.Version() != "" {
		t.Error("there is a viewer")
	}
	for _, language := range []string{"en", "de"} {
		w := ask(h, "GET", "/viewer?StudyInstanceUIDs=1.2", "Accept-Language", language)
		if w.Code != 501 || !strings.Contains(w.Body.String(), "make viewer") || !strings.Contains(w.Body.String(), texts[language].Absent) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", "/viewer/"+packName+"/app.js"); w.Code != 404 {
		t.Error(w.Code)
	}
}

func TestDamagedPacksAreRefused(t *testing.T) {
	for name, damage := range map[string]func(fstest.MapFS){
		"a file is missing":   func(p fstest.MapFS) { delete(p, "files/app.js.br") },
		"not JSON":            func(p fstest.MapFS) { p["viewer.json"].Data = []byte("{") },
		"no name":             func(p fstest.MapFS) { change(p, `"`+packName+`"`, `"../x"`) },
		"no digest":           func(p fstest.MapFS) { change(p, `"sha256":"`, `"sha256":"x`) },
		"nothing to start it": func(p fstest.MapFS) { change(p, `"role":"app"`, `"role":""`) },
	} {
		p := small(t)
		damage(p)
		if _, err := newHandler(paths, p); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func change(p fstest.MapFS, from, to string) {
	p["viewer.json"].Data = bytes.Replace(p["viewer.json"].Data, []byte(from), []byte(to), 1)
}

// German must be whole where we have words of our own, and its strings must be
// JSON of name spaces.
func TestLanguages(t *testing.T) {
	for language, w := range texts {
		if slices.Contains([]string{w.Title, w.Back, w.NotForUse, w.NoScript, w.SignedOut, w.SignInAgain, w.Absent, w.AbsentHow, w.AbsentEffect}, "") {
			t.Errorf("%s lacks a text", language)
		}
	}
	var strings map[string]map[string]string
	if err := json.Unmarshal(germanStrings, &strings); err != nil || strings["Buttons"]["Window Level"] != "Fensterung" {
		t.Error(err, len(strings))
	}
}

// What is embedded, if anything, is whole.
func TestEmbedded(t *testing.T) {
	h, err := New(paths)
	if err != nil {
		t.Fatal(err)
	}
	if !h.Packed() {
		t.Skip("the viewer is not packed: make viewer")
	}
	decoders := 0
	for name, f := range h.manifest.Files {
		w := ask(h, "GET", "/viewer/"+h.Version()+"/"+name) // unpacked from gzip
		sum := sha256.Sum256(w.Body.Bytes())
		if w.Code != 200 || hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Errorf("%s: %d, another content", name, w.Code)
		}
		if f.Decoder {
			decoders++
		}
	}
	if decoders != 1 {
		t.Errorf("%d scripts are that of the decoding worker", decoders)
	}
}
