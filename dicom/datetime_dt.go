package dicom

import (
	"fmt"
	"strings"
	"time"
)

// DateTime is a value of representation DT.
type DateTime struct {
	Date      // month and day are 1 where they are not given
	Time      // its precision is that of the whole value, PrecisionYear or finer
	HasOffset bool
	Offset    time.Duration // from UTC, east positive
}

// The offsets from UTC that PS3.5 table 6.2-1 permits.
const (
	minOffset = -12 * time.Hour
	maxOffset = 14 * time.Hour
)

// ParseDateTime reads YYYYMMDDHHMMSS.FFFFFF&ZZXX, of which everything after the
// year may be missing from the right, and the offset &ZZXX at every precision.
func ParseDateTime(s string) (DateTime, error) {
	s = TrimPadding(s, VRDT)
	v := DateTime{Date: Date{Month: 1, Day: 1}}
	bad := false
	if n := len(s) - 5; n >= 4 && (s[n] == '+' || s[n] == '-') {
		p := fieldParser{s: s[n+1:]}
		hours, minutes := p.digits(2), p.digits(2)
		v.Offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		bad = p.bad || minutes > 59 || s[n:] == "-0000"
		if s[n] == '-' {
			v.Offset = -v.Offset
		}
		v.HasOffset, s = true, s[:n]
	}
	p := fieldParser{s: s}
	v.Year, v.Precision = p.digits(4), PrecisionYear
	for _, f := range []struct {
		field     *int
		precision Precision
	}{{&v.Month, PrecisionMonth}, {&v.Day, PrecisionDay}, {&v.Hour, PrecisionHour}} {
		if p.s != "" {
			*f.field, v.Precision = p.digits(2), f.precision
		}
	}
	if v.Precision == PrecisionHour {
		p.clock(&v.Time)
	}
	if bad || p.bad || p.s != "" || !v.valid() || v.Hour > 23 || v.Offset < minOffset || v.Offset > maxOffset {
		return DateTime{}, fmt.Errorf("DT: %w", ErrDateTime)
	}
	return v, nil
}

// Span returns the first and the last instant that v stands for as
// YYYYMMDDHHMMSS.FFFFFF, by the clock of its own offset.
func (v DateTime) Span() Range {
	last := v
	if v.Precision < PrecisionMonth {
		last.Month = 12
	}
	if v.Precision < PrecisionDay {
		last.Day = daysIn(last.Year, last.Month)
	}
	if v.Precision < PrecisionHour {
		last.Hour = 23
	}
	return Range{v.Date.String() + v.Time.full(), last.Date.String() + last.Time.Span().To}
}

// UTC is Span by the clock of UTC. A value without an offset of its own is taken
// to be at the given one: Timezone Offset From UTC (0008,0201) or the archive's.
func (v DateTime) UTC(offset time.Duration) Range {
	if v.HasOffset {
		offset = v.Offset
	}
	span := v.Span()
	return Range{shiftInstant(span.From, offset), shiftInstant(span.To, offset)}
}

const instantLayout = "20060102150405.000000"

// shiftInstant subtracts offset. What leaves the years 0000 to 9999, and a leap
// second, stays as near as the form can say.
func shiftInstant(s string, offset time.Duration) string {
	if offset == 0 {
		return s
	}
	leap := s[12:14] == "60"
	if leap {
		s = s[:12] + "59" + s[14:]
	}
	t, err := time.Parse(instantLayout, s)
	if err != nil {
		return s
	}
	t = t.Add(-offset)
	if t.Year() < 0 || t.Year() > 9999 {
		return s
	}
	shifted := t.Format(instantLayout)
	if leap {
		shifted = shifted[:12] + "60" + shifted[14:]
	}
	return shifted
}

// String returns v in the precision it was given, with its offset if it has one.
func (v DateTime) String() string {
	s := v.Date.String()
	switch {
	case v.Precision == PrecisionYear:
		s = s[:4]
	case v.Precision == PrecisionMonth:
		s = s[:6]
	case v.Precision >= PrecisionHour:
		s += v.Time.String()
	}
	if !v.HasOffset {
		return s
	}
	sign, minutes := '+', int(v.Offset/time.Minute)
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return s + fmt.Sprintf("%c%02d%02d", sign, minutes/60, minutes%60)
}

// ParseOffset reads Timezone Offset From UTC (0008,0201): &ZZXX.
func ParseOffset(s string) (time.Duration, error) {
	v, err := ParseDateTime("2000" + strings.Trim(s, " \x00"))
	if err != nil || !v.HasOffset || v.Precision != PrecisionYear {
		return 0, fmt.Errorf("offset from UTC: %w", ErrDateTime)
	}
	return v.Offset, nil
}
