package dicomweb_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/dicomweb"
)

func newTrap(t *testing.T, heard chan<- string) string {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.URL.Path }))
	t.Cleanup(s.Close)
	return s.URL + "/secret"
}

// TestConformance has a line for each row of the tables of transactions and of
// required media types in PS3.18 chapters 8 and 10 that this service answers.
func TestConformance(t *testing.T) {
	f := start(t)
	f.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil))
	const study, series, instance = "/studies/1.1", "/studies/1.1/series/1.1.1", "/studies/1.1/series/1.1.1/instances/1.1.1.1"
	const partsXML, partsDICOM, partsBytes = `multipart/related; type="application/dicom+xml"`, `multipart/related; type="application/dicom"`, `multipart/related; type="application/octet-stream"`
	for _, c := range []struct {
		where, method, path, accept string
		status                      int
		typ                         string // the answer's type, as it begins
	}{
		{"PS3.18 section 8.9, table 8.9.2-1", "OPTIONS", "/", "application/json", 200, "application/json"},
		{"PS3.18 section 8.9, table 8.9.2-1", "OPTIONS", "/", "application/vnd.sun.wadl+xml", 200, "application/vnd.sun.wadl+xml"},
		{"PS3.18 table 10.6.1-1, all studies", "GET", "/studies", "application/dicom+json", 200, "application/dicom+json"},
		{"PS3.18 table 10.6.1-1, a study's series", "GET", study + "/series", "application/dicom+json", 200, "application/dicom+json"},
		{"PS3.18 table 10.6.1-1, a study's instances", "GET", study + "/instances", "application/dicom+json", 200, "application/dicom+json"},
		{"PS3.18 table 10.6.1-1, a series' instances", "GET", series + "/instances", "application/dicom+json", 200, "application/dicom+json"},
		{"PS3.18 table 10.6.1-1, all series", "GET", "/series", "application/dicom+json", 200, "application/dicom+json"},
		{"PS3.18 table 10.6.1-1, all instances", "GET", "/instances", "application/dicom+json", 200, "application/dicom+json"},
		{"PS3.18 section 10.6.4, XML", "GET", "/studies", partsXML, 200, partsXML},
		{"PS3.18 table 10.6.3-1, no results", "GET", "/studies?PatientID=0", "application/dicom+json", 204, ""},
		{"PS3.18 table 10.6.3-1, no common type", "GET", "/studies", "text/csv", 406, "application/problem+json"},
		{"PS3.18 table 10.6.3-1, bad request", "GET", "/studies?limit=x", "application/dicom+json", 400, "application/problem+json"},
		{"PS3.18 table 10.4.1-1, study", "GET", study, partsDICOM, 200, partsDICOM},
		{"PS3.18 table 10.4.1-1, series", "GET", series, partsDICOM, 200, partsDICOM},
		{"PS3.18 table 10.4.1-1, instance", "GET", instance, partsDICOM, 200, partsDICOM},
		{"PS3.18 table 10.4.1-1, instance alone", "GET", instance, "application/dicom", 200, "application/dicom; transfer-syntax="},
		{"PS3.18 table 10.4.1-2, study metadata", "GET", study + "/metadata", "application/dicom+json", 200, "application/dicom+json"},
		{"PS3.18 table 10.4.1-2, series metadata", "GET", series + "/metadata", "application/dicom+json", 200, "application/dicom+json"},
		{"PS3.18 table 10.4.1-2, instance metadata", "GET", instance + "/metadata", "application/dicom+json", 200, "application/dicom+json"},
		{"PS3.18 table 10.4.1-2, XML", "GET", instance + "/metadata", partsXML, 200, partsXML},
		{"PS3.18 table 10.4.1-6, frames", "GET", instance + "/frames/1", partsBytes, 200, partsBytes},
		{"PS3.18 table 10.4.1-6, a frame alone", "GET", instance + "/frames/1", "application/octet-stream", 200, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"},
		{"PS3.18 table 10.4.3-1, not found", "GET", "/studies/9.9", "*/*", 404, "application/problem+json"},
		{"PS3.18 table 8.5-1, method not allowed", "DELETE", study, "*/*", 405, "application/problem+json"},
		{"PS3.18 table 8.5-1, method not allowed", "PUT", "/studies", "*/*", 405, "application/problem+json"},
	} {
		r := f.do(c.method, c.path, nil, "Accept", c.accept)
		if r.status != c.status || !strings.HasPrefix(r.header.Get("Content-Type"), c.typ) {
			t.Errorf("%s: %s %s: %d %s %s", c.where, c.method, c.path, r.status, r.header.Get("Content-Type"), r.body)
		}
		if r.status == 405 && r.header.Get("Allow") == "" {
			t.Error("405 without Allow")
		}
	}
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
