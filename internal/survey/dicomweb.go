package survey

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// roots are where known archives serve DICOMweb.
var roots = []string{"/dicom-web", "/dicomweb", "/dcm4chee-arc/aets/DCM4CHEE/rs"}

const dicomJSON = "application/dicom+json"

// dicomweb performs L4 by QIDO-RS (PS3.18 section 10.6): a search for a study
// with a UID made this moment. Two bytes of the answer are read.
func (b *browser) dicomweb(ctx context.Context, control answer) {
	for _, root := range roots {
		path := root + "/studies"
		a, ok := b.getSome(ctx, path+"?StudyInstanceUID="+string(dicom.NewUID()), dicomJSON, 2)
		if !ok {
			return
		}
		b.l.reached(scope.L4)
		switch {
		case qidoPermits(a) && !qidoPermits(control):
			b.out.Open = "DICOMweb"
			b.page(path, a, "open")
			if b.l.level >= scope.L5 && b.l.r.Studies == nil {
				b.offsets(ctx, path)
			}
			return
		case a.loginWanted() && !control.loginWanted():
			b.out.Login = true
			b.page(path, a, "login")
			return
		}
	}
}

// qidoPermits reports whether an answer is that of a search that was done: none
// found, or a JSON array.
func qidoPermits(a answer) bool {
	return a.status == http.StatusNoContent ||
		a.status == http.StatusOK && strings.HasSuffix(a.kind, "json") && len(a.body) > 0 && a.body[0] == '['
}

const (
	maxOffsetRequests = 64                    // to find a number
	offsetPause       = 50 * time.Millisecond // between two of them
)

// offsets performs L5 by QIDO-RS: does a study exist at an offset? About
// 2*log2(N) requests find the number. Of each answer two bytes are read, which
// tell an empty array from one that is not.
func (b *browser) offsets(ctx context.Context, path string) {
	requests := 0
	b.l.budget += maxOffsetRequests // dropping an answer drops its connection
	exists := func(offset int64) (bool, bool) {
		if requests++; requests > maxOffsetRequests {
			return false, false
		}
		time.Sleep(offsetPause)
		a, ok := b.getSome(ctx, path+"?limit=1&offset="+strconv.FormatInt(offset, 10), dicomJSON, 2)
		if !ok || !qidoPermits(a) {
			return false, false
		}
		return a.status == http.StatusOK && len(a.body) == 2 && a.body[1] != ']', true
	}
	n, ok := bisect(exists)
	if !ok {
		b.l.r.Size = &Size{Method: "offsets", Note: "the count failed"}
		return
	}
	b.l.reached(scope.L5)
	b.l.r.Studies = &n
	b.l.r.Size = &Size{Method: "offsets", Exact: true, Low: n, High: n, Sample: int64(requests)}
}

// bisect returns the least n for which exists(n) is false.
func bisect(exists func(int64) (yes, ok bool)) (int64, bool) {
	yes, ok := exists(0)
	if !ok || !yes {
		return 0, ok
	}
	low, high := int64(0), int64(1)
	for {
		if yes, ok = exists(high); !ok {
			return 0, false
		}
		if !yes {
			break
		}
		if low, high = high, high*2; high > 1<<32 {
			return 0, false
		}
	}
	for high-low > 1 {
		middle := low + (high-low)/2
		if yes, ok = exists(middle); !ok {
			return 0, false
		}
		if yes {
			low = middle
		} else {
			high = middle
		}
	}
	return high, true
}

// versionOnly is what a version may look like before it is taken from a page.
var versionOnly = regexp.MustCompile(`^\d{1,4}(\.\d{1,4}){1,3}$`)

// orthancSystem reads the answer of Orthanc's /system.
func orthancSystem(a answer) (version string, is bool) {
	var s struct {
		API     int    `json:"ApiVersion"`
		Version string `json:"Version"`
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &s) != nil || s.API == 0 {
		return "", false
	}
	if !versionOnly.MatchString(s.Version) {
		s.Version = ""
	}
	return s.Version, true
}

// statistics performs L5 by Orthanc's counters, which name nobody.
func (b *browser) statistics(ctx context.Context) {
	a, ok := b.get(ctx, "/statistics", "application/json")
	if !ok {
		return
	}
	var s struct{ CountStudies, CountInstances *int64 }
	if a.status != http.StatusOK || json.Unmarshal(a.body, &s) != nil || s.CountStudies == nil || *s.CountStudies < 0 {
		return
	}
	b.l.reached(scope.L5)
	b.l.r.Studies, b.l.r.Images = s.CountStudies, s.CountInstances
	b.l.r.Size = &Size{Method: "counters", Exact: true, Low: *s.CountStudies, High: *s.CountStudies}
	b.page("/statistics", a, "open")
}
