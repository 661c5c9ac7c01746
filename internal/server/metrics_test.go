package server_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

// TestMetrics asks the listener for Prometheus what happened.
func TestMetrics(t *testing.T) {
	port, err := peers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	at := peers.Address(port)
	r := startIn(t, t.TempDir(), func(c *server.Config) { c.Metrics = at[strings.LastIndexByte(at, ':'):] })
	secret, _ := r.user(t, "erika", policy.Radiologist)
	if a, _ := r.browser(t, secret).do("GET", "/dicom-web/studies", nil); a.StatusCode != 204 {
		t.Fatal(a.StatusCode)
	}
	r.browser(t, "wrong").do("GET", "/dicom-web/studies", nil)
	var page string
	for _, want := range []string{
		`tresor_events_total\{event="query",outcome="success"\} [1-9]`,
		`tresor_events_total\{event="login",outcome="serious failure"\} [1-9]`,
		`tresor_https_request_seconds_count\{code="204",method="get",part="dicom-web"\} [1-9]`,
		`tresor_trail_append_seconds_count [1-9]`,
		`tresor_ready 1`, `tresor_associations 0`, `tresor_jobs_waiting 0`, `tresor_disk_free_bytes [1-9]`, `go_goroutines [1-9]`,
	} {
		r.within(t, 5*time.Second, func() bool {
			page = metricsPage(t, at)
			return regexp.MustCompile(want).MatchString(page)
		})
	}
	if strings.Contains(page, "erika") {
		t.Error("a user is named")
	}
	if answer, err := http.Get("http://" + at + "/"); err != nil || answer.StatusCode != 404 {
		t.Error(answer, err)
	}
}

func metricsPage(t *testing.T, at string) string {
	t.Helper()
	answer, err := http.Get("http://" + at + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		t.Fatal(answer.StatusCode, err)
	}
	return string(b)
}
