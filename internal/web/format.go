package web

import (
	"fmt"
	"time"
)

// showDate writes a value of VR DA as people write a date; what is none stays
// as it is.
func showDate(language, v string) string {
	t, err := time.Parse("20060102", v)
	if err != nil {
		return v
	}
	return showDay(language, t)
}

func showDay(language string, t time.Time) string {
	if language == "de" {
		return t.Format("02.01.2006")
	}
	return t.Format("2 Jan 2006")
}

// showMoment writes a moment to the second, in the server's time zone.
func showMoment(language string, t time.Time) string {
	return showDay(language, t.Local()) + " " + t.Local().Format("15:04:05")
}

// showDaysLeft tells how long a certificate lasts.
func showDaysLeft(language string, days int, end time.Time) string {
	if days < 0 {
		return say(language, "status.ended", showDay(language, end))
	}
	return say(language, "status.days", days, showDay(language, end))
}

// showTime writes a value of VR TM to the minute; what is none is left out.
func showTime(v string) string {
	if len(v) < 4 {
		return ""
	}
	t, err := time.Parse("1504", v[:4])
	if err != nil {
		return ""
	}
	return t.Format("15:04")
}

// showSex writes a Patient's Sex (PS3.3 section C.7.1.1) as one letter, "" if it
// is not known.
func showSex(language, v string) string {
	switch v {
	case "F":
		return say(language, "sex.female")
	case "M":
		return say(language, "sex.male")
	case "O":
		return say(language, "sex.other")
	}
	return ""
}

// showBytes writes a size with its unit.
func showBytes(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, prefix := float64(n), ""
	for _, p := range []string{"k", "M", "G", "T", "P", "E"} {
		v, prefix = v/unit, p
		if v < unit {
			break
		}
	}
	return fmt.Sprintf("%.3g %sB", v, prefix)
}
