package policy

import (
	"math/rand/v2"
	"testing"
	"time"
)

func day(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestRetentionClasses(t *testing.T) {
	for name, c := range map[string]struct {
		examined, last, birth, modality string
		class                           RetentionClass
		until                           string
	}{
		"an adult":                       {"2020-05-01", "", "1970-01-01", "CT", Adult, "2030-05-02"},
		"an adult who came again":        {"2020-05-01", "2024-02-29", "1970-01-01", "CT", Adult, "2034-03-02"},
		"a child":                        {"2020-05-01", "", "2012-08-09", "CR", Minor, "2040-08-10"},
		"on the 18th birthday":           {"2020-05-01", "", "2002-05-01", "CT", Adult, "2030-05-02"},
		"the day before":                 {"2020-04-30", "", "2002-05-01", "CT", Minor, "2030-05-02"},
		"at 17, but ten years is longer": {"2020-04-30", "2026-01-01", "2002-05-01", "CT", Minor, "2036-01-02"},
		"born on 29 February":            {"2020-05-01", "", "2012-02-29", "CR", Minor, "2040-03-01"},
		"born on 29 February, no leap":   {"2021-05-01", "", "2004-02-29", "CR", Minor, "2032-03-01"},
		"examined on 29 February":        {"2024-02-29", "", "1970-01-01", "CT", Adult, "2034-03-02"},
		"treatment":                      {"2020-05-01", "", "2012-08-09", "RTPLAN", Treatment, "2050-05-02"},
		"nobody knows the birth date":    {"2020-05-01", "", "", "CT", AgeUnknown, "2048-05-02"},
		"born after the examination":     {"2020-05-01", "", "2021-05-01", "CT", AgeUnknown, "2048-05-02"},
		"nobody knows the date":          {"", "2020-01-01", "1970-01-01", "CT", DateUnknown, ""},
	} {
		got := RetentionOf(Study{Examined: day(c.examined), Last: day(c.last), Birth: day(c.birth), Modalities: []string{"SR", c.modality}})
		if got.Class != c.class || !got.Until.Equal(day(c.until)) {
			t.Errorf("%s: %s until %s", name, got.Class, got.Until.Format(time.DateOnly))
		}
	}
}

// Over many dates: less known is never shorter, a later examination never
// shortens, and nothing is due before ten years have passed.
func TestRetentionNeverTooShort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		birth := day("1920-01-01").AddDate(0, 0, r.IntN(39_000))
		examined := birth.AddDate(0, 0, r.IntN(36_500))
		s := Study{Examined: examined, Birth: birth, Modalities: []string{"CT"}}
		known := RetentionOf(s).Until
		unknown := RetentionOf(Study{Examined: examined, Modalities: s.Modalities}).Until
		treated := RetentionOf(Study{Examined: examined, Birth: birth, Modalities: []string{"RTDOSE"}}).Until
		s.Last = examined.AddDate(0, 0, r.IntN(5000))
		again := RetentionOf(s)
		switch {
		case known.Before(examined.AddDate(10, 0, 0)), treated.Before(examined.AddDate(30, 0, 0)):
			t.Fatalf("born %s, examined %s: until %s, treated %s", birth, examined, known, treated)
		case unknown.Before(known):
			t.Fatalf("born %s, examined %s: unknown %s is before %s", birth, examined, unknown, known)
		case again.Until.Before(known):
			t.Fatalf("born %s, examined %s, again %s: shorter", birth, examined, s.Last)
		case examined.Before(birth.AddDate(18, 0, 0)) && known.Before(birth.AddDate(28, 0, 0)):
			t.Fatalf("a minor born %s is kept until %s", birth, known)
		case again.Due(again.Until.AddDate(0, 0, -1)) || !again.Due(again.Until):
			t.Fatalf("due at the wrong time: %s", again.Until)
		}
	}
	if (Retention{}).Due(time.Now()) {
		t.Error("a study without a date is due")
	}
}
