package identity

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Device is a DICOM peer that the archive knows. Its zero value may do nothing.
type Device struct {
	Name              string          `json:"name"`
	AETitles          []dicom.AETitle `json:"ae_titles"` // those that it may call itself
	Rights            []policy.Right  `json:"rights,omitempty"`
	Scope             policy.Scope    `json:"scope,omitzero"`
	Address           string          `json:"address,omitempty"`       // HOST:PORT where it takes associations
	Destinations      []string        `json:"destinations,omitempty"`  // devices that it may have instances sent to
	CharacterSet      []string        `json:"character_set,omitempty"` // of answers to it (0008,0005); empty: UTF-8
	PrivateSOPClasses []dicom.UID     `json:"private_sop_classes,omitempty"`
	PreferredSyntax   dicom.UID       `json:"preferred_syntax,omitempty"` // in which it gets instances, where that loses nothing
	UserIdentity      IdentityRule    `json:"user_identity,omitempty"`    // what happens with those that its associations bring
	Certificates      []Certificate   `json:"certificates,omitempty"`
	TrustedCAs        [][]byte        `json:"trusted_cas,omitempty"` // DER; for what it shows when we call it
	Disabled          bool            `json:"disabled,omitempty"`
	Created           time.Time       `json:"created"`
	Changed           time.Time       `json:"changed"`
}

// The bounds of a registry.
const (
	maxName         = 64
	maxList         = 256
	maxCertificates = 32
	maxDevices      = 10000
)

// Principal returns the device as policy sees it.
func (d *Device) Principal() policy.Principal {
	return policy.Principal{
		Kind: policy.Device, Name: d.Name, Rights: d.Rights, Scope: d.Scope, Destinations: d.Destinations,
	}
}

// MayCallItself reports whether the device may use the calling AE title (T-3:
// the certificate names the device, and only its own titles are accepted).
func (d *Device) MayCallItself(aet dicom.AETitle) bool { return slices.Contains(d.AETitles, aet) }

// AETitle returns the title under which the archive calls the device.
func (d *Device) AETitle() dicom.AETitle {
	if len(d.AETitles) == 0 {
		return ""
	}
	return d.AETitles[0]
}

// SamePermissions reports whether d and o may do the same. An association that
// runs under one of them need not end if it does after a change.
func (d *Device) SamePermissions(o *Device) bool {
	return d.Name == o.Name && d.Disabled == o.Disabled && d.UserIdentity == o.UserIdentity &&
		slices.Equal(d.AETitles, o.AETitles) && slices.Equal(d.Rights, o.Rights) &&
		slices.Equal(d.Destinations, o.Destinations) && slices.Equal(d.PrivateSOPClasses, o.PrivateSOPClasses) &&
		reflect.DeepEqual(d.Scope, o.Scope)
}

// Clone returns a copy that shares nothing with d.
func (d *Device) Clone() Device {
	c := *d
	c.AETitles = slices.Clone(d.AETitles)
	c.Rights = slices.Clone(d.Rights)
	c.Scope = cloneScope(d.Scope)
	c.Destinations = slices.Clone(d.Destinations)
	c.CharacterSet = slices.Clone(d.CharacterSet)
	c.PrivateSOPClasses = slices.Clone(d.PrivateSOPClasses)
	c.Certificates = slices.Clone(d.Certificates)
	c.TrustedCAs = make([][]byte, len(d.TrustedCAs))
	for i, ca := range d.TrustedCAs {
		c.TrustedCAs[i] = slices.Clone(ca)
	}
	return c
}

func cloneScope(s policy.Scope) policy.Scope {
	for _, list := range []*[]string{&s.Institutions, &s.Departments, &s.Modalities, &s.Sources, &s.Referring, &s.Patients, &s.Studies} {
		*list = slices.Clone(*list)
	}
	s.Also = slices.Clone(s.Also)
	for i := range s.Also {
		s.Also[i] = cloneScope(s.Also[i])
	}
	return s
}

