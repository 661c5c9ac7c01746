package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// asset is one file of ours that pages refer to. Its name has its hash, so that
// browsers may keep it for ever.
type asset struct {
	name    string
	url     string
	kind    string
	content []byte
	zipped  []byte
}

// assets are all files, by name.
var assets = loadAssets()

// openAssets are those that the sign-in needs and that therefore answer a stranger.
var openAssets = []string{"app.css", "icon.svg", "passkey.js"}

func loadAssets() map[string]*asset {
	all := map[string]*asset{}
	files, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // the files are part of the program
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	for _, f := range files {
		content, err := staticFiles.ReadFile("static/" + f.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(f.Name())
		all[f.Name()] = &asset{name: f.Name(), kind: kinds[ext], content: content, zipped: zip(content),
			url: "/static/" + strings.TrimSuffix(f.Name(), ext) + "-" + hex.EncodeToString(sum[:6]) + ext}
	}
	return all
}

func zip(content []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // writing into memory does not fail
	}
	return b.Bytes()
}

// staticURL returns where a file of ours is; "" if there is none.
func staticURL(name string) string {
	if a, ok := assets[name]; ok {
		return a.url
	}
	return ""
}

// staticRoutes has one route a file.
func staticRoutes() []Route {
	var list []Route
	for name, a := range assets {
		open := false
		for _, o := range openAssets {
			open = open || o == name
		}
		list = append(list, Route{Method: http.MethodGet, Path: a.url, Open: open, Passive: true, serve: a.serve})
	}
	return list
}

func (a *asset) serve(x *exchange) error {
	h := x.w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	content := a.content
	if strings.Contains(x.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		content = a.zipped
	}
	if x.Method != http.MethodHead {
		x.w.Write(content)
	}
	return nil
}
