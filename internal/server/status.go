package server

import (
	"context"
	"crypto/x509"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/web"
)

// about is what the pages tell of the server itself.
type about struct {
	version, dir string
	started      time.Time
	looked       lookedAt           // at the listeners, as a stranger
	lookAgain    chan chan struct{} // asks for a look; closed when it is done
	at           Addresses
	recent       *recent
	size         folderSize
	shown        atomic.Pointer[x509.Certificate] // by HTTPS
}

// status gathers what the page "server" shows.
func (s *Server) status(ctx context.Context) web.Status {
	st := web.Status{Version: s.version, Started: s.started, Now: time.Now(), Refusals: s.recent.last(),
		Listeners: []web.Listener{{What: "DICOM", Address: s.at.DICOM, Letsin: "status.tls"}, {What: "HTTPS", Address: s.at.HTTPS, Letsin: "status.https"}}}
	for i, name := range []string{"dicom", "https"} {
		last := s.looked.at(name)
		st.Listeners[i].Looked, st.Listeners[i].Answers = last.when, last.answers
	}
	add := func(what string, c *x509.Certificate) {
		if c != nil {
			st.Certificates = append(st.Certificates, web.Certificate{What: what, Names: strings.Join(c.DNSNames, ", "),
				Issuer: c.Issuer.CommonName, NotAfter: c.NotAfter})
		}
	}
	add("status.httpscert", s.httpsCertificate())
	add("status.dicomcert", s.data.identity.ServerCertificate())
	add("status.ca", s.data.identity.CA())
	for _, d := range s.data.identity.List() {
		st.Devices = append(st.Devices, s.deviceState(&d))
	}
	st.Storage.Free, st.Storage.Total = diskSpace(s.dir)
	st.Storage.Used = s.size.of(ctx, s.dir)
	return st
}

func (s *Server) deviceState(d *identity.Device) web.DeviceState {
	var titles []string
	for _, t := range d.AETitles {
		titles = append(titles, string(t))
	}
	state := web.DeviceState{Name: d.Name, AETitles: strings.Join(titles, ", "), Address: d.Address,
		Disabled: d.Disabled, LastContact: s.recent.heard(d.Name)}
	for _, c := range d.Certificates {
		if c.Revoked.IsZero() && c.NotAfter.After(state.NotAfter) {
			state.NotAfter = c.NotAfter
		}
	}
	return state
}

// folderSize is the size of a folder, looked at once in a while.
type folderSize struct {
	mu    sync.Mutex
	bytes int64
	at    time.Time
}

// sizeAge is how old a size may be: to know it means to look at every file.
const sizeAge = 5 * time.Minute

func (f *folderSize) of(ctx context.Context, dir string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.at) < sizeAge {
		return f.bytes
	}
	var sum int64
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil { // a file that went meanwhile has no size
				sum += info.Size()
			}
		}
		return ctx.Err()
	})
	if ctx.Err() == nil {
		f.bytes, f.at = sum, time.Now()
	}
	return sum
}
