package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// surveyed waits until the archive has looked at itself, which leaves records of
// a stranger, and makes awaitRecord take later ones only.
func (r *running) surveyed(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if log := r.log.String(); strings.Contains(log, "self-survey: nothing answers a stranger") {
			r.since = time.Now()
			return
		}
	}
	t.Error("the archive has not looked at itself")
}

// The archive looks at itself at its start, finds that nothing answers, and the
// stranger's refusals stand in the trail.
func TestTheArchiveSurveysItself(t *testing.T) {
	r := start(t)
	r.surveyed(t)
	log := r.log.String()
	for _, want := range []string{"dicom=mutual-tls", "https="} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	if strings.Contains(log, "ALARM") || len(r.records(t, audit.SecurityAlert)) != 0 {
		t.Errorf("an alarm:\n%s", log)
	}
	if len(r.records(t, audit.NodeAuthenticationFailure)) == 0 {
		t.Error("the stranger is not in the trail")
	}
}
