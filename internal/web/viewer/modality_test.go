package viewer_test

import (
	"testing"

	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// TestModalities opens a study of each modality and compares what appears with
// the archive's own rendering.
func TestModalities(t *testing.T) {
	s := newSite(t)
	for i, m := range []string{"CT", "US", "MR", "CR", "DX", "MG", "PT", "XA", "SC"} {
		t.Run(m, func(t *testing.T) {
			if i >= 2 {
				long(t)
			}
			instances := s.study(synth.Options{Number: 100 + i, Patient: 100 + i, Modalities: []string{m}, Count: 3})
			tb := s.open(t)
			tb.view(s.address(studyOf(instances[0])))
			tb.shows(0, encoding.ExplicitLE, instances...)
			tb.screenshot("modality-" + m)
			tb.clean()
		})
	}
	if bad := s.asked.bad(); len(bad) > 0 {
		t.Errorf("requests that failed: %q", bad)
	}
}
