package dicomweb_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/internal/dicomweb"
)

func newTrap(t *testing.T, heard chan<- string) string {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.URL.Path }))
	t.Cleanup(s.Close)
	return s.URL + "/secret"
}

// TestCapabilitiesNameEveryRoute reads both forms of the description.
func TestCapabilitiesNameEveryRoute(t *testing.T) {
	f := start(t)
	asJSON, asXML := f.do("OPTIONS", "/", nil), f.do("OPTIONS", "/", nil, "Accept", "application/vnd.sun.wadl+xml")
	if !json.Valid(asJSON.body) {
		t.Errorf("%s", asJSON.body)
	}
	var app struct {
		Resources []struct {
			Path    string `xml:"path,attr"`
			Methods []struct {
				Name string `xml:"name,attr"`
			} `xml:"method"`
		} `xml:"resources>resource"`
	}
	if err := xml.Unmarshal(asXML.body, &app); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, r := range app.Resources {
		for _, m := range r.Methods {
			got = append(got, m.Name+" /"+r.Path)
		}
	}
	for _, r := range dicomweb.Routes() {
		want = append(want, r.Method+" "+r.Pattern)
		if r.Method == http.MethodDelete {
			t.Error("something can be deleted:", r.Pattern)
		}
		if !strings.HasPrefix(r.Where, "PS3.18 ") || r.Name == "" {
			t.Errorf("%s says not what it is", r.Pattern)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if r := f.do("OPTIONS", "/studies/1.1", nil); r.status != 204 || r.header.Get("Allow") != "GET, HEAD, OPTIONS, POST" {
		t.Errorf("%d %v", r.status, r.header)
	}
}
