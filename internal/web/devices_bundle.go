package web

import (
	archivezip "archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
)

// bundle is what an administrator may fetch once.
type bundle struct {
	user, device string
	zip          []byte
}

// bundlePage is what the page after an enrolment shows.
type bundlePage struct {
	Device, Ticket, Fingerprint, Instructions string
	HasKey                                    bool
	NotAfter                                  time.Time
}

// showBundle offers the bundle of a device, once. Until it is fetched, or the
// ticket has run out, the key is in memory and nowhere else.
func (x *exchange) showBundle(e *identity.Enrolment) error {
	packed, err := zipBundle(e)
	if err != nil {
		return err
	}
	user := x.visitor.SignIn.User
	ticket, err := x.site.bundles.Issue(user, bundle{user, e.Device.Name, packed})
	if err != nil {
		return fmt.Errorf("keep the bundle of %s: %w", e.Device.Name, err)
	}
	m := &x.site.Manage
	x.w.Header().Set("Cache-Control", "no-store")
	x.render(http.StatusOK, "bundle", page{Title: "bundle.title", Body: bundlePage{Device: e.Device.Name, Ticket: ticket,
		Fingerprint: e.Certificate.Fingerprint, NotAfter: e.Certificate.NotAfter, HasKey: len(e.KeyPEM) > 0,
		Instructions: identity.Instructions(&e.Device, e.Device.Name, m.DICOM, m.AET)}})
	return nil
}

// zipBundle packs what a device needs into a folder of its name.
func zipBundle(e *identity.Enrolment) ([]byte, error) {
	var b bytes.Buffer
	w := archivezip.NewWriter(&b)
	for _, f := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{{identity.BundleKey, e.KeyPEM, 0o600}, {identity.BundleCert, e.CertPEM, 0o644}, {identity.BundleCA, e.CAPEM, 0o644}} {
		if len(f.data) == 0 {
			continue
		}
		h := &archivezip.FileHeader{Name: e.Device.Name + "/" + f.name, Method: archivezip.Store, Modified: e.Certificate.Added}
		h.SetMode(f.mode)
		part, err := w.CreateHeader(h)
		if err != nil {
			return nil, fmt.Errorf("pack the bundle: %w", err)
		}
		if _, err := part.Write(f.data); err != nil {
			return nil, fmt.Errorf("pack the bundle: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack the bundle: %w", err)
	}
	return b.Bytes(), nil
}

// serveBundle hands a bundle out, once, to who had it made.
func serveBundle(x *exchange) error {
	user, err := x.self()
	if err != nil {
		return err
	}
	b, ok := x.site.bundles.Look(x.path["ticket"])
	if !ok || b.user != user {
		return errAbsent
	}
	if b, ok = x.site.bundles.Take(x.path["ticket"]); !ok {
		return errAbsent
	}
	if err := x.note(deviceEvent(audit.SecurityConfiguration, b.device, "bundle fetched")); err != nil {
		return err
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="`+b.device+`.zip"`)
	h.Set("Cache-Control", "no-store")
	_, err = x.w.Write(b.zip)
	return err
}
