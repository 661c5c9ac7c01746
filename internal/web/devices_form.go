package web

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// parseUpload reads a form that may bring a file.
func (x *exchange) parseUpload() error {
	x.Body = http.MaxBytesReader(x.w, x.Body, maxForm)
	err := x.ParseMultipartForm(maxForm) // all of it fits into memory
	if err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return errForm
	}
	return nil
}

// uploaded returns the content of the file of a form, nil if none was chosen.
func (x *exchange) uploaded(field string) ([]byte, error) {
	if x.MultipartForm == nil || len(x.MultipartForm.File[field]) == 0 {
		return nil, nil
	}
	f, err := x.MultipartForm.File[field][0].Open()
	if err != nil {
		return nil, errForm
	}
	defer f.Close()
	b, err := io.ReadAll(f) // bounded by parseUpload
	if err != nil {
		return nil, errForm
	}
	return b, nil
}

// readDevice reads what a form says of a device.
func (x *exchange) readDevice() deviceForm {
	f := deviceForm{Name: strings.TrimSpace(x.PostForm.Get("name")), AETitles: x.PostForm.Get("aet"),
		Address: strings.TrimSpace(x.PostForm.Get("address")), Scope: x.PostForm.Get("scope")}
	for _, r := range x.PostForm["right"] {
		f.Rights = append(f.Rights, policy.Right(r))
	}
	return f
}

// permissions puts what a form permits into a device.
func (f *deviceForm) permissions(d *identity.Device) error {
	rights, err := identity.ParseRights(strings.ReplaceAll(joined(f.Rights), " ", ""))
	if err != nil {
		return errForm // the form offers no other rights
	}
	scope, err := identity.ParseScope(scopeWords(f.Scope))
	if err != nil {
		return &problem{"manage.badscope", "scope"}
	}
	if identity.CheckAddress(f.Address) != nil {
		return &problem{"devices.badaddress", "address"}
	}
	d.Rights, d.Scope, d.Address = rights, scope, f.Address
	return nil
}

// device returns the new device of a form. AE titles are checked here as well as
// in the registry, so that the page can say what is wrong with them.
func (f *deviceForm) device(m *Manage) (d identity.Device, err error) {
	d.Name = f.Name
	if identity.CheckName(f.Name) != nil {
		return d, &problem{"devices.badname", "name"}
	}
	if _, taken := m.Devices.Device(f.Name); taken {
		return d, &problem{"devices.taken", "name"}
	}
	for _, word := range strings.FieldsFunc(f.AETitles, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		aet, err := dicom.ParseAETitle(strings.TrimSpace(word))
		if err != nil {
			return d, &problem{"devices.badaet", "aet"}
		}
		if aet == m.AET || m.titled(aet) {
			return d, &problem{"devices.aettaken", "aet"}
		}
		d.AETitles = append(d.AETitles, aet)
	}
	if len(d.AETitles) == 0 {
		return d, &problem{"devices.badaet", "aet"}
	}
	return d, f.permissions(&d)
}

// titled reports whether a device has the AE title.
func (m *Manage) titled(aet dicom.AETitle) bool {
	for _, d := range m.Devices.List() {
		if d.MayCallItself(aet) {
			return true
		}
	}
	return false
}

// credential returns how a form wants the device to get its certificate.
func (x *exchange) credential() (identity.Credential, error) {
	csr, err := x.uploaded("csr")
	if err != nil || csr == nil {
		return identity.Credential{}, err
	}
	if _, err := identity.ParseCSR(csr); err != nil {
		return identity.Credential{}, &problem{"devices.badcsr", "csr"}
	}
	return identity.Credential{CSR: csr}, nil
}
