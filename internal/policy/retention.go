package policy

import (
	"slices"
	"time"
)

// Retention says how long a study has to be kept, and by which rule: what stands
// in section 85(2) of the German radiation protection act (StrlSchG), which is
// the longest of those that section 6 of the requirements names but for a
// patient's own claims.
type Retention struct {
	Class RetentionClass `json:"class"`
	// Until is the first day on which the study may be erased; zero: not known,
	// so never by this rule.
	Until time.Time `json:"until,omitzero"`
}

// RetentionClass is a kind of study by how long it has to be kept.
type RetentionClass string

// The classes.
const (
	Treatment   RetentionClass = "treatment"   // 30 years after the last treatment
	Adult       RetentionClass = "adult"       // 10 years after the last examination
	Minor       RetentionClass = "minor"       // until the 28th birthday
	AgeUnknown  RetentionClass = "age-unknown" // as if born on the day of the examination
	DateUnknown RetentionClass = "date-unknown"
)

// Study is what retention depends on. Dates are days; zero is unknown.
type Study struct {
	Examined   time.Time // Study Date, or when the archive received it
	Last       time.Time // the patient's last examination here; zero: this one
	Birth      time.Time
	Modalities []string
}

// treatments are the modalities of radiotherapy (PS3.3 section C.7.3.1.1.1).
var treatments = []string{"RTDOSE", "RTIMAGE", "RTPLAN", "RTRECORD", "RTSTRUCT", "RTINTENT", "RTRAD", "RTSEGANN"}

// years adds years to a day. A 29 February becomes 1 March where there is none,
// so that nothing ends a day early.
func years(t time.Time, n int) time.Time { return t.AddDate(n, 0, 0) }

// RetentionOf computes how long a study has to be kept. Where something is not
// known the longest term counts.
func RetentionOf(s Study) Retention {
	if s.Examined.IsZero() {
		return Retention{Class: DateUnknown}
	}
	last := s.Last
	if last.Before(s.Examined) {
		last = s.Examined
	}
	if slices.ContainsFunc(s.Modalities, func(m string) bool { return slices.Contains(treatments, m) }) {
		return Retention{Treatment, after(years(last, 30))}
	}
	ten := years(last, 10)
	if s.Birth.IsZero() || s.Birth.After(s.Examined) {
		// A newborn for all that is known.
		return Retention{AgeUnknown, after(later(ten, years(last, 28)))}
	}
	if s.Examined.Before(years(s.Birth, 18)) {
		return Retention{Minor, after(later(ten, years(s.Birth, 28)))}
	}
	return Retention{Adult, after(ten)}
}

// after returns the day after the last one on which a study is kept.
func after(t time.Time) time.Time { return t.AddDate(0, 0, 1) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Due reports whether the study may be erased at the time now.
func (r Retention) Due(now time.Time) bool { return !r.Until.IsZero() && !now.Before(r.Until) }
