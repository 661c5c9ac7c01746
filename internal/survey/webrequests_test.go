package survey_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// asked are the requests that a web server may get, by the rung that permits
// them. A UID and a path that nobody has are written as a star.
var asked = map[scope.Level][]string{
	scope.L2: {"GET /", "GET /*", "GET /system"},
	scope.L4: {"GET /dicom-web/studies?StudyInstanceUID=*", "GET /dicomweb/studies?StudyInstanceUID=*",
		"GET /dcm4chee-arc/aets/DCM4CHEE/rs/studies?StudyInstanceUID=*",
		"GET /wado?requestType=NONE", "GET /dcm4chee-arc/aets/DCM4CHEE/wado?requestType=NONE"},
	scope.L5: {"GET /statistics", "GET /dicom-web/studies?limit=1&offset=*"},
}

var varies = regexp.MustCompile(`2\.25\.\d+|[0-9a-f]{24}|offset=\d+`)

// TestWebRequests notes what web servers get at each rung: nothing but what the
// rung permits, no body, no credentials, and who asks.
func TestWebRequests(t *testing.T) {
	pages := map[string]map[string]string{
		"closed":   {},
		"Orthanc":  {"/system": `{"ApiVersion":15,"Version":"1.12.1"}`, "/statistics": `{"CountStudies":3,"CountInstances":4}`},
		"DICOMweb": {"/dicom-web/studies": `[]`},
	}
	for name, answers := range pages {
		for level := scope.L1; level <= scope.L5; level++ {
			var mu sync.Mutex
			var got []string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				defer mu.Unlock()
				got = append(got, varies.ReplaceAllStringFunc(r.Method+" "+r.URL.String(), func(s string) string {
					if s[0] == 'o' {
						return "offset=*"
					}
					return "*"
				}))
				if len(body) > 0 || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" || r.UserAgent() != "TRESOR_SURVEY_1 (+x)" {
					t.Errorf("%s %s: %v", r.Method, r.URL, r.Header)
				}
				if answer, ok := answers[r.URL.Path]; ok {
					w.Header().Set("Content-Type", "application/json")
					fmt.Fprint(w, answer)
					return
				}
				http.NotFound(w, r)
			}))
			r := lookAt(t, survey.Prober{Guard: loopback(t, "sample"), Level: level, Timeout: 300 * time.Millisecond, Agent: survey.Agent("x", "")},
				s.Listener.Addr().(*net.TCPAddr).Port)
			s.Close()
			var allowed []string
			for l := scope.L1; l <= level; l++ {
				allowed = append(allowed, asked[l]...)
			}
			for _, request := range got {
				if !slices.Contains(allowed, request) {
					t.Errorf("%s at %s: %s", name, level, request)
				}
			}
			if level >= scope.L2 && !slices.Contains(got, "GET /system") || r.Connections > 4+8+64 {
				t.Errorf("%s at %s: %v, %d connections", name, level, got, r.Connections)
			}
			if level == scope.L5 && name != "closed" && (r.Studies == nil || !slices.Contains(got, asked[scope.L5][map[string]int{"Orthanc": 0, "DICOMweb": 1}[name]])) {
				t.Errorf("%s at %s: %v", name, level, got)
			}
		}
	}
}
