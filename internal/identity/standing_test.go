package identity

import (
	"testing"
	"time"
)

func TestStandingGoesByTheCertificateThatLastsLongest(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	in := func(days int) Certificate { return Certificate{NotAfter: now.AddDate(0, 0, days).Add(time.Hour)} }
	gone := in(500)
	gone.Revoked = now
	for _, c := range []struct {
		device Device
		days   int
		state  string
	}{
		{Device{}, 0, "revoked"},
		{Device{Certificates: []Certificate{gone}}, 0, "revoked"},
		{Device{Certificates: []Certificate{in(3), in(40), gone}}, 40, "good"},
		{Device{Certificates: []Certificate{in(-9), in(-4)}}, -4, "expired"},
		{Device{Certificates: []Certificate{in(40)}, Disabled: true}, 40, "disabled"},
	} {
		if days, state := c.device.Standing(now); days != c.days || state != c.state {
			t.Errorf("%d days, %s; want %d, %s", days, state, c.days, c.state)
		}
	}
}
