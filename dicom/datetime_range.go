package dicom

import (
	"fmt"
	"strings"
	"time"
)

// Range is a stretch of dates or times, both ends included, in a form that
// sorts as they do. An empty end is open.
type Range struct{ From, To string }

// Contains reports whether v, in the same form, lies in r.
func (r Range) Contains(v string) bool {
	return (r.From == "" || v >= r.From) && (r.To == "" || v <= r.To)
}

// Overlaps reports whether r and s have an instant in common: a stored value
// of low precision matches if some of what it stands for lies in the range asked for.
func (r Range) Overlaps(s Range) bool {
	return (r.From == "" || s.To == "" || r.From <= s.To) && (s.From == "" || r.To == "" || s.From <= r.To)
}

// ParseDateRange reads a matching key of representation DA: a date, or a range
// "a-b", "a-", "-b" (PS3.4 section C.2.2.2.5.1). Its ends are YYYYMMDD.
func ParseDateRange(s string) (Range, error) {
	return parseRange(TrimPadding(s, VRDA), "DA", func(s string) (Range, error) {
		d, err := ParseDate(s)
		return Range{d.String(), d.String()}, err
	})
}

// ParseTimeRange is ParseDateRange for representation TM. Its ends are
// HHMMSS.FFFFFF. A time of lower precision stands for all of its hour, minute
// or second. A range over midnight is an error (PS3.4 section C.2.2.2.5.2).
func ParseTimeRange(s string) (Range, error) {
	return parseRange(TrimPadding(s, VRTM), "TM", func(s string) (Range, error) {
		t, err := ParseTime(s)
		return t.Span(), err
	})
}

// ParseDateTimeRange is ParseDateRange for representation DT (PS3.4 section
// C.2.2.2.5.3). Its ends are YYYYMMDDHHMMSS.FFFFFF in UTC; values without an
// offset are at the given one. A hyphen that may begin an offset from UTC does.
func ParseDateTimeRange(s string, offset time.Duration) (Range, error) {
	return parseRange(TrimPadding(s, VRDT), "DT", func(s string) (Range, error) {
		v, err := ParseDateTime(s)
		return v.UTC(offset), err
	})
}

// parseRange reads one value, else tries the hyphens of s from the left. At
// most three are tried: two offsets and the one between.
func parseRange(s, vr string, parse func(string) (Range, error)) (Range, error) {
	if r, err := parse(s); err == nil {
		return r, nil
	}
	for at, tries := 0, 0; tries < 3; tries++ {
		i := strings.IndexByte(s[at:], '-')
		if i < 0 {
			break
		}
		at += i
		if r, ok := parseEnds(s[:at], s[at+1:], parse); ok {
			return r, nil
		}
		at++
	}
	return Range{}, fmt.Errorf("%s range: %w", vr, ErrDateTime)
}

func parseEnds(from, to string, parse func(string) (Range, error)) (Range, bool) {
	from, to = strings.Trim(from, " "), strings.Trim(to, " ")
	if from == "" && to == "" {
		return Range{}, false
	}
	var r Range
	if from != "" {
		first, err := parse(from)
		if err != nil {
			return Range{}, false
		}
		r.From = first.From
	}
	if to != "" {
		last, err := parse(to)
		if err != nil {
			return Range{}, false
		}
		r.To = last.To
	}
	return r, r.From == "" || r.To == "" || r.From <= r.To
}
