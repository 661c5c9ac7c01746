package identity

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

// ErrNoDevice says that there is no device of that name.
var ErrNoDevice = errors.New("there is no such device")

// ErrExists says that the name of a new device is taken.
var ErrExists = errors.New("there is a device of that name already")

// Credential says how a device gets its certificate. By default key and
// certificate are made here.
type Credential struct {
	CSR      []byte        // sign this request (PKCS #10, PEM or DER): the key stays with the device
	Pin      []byte        // register this foreign certificate (PEM or DER) as it is
	Validity time.Duration // 0: a year
}

// Enrolment is what Add and Renew made. CertPEM and CAPEM are empty for a pinned
// certificate, KeyPEM unless the key was made here: it is kept nowhere.
type Enrolment struct {
	Device      Device
	Certificate Certificate
	KeyPEM      []byte
	CertPEM     []byte
	CAPEM       []byte
}

// Add registers a new device with its first certificate.
func (s *Store) Add(ctx context.Context, d Device, c Credential) (*Enrolment, error) {
	d = d.Clone()
	d.Certificates = nil
	d.Created, d.Changed = s.second(), s.second()
	fail := func(err error) (*Enrolment, error) { return nil, fmt.Errorf("add device %s: %w", d.Name, err) }
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	if err := d.check(); err != nil {
		return fail(err)
	}
	e, err := s.enrol(&d, c)
	if err != nil {
		return fail(err)
	}
	err = s.update(func(r *registry) error {
		if r.find(d.Name) != nil {
			return ErrExists
		}
		r.Devices = append(r.Devices, d)
		return nil
	})
	if err != nil {
		return fail(err)
	}
	return e, nil
}

// Renew gives a device a further certificate. Those that it has stay good until
// they end or are revoked, so that the device can change over.
func (s *Store) Renew(ctx context.Context, name string, c Credential) (*Enrolment, error) {
	var e *Enrolment
	err := s.Update(ctx, name, func(d *Device) (err error) {
		d.dropEnded(s.now())
		e, err = s.enrol(d, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("renew: %w", err)
	}
	e.Device, _ = s.Show(name)
	return e, nil
}

// dropEnded forgets certificates that ended more than a year ago.
func (d *Device) dropEnded(now time.Time) {
	kept := d.Certificates[:0]
	for _, c := range d.Certificates {
		if now.Sub(c.NotAfter) < 365*24*time.Hour {
			kept = append(kept, c)
		}
	}
	d.Certificates = kept
}

// Update changes a device: f gets a copy of its newest state. The name cannot be
// changed. On return the change is durable; other processes follow within a second.
func (s *Store) Update(ctx context.Context, name string, f func(*Device) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("device %s: %w", name, err)
	}
	err := s.update(func(r *registry) error {
		at := r.find(name)
		if at == nil {
			return ErrNoDevice
		}
		d := at.Clone()
		if err := f(&d); err != nil {
			return err
		}
		d.Name, d.Changed = name, s.second()
		if err := d.check(); err != nil {
			return err
		}
		*at = d
		return nil
	})
	if err != nil {
		return fmt.Errorf("device %s: %w", name, err)
	}
	return nil
}

// SetRights replaces the rights of a device.
func (s *Store) SetRights(ctx context.Context, name string, rights []policy.Right) error {
	return s.Update(ctx, name, func(d *Device) error { d.Rights = rights; return nil })
}

// Revoke revokes all certificates of a device. The device stays on the list, and
// Renew can give it a new certificate.
func (s *Store) Revoke(ctx context.Context, name string) error {
	return s.Update(ctx, name, func(d *Device) error {
		for i := range d.Certificates {
			d.Certificates[i].Revoked = cmpTime(d.Certificates[i].Revoked, s.second())
		}
		return nil
	})
}

// RevokeCertificate revokes one certificate of a device, named by the beginning
// of its fingerprint, of at least 8 digits.
func (s *Store) RevokeCertificate(ctx context.Context, name, fingerprint string) error {
	fingerprint = strings.ToLower(strings.ReplaceAll(fingerprint, ":", ""))
	return s.Update(ctx, name, func(d *Device) error {
		var found *Certificate
		for i := range d.Certificates {
			c := &d.Certificates[i]
			if len(fingerprint) < 8 || !strings.HasPrefix(c.Fingerprint, fingerprint) {
				continue
			}
			if found != nil {
				return errors.New("the fingerprint is that of several certificates")
			}
			found = c
		}
		if found == nil {
			return errors.New("the device has no certificate with that fingerprint")
		}
		found.Revoked = cmpTime(found.Revoked, s.second())
		return nil
	})
}

// cmpTime keeps the first of two times that was set.
func cmpTime(first, second time.Time) time.Time {
	if first.IsZero() {
		return second
	}
	return first
}

// Remove forgets a device: its AE titles become free, its certificates unknown.
func (s *Store) Remove(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("remove device %s: %w", name, err)
	}
	err := s.update(func(r *registry) error {
		for i := range r.Devices {
			if r.Devices[i].Name == name {
				r.Devices = append(r.Devices[:i], r.Devices[i+1:]...)
				return nil
			}
		}
		return ErrNoDevice
	})
	if err != nil {
		return fmt.Errorf("remove device %s: %w", name, err)
	}
	return nil
}

