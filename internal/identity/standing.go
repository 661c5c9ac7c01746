package identity

import "time"

// Standing tells how a device stands at the time now: how many whole days the
// certificate that lasts longest has left, of those that were not revoked, and
// "good", "disabled", "expired" or "revoked".
func (d *Device) Standing(now time.Time) (days int, state string) {
	state = "revoked"
	for _, c := range d.Certificates {
		if left := c.DaysLeft(now); c.Revoked.IsZero() {
			if state == "revoked" || left > days {
				days = left
			}
			state = "good"
		}
	}
	switch {
	case d.Disabled:
		state = "disabled"
	case state == "good" && days < 0:
		state = "expired"
	}
	return days, state
}
