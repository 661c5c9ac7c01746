package viewer

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
)

//go:embed start.js
var startScript []byte

//go:embed locales/de.json
var germanStrings []byte

var pages = template.Must(template.New("viewer").Parse(`{{define "start" -}}
<!doctype html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="theme-color" content="#000000">
<title>{{.Words.Title}} – Tresor</title>
<link rel="icon" href="data:,">
<script src="{{.Script}}"></script>
<script defer src="{{.Files}}{{.App}}"></script>
<link rel="stylesheet" href="{{.Files}}{{.Style}}">
</head>
<body>
<noscript>{{.Words.NoScript}}</noscript>
<div id="react-portal"></div>
<div id="root"></div>
</body>
</html>
{{end}}
{{define "absent" -}}
<!doctype html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Words.Absent}}</title>
<link rel="icon" href="data:,">
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
</head>
<body>
<main>
<h1>{{.Words.Absent}}</h1>
<p>{{.Words.AbsentHow}}</p>
<pre><code>make viewer
make build</code></pre>
<p>{{.Words.AbsentEffect}}</p>
<p><a href="{{.Home}}">{{.Words.Back}}</a></p>
</main>
</body>
</html>
{{end}}`))

// settings is what start.js is told.
type settings struct {
	Language string          `json:"language"`
	Files    string          `json:"files"` // path of the packed files
	DICOMweb string          `json:"dicomweb"`
	Home     string          `json:"home"`
	SignIn   string          `json:"signIn"`
	Words    words           `json:"words"`
	Strings  json.RawMessage `json:"strings,omitempty"` // over OHIF's own, by name space
}

// newStart makes page and script for a language.
func newStart(c Config, m *manifest, language string) (*start, error) {
	s := settings{Language: language, Files: Path + "/" + m.Name + "/", DICOMweb: c.DICOMweb, Home: c.Home, SignIn: c.SignIn, Words: texts[language]}
	if language == german {
		s.Strings = germanStrings
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("viewer: settings: %w", err)
	}
	script := fmt.Appendf(nil, "window.tresor = %s;\n%s", b, startScript)
	sum := sha256.Sum256(script)
	digest := hex.EncodeToString(sum[:16])
	st := &start{script: script, scriptPath: fmt.Sprintf("%s/start-%s-%s.js", Path, language, digest), etag: `"` + digest + `"`}
	var page bytes.Buffer
	err = pages.ExecuteTemplate(&page, "start", map[string]any{
		"Language": language, "Words": s.Words, "Script": st.scriptPath, "Files": s.Files, "App": m.app, "Style": m.style,
	})
	if err != nil {
		return nil, fmt.Errorf("viewer: page: %w", err)
	}
	st.page = page.Bytes()
	return st, nil
}

// absentPage says that this build has no viewer, and how to add it.
func absentPage(language, home string) ([]byte, error) {
	var page bytes.Buffer
	err := pages.ExecuteTemplate(&page, "absent", map[string]any{"Language": language, "Words": texts[language], "Home": home})
	if err != nil {
		return nil, fmt.Errorf("viewer: page: %w", err)
	}
	return page.Bytes(), nil
}
