package server_test

import (
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/server"
)

// TestStopWaitsForNoIdlePeer ends the archive while a device keeps an association
// open and does nothing: it is over soon after the grace, not after ARTIM.
func TestStopWaitsForNoIdlePeer(t *testing.T) {
	const grace = 200 * time.Millisecond
	r := startIn(t, t.TempDir(), func(c *server.Config) { c.Limits.StopGrace = server.Duration(grace) })
	d := r.enrol(t, "ct1", "CT1", "echo", nil)
	_, err := r.associate(t, d, ul.RequestOptions{Contexts: []ul.ProposedContext{{AbstractSyntax: dict.UIDVerification,
		TransferSyntaxes: []dicom.UID{dict.UIDImplicitVRLittleEndian}}}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < grace || took > time.Duration(server.DefaultConfig().Limits.ARTIM)/2 {
		t.Errorf("it took %v to stop", took)
	}
}