// Show returns a copy of the device with the name.
func (s *Store) Show(name string) (Device, bool) {
	d, ok := s.Device(name)
	if !ok {
		return Device{}, false
	}
	return d.Clone(), true
}

func (s *Store) second() time.Time { return s.now().UTC().Truncate(time.Second) }

// enrol gives d a certificate and appends it to d.
func (s *Store) enrol(d *Device, c Credential) (*Enrolment, error) {
	if c.CSR != nil && c.Pin != nil {
		return nil, errors.New("a certificate is signed or pinned, not both")
	}
	if c.Validity < 0 || c.Validity > maxValidity {
		return nil, fmt.Errorf("a certificate lasts at most %d days", int(maxValidity.Hours()/24))
	}
	e := &Enrolment{}
	cert, origin, err := s.certify(d, c, e)
	if err != nil {
		return nil, err
	}
	e.Certificate = describe(cert, origin, s.now())
	d.Certificates = append(d.Certificates, e.Certificate)
	if origin != Pinned {
		e.CertPEM, e.CAPEM = certPEM(cert.Raw), s.CAPEM()
	}
	e.Device = d.Clone()
	return e, d.checkBounds()
}

func (s *Store) certify(d *Device, c Credential, e *Enrolment) (*x509.Certificate, Origin, error) {
	if c.Pin != nil {
		cert, err := s.pin(c.Pin)
		return cert, Pinned, err
	}
	l := s.leafOf(d, c.Validity)
	if c.CSR != nil {
		csr, err := ParseCSR(c.CSR)
		if err != nil {
			return nil, Signed, err
		}
		cert, err := s.issue(l, csr.PublicKey)
		return cert, Signed, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, Issued, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, Issued, err
	}
	e.KeyPEM = keyPEM(pkcs8)
	cert, err := s.issue(l, key.Public())
	return cert, Issued, err
}

// leafOf says what the certificate of a device is for. Only a device that takes
// associations itself may show it as a server: with a CA that all devices trust,
// any other could pass itself off as the archive.
func (s *Store) leafOf(d *Device, validity time.Duration) leaf {
	l := leaf{name: d.Name, uri: "urn:tresor:device:" + d.Name, client: true, validity: cmp.Or(validity, deviceValidity)}
	if host, _, err := net.SplitHostPort(d.Address); err == nil {
		l.server, l.hosts = true, []string{host}
	}
	return l
}

// pin reads a foreign certificate and refuses what would never be let in.
func (s *Store) pin(b []byte) (*x509.Certificate, error) {
	cert, err := ParseCertificate(b)
	switch {
	case err != nil:
		return nil, err
	case s.now().After(cert.NotAfter):
		return nil, errors.New("the certificate has expired")
	case !permits(cert, x509.ExtKeyUsageClientAuth):
		return nil, errors.New("the certificate is not for TLS clients (extended key usage clientAuth)")
	}
	return cert, nil
}
