package web

import (
	"errors"
	"net/http"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
)

// deviceEvent is an event about a device.
func deviceEvent(code audit.Code, device, what string) audit.Event {
	e := audit.Event{Code: code, Details: []audit.Detail{{Name: "device", Value: device}}}
	if what != "" {
		e.Details = append(e.Details, audit.Detail{Name: "what", Value: what})
	}
	return e
}

// serveEnrolDevice enrols a device and shows how to use it.
func serveEnrolDevice(x *exchange) error {
	if ok, err := x.granting("/devices"); !ok || err != nil {
		return err
	}
	if err := x.parseUpload(); err != nil {
		return err
	}
	form := x.readDevice()
	d, err := form.device(&x.site.Manage)
	var cred identity.Credential
	if err == nil {
		cred, err = x.credential()
	}
	var wrong *problem
	if errors.As(err, &wrong) {
		return x.showDevices(http.StatusUnprocessableEntity, form, wrong)
	}
	if err != nil {
		return err
	}
	var e *identity.Enrolment
	err = x.act(deviceEvent(audit.DeviceAdded, d.Name, "rights: "+joined(d.Rights)), func() (err error) {
		e, err = x.site.Manage.Devices.Add(x.Context(), d, cred)
		return err
	})
	if errors.Is(err, identity.ErrExists) { // somebody else was faster
		return x.showDevices(http.StatusUnprocessableEntity, form, &problem{"devices.taken", "name"})
	}
	if err != nil {
		return err
	}
	return x.showBundle(e)
}

// serveSetDevice sets what a device may do.
func serveSetDevice(x *exchange) error {
	d, known := x.site.Manage.Devices.Show(x.path["name"])
	if !known {
		return errAbsent
	}
	if ok, err := x.granting("/devices/" + d.Name); !ok || err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	form := x.readDevice()
	changed := d.Clone()
	err := form.permissions(&changed)
	var wrong *problem
	if errors.As(err, &wrong) {
		return x.showDevice(http.StatusUnprocessableEntity, &d, form, wrong)
	}
	if err != nil {
		return err
	}
	err = x.act(deviceEvent(audit.DeviceChanged, d.Name, "rights, scope or address"), func() error {
		return x.site.Manage.Devices.Update(x.Context(), d.Name, form.permissions)
	})
	return x.deviceDone(d.Name, err)
}

// deviceDone leads back to the device, if there still is one.
func (x *exchange) deviceDone(name string, err error) error {
	if errors.Is(err, identity.ErrNoDevice) {
		return errAbsent
	}
	if err != nil {
		return err
	}
	return x.to("/devices/" + name)
}

// serveDisableDevice lets a device in no longer.
func serveDisableDevice(x *exchange) error {
	if _, err := x.self(); err != nil {
		return err
	}
	return x.setDisabled(true)
}

// serveEnableDevice lets a device in again.
func serveEnableDevice(x *exchange) error {
	if ok, err := x.granting("/devices/" + x.path["name"]); !ok || err != nil {
		return err
	}
	return x.setDisabled(false)
}

func (x *exchange) setDisabled(disabled bool) error {
	name := x.path["name"]
	if _, known := x.site.Manage.Devices.Device(name); !known {
		return errAbsent
	}
	what := map[bool]string{true: "disabled", false: "enabled"}[disabled]
	err := x.act(deviceEvent(audit.DeviceChanged, name, what), func() error {
		return x.site.Manage.Devices.Update(x.Context(), name, func(d *identity.Device) error {
			d.Disabled = disabled
			return nil
		})
	})
	return x.deviceDone(name, err)
}

// serveRenewDevice gives a device a further certificate.
func serveRenewDevice(x *exchange) error {
	d, known := x.site.Manage.Devices.Show(x.path["name"])
	if !known {
		return errAbsent
	}
	if ok, err := x.granting("/devices/" + d.Name); !ok || err != nil {
		return err
	}
	if err := x.parseUpload(); err != nil {
		return err
	}
	cred, err := x.credential()
	var wrong *problem
	if errors.As(err, &wrong) {
		return x.showDevice(http.StatusUnprocessableEntity, &d, formOf(&d), wrong)
	}
	if err != nil {
		return err
	}
	var e *identity.Enrolment
	err = x.act(deviceEvent(audit.DeviceRenewed, d.Name, ""), func() (err error) {
		e, err = x.site.Manage.Devices.Renew(x.Context(), d.Name, cred)
		return err
	})
	if err != nil {
		return x.deviceDone(d.Name, err)
	}
	return x.showBundle(e)
}

// serveRevokeDevice revokes all certificates of a device.
func serveRevokeDevice(x *exchange) error {
	return x.revoke("", func(name string) error { return x.site.Manage.Devices.Revoke(x.Context(), name) })
}

// serveRevokeCertificate revokes one certificate of a device.
func serveRevokeCertificate(x *exchange) error {
	which := x.path["fingerprint"]
	return x.revoke(which, func(name string) error { return x.site.Manage.Devices.RevokeCertificate(x.Context(), name, which) })
}

func (x *exchange) revoke(which string, do func(device string) error) error {
	if _, err := x.self(); err != nil {
		return err
	}
	d, known := x.site.Manage.Devices.Show(x.path["name"])
	if !known || which != "" && !hasCertificate(&d, which) {
		return errAbsent
	}
	return x.deviceDone(d.Name, x.act(deviceEvent(audit.DeviceRevoked, d.Name, which), func() error { return do(d.Name) }))
}

func hasCertificate(d *identity.Device, fingerprint string) bool {
	for _, c := range d.Certificates {
		if c.Fingerprint == fingerprint {
			return true
		}
	}
	return false
}
