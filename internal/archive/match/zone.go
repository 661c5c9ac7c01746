package match

import (
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

// zone is an offset from UTC. Its zero value is the archive's own time zone,
// that of an entity without Timezone Offset From UTC (0008,0201).
type zone struct {
	offset time.Duration
	known  bool
}

func parseZone(s string) (zone, bool) {
	if s == "" {
		return zone{}, false // as most entities are: an error would have to be made
	}
	if d, err := dicom.ParseOffset(s); err == nil {
		return zone{d, true}, true
	}
	return zone{}, false
}

func (z zone) location() *time.Location {
	if !z.known {
		return time.Local
	}
	return time.FixedZone("", int(z.offset/time.Second))
}

// fromUTC returns the offset for values of VR DT that have none of their own.
func (z zone) fromUTC() time.Duration {
	if z.known {
		return z.offset
	}
	_, seconds := time.Now().Zone()
	return time.Duration(seconds) * time.Second
}

const (
	layout     = "20060102150405"
	dateDigits = 8

	// earliest and latest are the first and last instants of a day, as
	// dicom.Time's Span has them.
	earliest = "000000.000000"
	latest   = "235960.999999"
)

// shiftPair moves a date and its time, of the same record, from one zone into another.
func shiftPair(r Record, date, clock dicom.Tag, from, to zone) {
	d, c := r.Get(date), r.Get(clock)
	if d == nil || c == nil || from == to {
		return
	}
	day, err := dicom.ParseDate(d.Text)
	if err != nil {
		return
	}
	at, err := dicom.ParseTime(c.Text)
	if err != nil {
		return
	}
	whole, fraction, _ := strings.Cut(at.Span().From, ".")
	t, err := time.ParseInLocation(layout, day.String()+whole, from.location())
	if err != nil {
		return // a leap second: there is none to move to
	}
	moved := t.In(to.location()).Format(layout)
	d.Text, c.Text = moved[:dateDigits], moved[dateDigits:]
	if strings.Contains(at.String(), ".") {
		c.Text += "." + fraction
	}
}
