package web

import (
	"math"
	"net/http"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

var statusRoutes = []Route{
	{Method: http.MethodGet, Path: "/server", Right: policy.Manage, serve: serveStatus},
}

// Status is what those who manage the archive want to know of the server. It has
// no patient in it.
type Status struct {
	Version      string
	Started      time.Time
	Listeners    []Listener
	Certificates []Certificate
	Storage      Storage
	Devices      []DeviceState
	Refusals     []Refusal // the latest first, since the start
	Now          time.Time
}

// Listener is an address where the server answers.
type Listener struct {
	What    string // DICOM, HTTPS
	Address string
	Letsin  string // key of the text that tells who is let in
	// Looked is when the archive last looked there as a stranger, zero if it has
	// not yet, and Answers whether it got an answer.
	Looked  time.Time
	Answers bool
}

// Certificate is one that ends some day.
type Certificate struct {
	What     string // key of a text
	Names    string
	Issuer   string
	NotAfter time.Time
}

// Storage is the disk that the archive lies on; what is zero is not known.
type Storage struct{ Used, Free, Total int64 }

// Percent returns how full the disk is, -1 if that is not known.
func (s Storage) Percent() int {
	if s.Total <= 0 {
		return -1
	}
	return int(math.Round(100 * (1 - float64(s.Free)/float64(s.Total))))
}

// DeviceState is a device and how it is doing.
type DeviceState struct {
	Name, AETitles, Address string

	LastContact time.Time // since the start; zero if there was none
	NotAfter    time.Time // of the certificate that lasts longest; zero if it has none
	Disabled    bool
}

// Refusal is an attempt that was turned away.
type Refusal struct {
	Time              time.Time
	What              string // key of a text
	Who, Peer, Reason string
}

// daysLeft returns the whole days until a time.
func (s Status) daysLeft(end time.Time) int { return int(math.Floor(end.Sub(s.Now).Hours() / 24)) }

// Urgent reports whether a certificate ends within 30 days.
func (s Status) Urgent(end time.Time) bool { return !end.IsZero() && s.daysLeft(end) <= 30 }

// serveStatus shows the page "server".
func serveStatus(x *exchange) error {
	x.render(http.StatusOK, "status", page{Title: "status.title", Body: x.site.Status(x.Context())})
	return nil
}
