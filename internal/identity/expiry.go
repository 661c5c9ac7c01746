package identity

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// warnDays are the days left at which an end of a certificate is announced.
var warnDays = []int{1, 7, 14, 30}

func daysLeft(end, now time.Time) int {
	return int(math.Floor(end.Sub(now).Hours() / 24))
}

// Expiry announces that a certificate ends soon or has ended.
type Expiry struct {
	Device      string // "" for the archive's own
	Fingerprint string
	NotAfter    time.Time
	DaysLeft    int // negative once it has ended
	Threshold   int // the smallest of 30, 14, 7, 1 that DaysLeft is within; 0 once it has ended
}

// threshold returns the level of warning for days left, and whether there is one.
func threshold(days int) (int, bool) {
	if days < 0 {
		return 0, true
	}
	for _, w := range warnDays {
		if days <= w {
			return w, true
		}
	}
	return 0, false
}

// Expiries lists the enabled devices whose last usable certificate ends within
// 30 days or has ended, soonest first. A device that was revoked altogether is
// not listed.
func (s *Store) Expiries() []Expiry {
	now := s.now()
	var list []Expiry
	for _, d := range s.snapshot().devices {
		var last *Certificate
		for i := range d.Certificates {
			if c := &d.Certificates[i]; c.Revoked.IsZero() && (last == nil || c.NotAfter.After(last.NotAfter)) {
				last = c
			}
		}
		if last == nil || d.Disabled {
			continue
		}
		if t, soon := threshold(last.DaysLeft(now)); soon {
			list = append(list, Expiry{d.Name, last.Fingerprint, last.NotAfter, last.DaysLeft(now), t})
		}
	}
	slices.SortStableFunc(list, func(a, b Expiry) int {
		return cmp.Or(a.NotAfter.Compare(b.NotAfter), cmp.Compare(a.Device, b.Device))
	})
	return list
}
