package dicom

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrDateTime is wrapped by the errors of values that are no date, time or
// range of them. The errors never hold the value.
var ErrDateTime = errors.New("not a valid date or time")

// Precision tells how much of a date or time is given.
type Precision uint8

// The precisions of PS3.5 table 6.2-1, from coarse to fine.
const (
	PrecisionYear Precision = iota + 1
	PrecisionMonth
	PrecisionDay
	PrecisionHour
	PrecisionMinute
	PrecisionSecond
	PrecisionFraction // 1 to 6 digits of a second
)

// Date is a value of representation DA.
type Date struct{ Year, Month, Day int }

// ParseDate reads YYYYMMDD, or YYYY.MM.DD as ACR-NEMA wrote it, with padding.
func ParseDate(s string) (Date, error) {
	s = TrimPadding(s, VRDA)
	if len(s) == 10 && s[4] == '.' && s[7] == '.' {
		s = s[:4] + s[5:7] + s[8:]
	}
	p := fieldParser{s: s}
	d := Date{Year: p.digits(4), Month: p.digits(2), Day: p.digits(2)}
	if p.bad || p.s != "" || !d.valid() {
		return Date{}, fmt.Errorf("DA: %w", ErrDateTime)
	}
	return d, nil
}

func (d Date) valid() bool {
	return d.Month >= 1 && d.Month <= 12 && d.Day >= 1 && d.Day <= daysIn(d.Year, d.Month)
}

// String returns d as YYYYMMDD, which sorts as the dates do.
func (d Date) String() string { return fmt.Sprintf("%04d%02d%02d", d.Year, d.Month, d.Day) }

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// Time is a value of representation TM.
type Time struct {
	Hour, Minute, Second int
	Microsecond          int
	Precision            Precision // PrecisionHour or finer
	Digits               int       // of the fraction, 1 to 6 with PrecisionFraction
}

// ParseTime reads HH, HHMM, HHMMSS or HHMMSS.F with one to six digits of F, or
// HH:MM:SS.F as ACR-NEMA wrote it, with padding. A leap second is 60.
func ParseTime(s string) (Time, error) {
	s = TrimPadding(s, VRTM)
	if len(s) >= 5 && s[2] == ':' {
		if len(s) >= 8 && s[5] == ':' {
			s = s[:2] + s[3:5] + s[6:]
		} else if len(s) == 5 {
			s = s[:2] + s[3:]
		}
	}
	p := fieldParser{s: s}
	t := Time{Hour: p.digits(2), Precision: PrecisionHour}
	p.clock(&t)
	if p.bad || p.s != "" || t.Hour > 23 {
		return Time{}, fmt.Errorf("TM: %w", ErrDateTime)
	}
	return t, nil
}

// String returns t in the precision it was given.
func (t Time) String() string {
	s := t.Span().From
	switch t.Precision {
	case PrecisionHour:
		return s[:2]
	case PrecisionMinute:
		return s[:4]
	case PrecisionSecond:
		return s[:6]
	}
	return s[:min(7+t.Digits, len(s))]
}

// Span returns the first and the last instant that t stands for as
// HHMMSS.FFFFFF, which sorts as the times do: 10 is 100000.000000 to 105959.999999.
func (t Time) Span() Range {
	last := t
	if t.Precision < PrecisionMinute {
		last.Minute = 59
	}
	if t.Precision < PrecisionSecond {
		last.Second = 59
	}
	switch {
	case t.Precision < PrecisionFraction:
		last.Microsecond = 999999
	case t.Digits > 0 && t.Digits < 6:
		last.Microsecond += pow10(6-t.Digits) - 1
	}
	return Range{t.full(), last.full()}
}

func (t Time) full() string {
	return fmt.Sprintf("%02d%02d%02d.%06d", t.Hour, t.Minute, t.Second, t.Microsecond)
}

func pow10(n int) int {
	p := 1
	for ; n > 0; n-- {
		p *= 10
	}
	return p
}

// fieldParser takes fields of digits off the front of s.
type fieldParser struct {
	s   string
	bad bool
}

func (p *fieldParser) digits(n int) int {
	if len(p.s) < n {
		p.bad, p.s = true, ""
		return 0
	}
	v := 0
	for i := 0; i < n; i++ {
		c := p.s[i]
		if c < '0' || c > '9' {
			p.bad = true
			return 0
		}
		v = v*10 + int(c-'0')
	}
	p.s = p.s[n:]
	return v
}

// clock reads what may follow the hour: [MM[SS[.F]]].
func (p *fieldParser) clock(t *Time) {
	if p.s == "" {
		return
	}
	t.Minute, t.Precision = p.digits(2), PrecisionMinute
	if p.s != "" {
		t.Second, t.Precision = p.digits(2), PrecisionSecond
		if strings.HasPrefix(p.s, ".") {
			t.Digits, t.Precision = len(p.s)-1, PrecisionFraction
			if t.Digits < 1 || t.Digits > 6 {
				p.bad = true
				return
			}
			p.s = p.s[1:]
			t.Microsecond = p.digits(t.Digits) * pow10(6-t.Digits)
		}
	}
	p.bad = p.bad || t.Minute > 59 || t.Second > 60
}
