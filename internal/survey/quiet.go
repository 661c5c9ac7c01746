package survey

import (
	"fmt"
	"strings"
	"time"
)

// Hours is a time of day during which nothing is sent. The zero value is none.
type Hours struct{ from, to time.Duration }

// ParseHours reads 07:00-18:30; over midnight, 22:00-06:00.
func ParseHours(s string) (Hours, error) {
	from, to, ok := strings.Cut(s, "-")
	a, err1 := time.Parse("15:04", from)
	b, err2 := time.Parse("15:04", to)
	if !ok || err1 != nil || err2 != nil || a.Equal(b) {
		return Hours{}, fmt.Errorf("%q are no hours: write 07:00-18:30", s)
	}
	return Hours{clock(a), clock(b)}, nil
}

func clock(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
}

// Left returns for how long after t it still is quiet, 0 if it is not.
func (h Hours) Left(t time.Time) time.Duration {
	if h.from == h.to {
		return 0
	}
	c := clock(t)
	switch {
	case h.from < h.to && c >= h.from && c < h.to, h.from > h.to && c < h.to:
		return h.to - c
	case h.from > h.to && c >= h.from:
		return 24*time.Hour - c + h.to
	}
	return 0
}
