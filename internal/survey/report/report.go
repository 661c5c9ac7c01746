// Package report makes reports of what a survey found: CSV, SARIF 2.1.0, one
// page of HTML, PDF, the comparison with an earlier survey, letters to network
// owners and sheets for operators (Art. 33 GDPR). It reads state files
// only, so that a report can be made anew at any time; it holds what they hold,
// which is nothing of a patient.
package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// Survey is the content of state files.
type Survey struct {
	Runs        []survey.RunInfo
	Systems     []*survey.Envelope // the last result of each address and port, in their order
	Interrupted int                // begun and never finished
	// FirstOpen is when a port was first seen open to anybody.
	FirstOpen map[netip.AddrPort]time.Time
}

// Read adds up state files: those of shards, or of runs one after the other.
func Read(files ...io.Reader) (*Survey, error) {
	s := &Survey{FirstOpen: map[netip.AddrPort]time.Time{}}
	last := map[netip.AddrPort]*survey.Envelope{}
	begun := map[netip.AddrPort]bool{}
	for _, f := range files {
		err := survey.ReadState(f, func(l survey.Line) error {
			if l.Run != nil {
				s.Runs = append(s.Runs, *l.Run)
			}
			if l.Begin != nil {
				begun[*l.Begin] = true
			}
			if l.Done != nil && l.Done.Data.DICOM.Result != nil {
				s.take(last, l.Done)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for a := range begun {
		if last[a] == nil {
			s.Interrupted++
		}
	}
	for _, e := range last {
		s.Systems = append(s.Systems, e)
	}
	slices.SortFunc(s.Systems, func(a, b *survey.Envelope) int { return at(a).Compare(at(b)) })
	return s, nil
}

// take keeps the latest result of each port: of two, the one that was made later.
func (s *Survey) take(last map[netip.AddrPort]*survey.Envelope, e *survey.Envelope) {
	a, made := at(e), e.Data.DICOM.Timestamp
	if old := last[a]; old == nil || !made.Before(old.Data.DICOM.Timestamp) {
		last[a] = e
	}
	if first, known := s.FirstOpen[a]; open(result(e)) && (!known || made.Before(first)) {
		s.FirstOpen[a] = made
	}
}

func at(e *survey.Envelope) netip.AddrPort { return e.Place() }

func result(e *survey.Envelope) *survey.Result { return e.Data.DICOM.Result }

// FindingID names a finding at a place for good: the same in every run.
func FindingID(e *survey.Envelope, f survey.Finding) string {
	sum := sha256.Sum256([]byte(f.ID + " " + at(e).String()))
	return hex.EncodeToString(sum[:16])
}

// answers reports whether something of an archive answered.
func answers(r *survey.Result) bool {
	switch r.State {
	case survey.Closed, survey.Filtered, survey.NotDICOM:
		return false
	}
	return true
}

// open reports whether a stranger gets at data: the word of the studies.
func open(r *survey.Result) bool { return r.State == survey.Queryable || r.State == survey.WebOpen }

func count(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}
