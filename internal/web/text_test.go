package web

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// said are the keys of texts that the templates and the code use.
func said(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	key := regexp.MustCompile(`"([a-z]+\.[a-z]+(?:\.[a-z]+)?)"`)
	read := func(name string, b []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllSubmatch(b, -1) {
			used[string(m[1])] = true
		}
	}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := templateFiles.ReadFile(name)
		read(name, b, err)
	}
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !strings.HasPrefix(name, "text") && !strings.HasSuffix(name, "_test.go") {
			b, err := os.ReadFile(name)
			read(name, b, err)
		}
	}
	for _, from := range []string{"status.tls", "status.https", "status.ca", "status.dicomcert", "status.httpscert", "refusal.node",
		"refusal.association", "refusal.login", "refusal.function", "refusal.other"} {
		used[from] = true // said by whoever fills in Status
	}
	for _, colours := range []string{"auto", "light", "dark"} {
		used["app."+colours] = true // put together in the frame
	}
	for key := range trailWords {
		used[key] = true // TestEveryWordOfTheTrailIsSaid holds them
	}
	for _, right := range policy.DeviceRights {
		used["right."+string(right)] = true // put together in a device's form
	}
	for _, role := range policy.Roles {
		used["role."+string(role)] = true // put together in the account
	}
	return used
}

func TestEveryTextIsThereInBothLanguages(t *testing.T) {
	verb := regexp.MustCompile(`%[a-z]|\{[a-z]+\}`)
	for key, text := range texts {
		if strings.TrimSpace(text.en) == "" || strings.TrimSpace(text.de) == "" {
			t.Errorf("%s is not there in both languages", key)
		}
		en, de := verb.FindAllString(text.en, -1), verb.FindAllString(text.de, -1)
		slices.Sort(en)
		slices.Sort(de)
		if !slices.Equal(en, de) {
			t.Errorf("%s has other arguments: %v, %v", key, en, de)
		}
	}
}

func TestEveryTextIsUsedAndEveryKeyIsAText(t *testing.T) {
	used := said(t)
	for key := range texts {
		if !used[key] && !used[strings.TrimSuffix(key, ".one")] {
			t.Errorf("nothing says %s", key)
		}
	}
	call := regexp.MustCompile(`\{\{-?(?:[^}]*\()?(?:t|count) "([^"]+)"`)
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range names {
		b, err := templateFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllSubmatch(b, -1) {
			found++
			if _, known := texts[string(m[1])]; !known {
				t.Errorf("%s says %s, which is no text", name, m[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d texts found in the templates: the test looks for another form", found)
	}
}
