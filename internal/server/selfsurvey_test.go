package server

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

// events is a trail in memory.
type events []audit.Event

func (e *events) Append(_ context.Context, x audit.Event) (uint64, error) {
	*e = append(*e, x)
	return uint64(len(*e)), nil
}

// A listener that answers strangers is an alarm in log and trail; one that wants
// a login is none.
func TestSelfSurvey(t *testing.T) {
	open := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/dicom-web/") {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		http.NotFound(w, r)
	}))
	defer open.Close()
	login := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer login.Close()
	place := func(s *httptest.Server) netip.AddrPort {
		return s.Listener.Addr().(*net.TCPAddr).AddrPort()
	}
	for _, c := range []struct {
		name  string
		at    netip.AddrPort
		alarm bool
	}{{"open", place(open), true}, {"login", place(login), false}} {
		t.Run(c.name, func(t *testing.T) {
			var trail events
			var log bytes.Buffer
			a, err := archive.Open(t.Context(), archive.Config{Catalog: storetest.NewCatalog(), Vault: storetest.NewVault(), Trail: &trail,
				Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			x := &selfSurvey{listeners: map[string]netip.AddrPort{"https": c.at}, every: time.Hour, archive: a, log: slog.New(slog.NewTextHandler(&log, nil)), looked: &lookedAt{}}
			x.once(t.Context())
			if last := x.looked.at("https"); last.when.IsZero() || last.answers != c.alarm || last.got == nil {
				t.Errorf("looked %v, answers %v", last.when, last.answers)
			}
			alarms := 0
			for _, e := range trail {
				if e.Code == audit.SecurityAlert && e.Outcome == audit.SeriousFailure && e.Details[2].Value == "web-open" {
					alarms++
				}
			}
			if (alarms == 1) != c.alarm || strings.Contains(log.String(), "ALARM") != c.alarm ||
				strings.Contains(log.String(), "nothing answers a stranger") == c.alarm {
				t.Errorf("%d alarms, %s", alarms, &log)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	for in, want := range map[string]string{"0.0.0.0:1": "127.0.0.1:1", "[::]:1": "[::1]:1", "10.0.0.1:1": "10.0.0.1:1", "[::ffff:10.0.0.1]:1": "10.0.0.1:1"} {
		if got := reachable(netip.MustParseAddrPort(in)); got.String() != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestSelfSurveyInterval(t *testing.T) {
	for d, good := range map[time.Duration]bool{0: false, time.Second: false, time.Minute: true, 7 * 24 * time.Hour: true, 8 * 24 * time.Hour: false} {
		c := DefaultConfig()
		c.SelfSurvey = Duration(d)
		if err := c.Check(); (err == nil) != good {
			t.Errorf("%v: %v", d, err)
		}
	}
}
