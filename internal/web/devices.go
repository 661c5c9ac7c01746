package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var deviceRoutes = []Route{
	{Method: http.MethodGet, Path: "/devices", Right: policy.Manage, serve: serveDevices},
	{Method: http.MethodPost, Path: "/devices", Right: policy.Manage, serve: serveEnrolDevice},
	{Method: http.MethodGet, Path: "/devices/{name}", Right: policy.Manage, serve: serveDevice},
	{Method: http.MethodPost, Path: "/devices/{name}", Right: policy.Manage, serve: serveSetDevice},
	{Method: http.MethodPost, Path: "/devices/{name}/disable", Right: policy.Manage, serve: serveDisableDevice},
	{Method: http.MethodPost, Path: "/devices/{name}/enable", Right: policy.Manage, serve: serveEnableDevice},
	{Method: http.MethodPost, Path: "/devices/{name}/renew", Right: policy.Manage, serve: serveRenewDevice},
	{Method: http.MethodPost, Path: "/devices/{name}/revoke", Right: policy.Manage, serve: serveRevokeDevice},
	{Method: http.MethodPost, Path: "/devices/{name}/certificates/{fingerprint}/revoke", Right: policy.Manage, serve: serveRevokeCertificate},
	{Method: http.MethodPost, Path: "/devices/bundles/{ticket}", Right: policy.Manage, serve: serveBundle},
}

// deviceRow is a device as the list has it.
type deviceRow struct {
	Name, AETitles, Rights, Address, State string
	Scope                                  []string
	Days                                   int
	Contact                                time.Time
}

// Ended reports whether the device has no certificate that is good.
func (r deviceRow) Ended() bool { return r.State == "revoked" }

// Soon reports whether the last certificate ends within 30 days.
func (r deviceRow) Soon() bool { return !r.Ended() && r.Days <= 30 }

func (s *Site) deviceRow(d *identity.Device) deviceRow {
	r := deviceRow{Name: d.Name, AETitles: joined(d.AETitles), Rights: joined(d.Rights), Address: d.Address,
		Scope: identity.FormatScope(d.Scope), Contact: s.Manage.Contact(d.Name)}
	r.Days, r.State = d.Standing(time.Now())
	return r
}

func joined[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

// devicesPage is what the page of all devices shows.
type devicesPage struct {
	Devices []deviceRow
	Form    deviceForm
	Fresh   bool // may enrol
	Problem *problem
}

// deviceForm is a device as a form has it.
type deviceForm struct {
	Name, AETitles, Address, Scope string
	Rights                         []policy.Right
}

// Choices returns every right with whether it is chosen.
func (f deviceForm) Choices() []choice {
	var list []choice
	for _, r := range policy.DeviceRights {
		list = append(list, choice{string(r), slices.Contains(f.Rights, r)})
	}
	return list
}

type choice struct {
	Value  string
	Chosen bool
}

// serveDevices shows all devices.
func serveDevices(x *exchange) error { return x.showDevices(http.StatusOK, deviceForm{}, nil) }

func (x *exchange) showDevices(status int, form deviceForm, wrong *problem) error {
	p := devicesPage{Form: form, Fresh: x.isFresh(), Problem: wrong}
	for _, d := range x.site.Manage.Devices.List() {
		p.Devices = append(p.Devices, x.site.deviceRow(&d))
	}
	x.render(status, "devices", page{Title: "devices.title", Body: p})
	return nil
}

// devicePage is what the page of one device shows.
type devicePage struct {
	deviceRow
	Form         deviceForm
	Certificates []certificateRow
	Fresh        bool // may give it rights and certificates
	Problem      *problem
}

type certificateRow struct {
	identity.Certificate
	Days int
}

// serveDevice shows one device.
func serveDevice(x *exchange) error {
	d, known := x.site.Manage.Devices.Show(x.path["name"])
	if !known {
		return errAbsent
	}
	return x.showDevice(http.StatusOK, &d, formOf(&d), nil)
}

func formOf(d *identity.Device) deviceForm {
	return deviceForm{Name: d.Name, AETitles: joined(d.AETitles), Address: d.Address, Rights: d.Rights,
		Scope: scopeText(d.Scope)}
}

func (x *exchange) showDevice(status int, d *identity.Device, form deviceForm, wrong *problem) error {
	p := devicePage{deviceRow: x.site.deviceRow(d), Form: form, Fresh: x.isFresh(), Problem: wrong}
	for _, c := range slices.Backward(d.Certificates) { // the newest first
		p.Certificates = append(p.Certificates, certificateRow{c, c.DaysLeft(time.Now())})
	}
	x.render(status, "device", page{Title: "devices.one", Body: p})
	return nil
}