// CheckName says what is wrong with the name of a device, nil if nothing is.
func CheckName(name string) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	if len(name) > maxName {
		return fmt.Errorf("the name has more than %d characters", maxName)
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("-_.", rune(c))) {
			return fmt.Errorf("the name %q may only have letters, digits, '-', '_' and '.', and begins with a letter or digit", name)
		}
	}
	return nil
}

// ParseRights reads what --allow takes: rights separated by commas. "" is none.
func ParseRights(list string) ([]policy.Right, error) {
	var rights []policy.Right
	for word := range strings.SplitSeq(list, ",") {
		r := policy.Right(strings.ToLower(strings.TrimSpace(word)))
		if r == "" {
			continue
		}
		if !slices.Contains(policy.DeviceRights, r) {
			return nil, unknownRight(r)
		}
		if !slices.Contains(rights, r) {
			rights = append(rights, r)
		}
	}
	return rights, nil
}

func unknownRight(r policy.Right) error {
	names := make([]string, len(policy.DeviceRights))
	for i, known := range policy.DeviceRights {
		names[i] = string(known)
	}
	return fmt.Errorf("%q is no right; the rights are %s", string(r), strings.Join(names, ", "))
}

// check says what is wrong with the device by itself.
func (d *Device) check() error {
	if err := CheckName(d.Name); err != nil {
		return err
	}
	if len(d.AETitles) == 0 {
		return errors.New("the device needs an AE title")
	}
	for i, aet := range d.AETitles {
		if !aet.Valid() {
			return fmt.Errorf("%q is no AE title: 1 to 16 characters of ASCII without backslashes", string(aet))
		}
		if slices.Contains(d.AETitles[:i], aet) {
			return fmt.Errorf("the AE title %s is given twice", aet)
		}
	}
	for _, r := range d.Rights {
		if !slices.Contains(policy.DeviceRights, r) {
			return unknownRight(r)
		}
	}
	for _, u := range d.PrivateSOPClasses {
		if !u.Valid() {
			return fmt.Errorf("%q is no UID", string(u))
		}
	}
	if _, err := dicom.ParseCharacterSet(d.CharacterSet...); err != nil {
		return fmt.Errorf("character set: %w", err)
	}
	if e, ok := dict.LookupUID(d.PreferredSyntax); d.PreferredSyntax != "" && (!ok || e.Type != dict.TransferSyntax) {
		return fmt.Errorf("%q is no transfer syntax", string(d.PreferredSyntax))
	}
	if !d.UserIdentity.Known() {
		return fmt.Errorf("user identity %q is none of required, ignored", string(d.UserIdentity))
	}
	for _, der := range d.TrustedCAs {
		if ca, err := x509.ParseCertificate(der); err != nil || !ca.IsCA {
			return errors.New("a CA to trust is no certificate of a CA")
		}
	}
	if err := d.checkBounds(); err != nil {
		return err
	}
	return CheckAddress(d.Address)
}

func (d *Device) checkBounds() error {
	for _, n := range []int{len(d.AETitles), len(d.Rights), len(d.Destinations), len(d.PrivateSOPClasses), len(d.CharacterSet)} {
		if n > maxList {
			return fmt.Errorf("a list has more than %d entries", maxList)
		}
	}
	if len(d.Certificates) > maxCertificates || len(d.TrustedCAs) > maxCertificates {
		return fmt.Errorf("the device has more than %d certificates", maxCertificates)
	}
	return nil
}

// CheckAddress says what is wrong with the address of a device. "" is right: the
// archive does not call it.
func CheckAddress(address string) error {
	if address == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return fmt.Errorf("%q is no address of the form HOST:PORT", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("the port of %q is not a number from 1 to 65535", address)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`/\"'@`, r) }) {
		return fmt.Errorf("%q is no host", host)
	}
	return nil
}
