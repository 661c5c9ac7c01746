package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func request(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "archive administrator"}, DNSNames: []string{"localhost"},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAddRefuses(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	pin := foreign(t, nil)
	add(t, s, device("taken", "TAKEN"), Credential{Pin: pin.Leaf.Raw})
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	expired := foreign(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	with := func(change func(*Device)) Device {
		d := device("new", "NEW")
		change(&d)
		return d
	}
	for name, test := range map[string]struct {
		d    Device
		c    Credential
		want string
	}{
		"no name":        {device("", "NEW"), Credential{}, "name is empty"},
		"path as name":   {device("../x", "NEW"), Credential{}, "may only have"},
		"long name":      {device(strings.Repeat("a", 65), "NEW"), Credential{}, "more than 64"},
		"name taken":     {device("taken", "NEW"), Credential{}, "already"},
		"no AE title":    {with(func(d *Device) { d.AETitles = nil }), Credential{}, "needs an AE title"},
		"bad AE title":   {device("new", `A\B`), Credential{}, "no AE title"},
		"long AE title":  {device("new", "ABCDEFGHIJKLMNOPQ"), Credential{}, "no AE title"},
		"AE title twice": {with(func(d *Device) { d.AETitles = append(d.AETitles, "NEW") }), Credential{}, "twice"},
		"AE title taken": {device("new", "TAKEN"), Credential{}, "belongs to taken"},
		"our AE title":   {device("new", "TRESOR"), Credential{}, "belongs to the archive"},
		"unknown right":  {with(func(d *Device) { d.Rights = []policy.Right{"admin"} }), Credential{}, "the rights are echo, store"},
		"no port":        {with(func(d *Device) { d.Address = "host" }), Credential{}, "HOST:PORT"},
		"port 0":         {with(func(d *Device) { d.Address = "host:0" }), Credential{}, "port"},
		"odd host":       {with(func(d *Device) { d.Address = "a b:104" }), Credential{}, "no host"},
		"destination":    {with(func(d *Device) { d.Destinations = []string{"none"} }), Credential{}, "no device"},
		"character set":  {with(func(d *Device) { d.CharacterSet = []string{"KLINGON"} }), Credential{}, "character set"},
		"SOP class":      {with(func(d *Device) { d.PrivateSOPClasses = []dicom.UID{"1.x"} }), Credential{}, "no UID"},
		"CA to trust":    {with(func(d *Device) { d.TrustedCAs = [][]byte{pin.Leaf.Raw} }), Credential{}, "no certificate of a CA"},
		"weak request":   {device("new", "NEW"), Credential{CSR: request(t, weak)}, "1024 bits"},
		"no request":     {device("new", "NEW"), Credential{CSR: []byte("hello")}, "holds no CERTIFICATE REQUEST"},
		"a key":          {device("new", "NEW"), Credential{Pin: keyPEM([]byte("secret"))}, "private key"},
		"two pins":       {device("new", "NEW"), Credential{Pin: append(certPEM(pin.Leaf.Raw), certPEM(pin.Leaf.Raw)...)}, "more than one"},
		"expired pin":    {device("new", "NEW"), Credential{Pin: expired.Leaf.Raw}, "expired"},
		"pin taken":      {device("new", "NEW"), Credential{Pin: pin.Leaf.Raw}, "belongs to taken"},
		"both":           {device("new", "NEW"), Credential{Pin: pin.Leaf.Raw, CSR: request(t, ecKey(t))}, "not both"},
		"too long":       {device("new", "NEW"), Credential{Validity: 10 * 365 * 24 * time.Hour}, "at most"},
	} {
		_, err := s.Add(context.Background(), test.d, test.c)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(s.List()); n != 1 {
		t.Errorf("%d devices", n)
	}
}

// TestSignedRequest: the certificate has our names, not those of the request.
func TestSignedRequest(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	e := add(t, s, device("ct1", "CT1"), Credential{CSR: request(t, ecKey(t))})
	if e.KeyPEM != nil || e.Certificate.Origin != Signed {
		t.Errorf("key %d bytes, origin %s", len(e.KeyPEM), e.Certificate.Origin)
	}
	cert, err := ParseCertificate(e.CertPEM)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Subject.CommonName != "ct1" || len(cert.DNSNames) > 0 || cert.URIs[0].String() != "urn:tresor:device:ct1" {
		t.Errorf("subject %s, names %v, %v", cert.Subject, cert.DNSNames, cert.URIs)
	}
	if cert.IsCA || len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("CA %v, usage %v", cert.IsCA, cert.ExtKeyUsage)
	}
}

func TestRenewAndRevoke(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir(), Options{})
	first := add(t, s, device("ct1", "CT1"), Credential{})
	second, err := s.Renew(ctx, "ct1", Credential{})
	if err != nil || len(second.Device.Certificates) != 2 || second.KeyPEM == nil {
		t.Fatalf("%+v, %v", second, err)
	}
	if err := s.RevokeCertificate(ctx, "ct1", first.Certificate.Fingerprint[:7]); err == nil {
		t.Error("7 digits of a fingerprint are enough")
	}
	if err := s.RevokeCertificate(ctx, "ct1", strings.ToUpper(first.Certificate.Fingerprint[:16])); err != nil {
		t.Fatal(err)
	}
	d, _ := s.Show("ct1")
	if d.Certificates[0].Revoked.IsZero() || !d.Certificates[1].Revoked.IsZero() {
		t.Errorf("certificates %+v", d.Certificates)
	}
	if err := s.Revoke(ctx, "ct1"); err != nil {
		t.Fatal(err)
	}
	d, _ = s.Show("ct1")
	if d.Certificates[1].Revoked.IsZero() || d.Certificates[1].Usable(time.Now()) {
		t.Errorf("certificates %+v", d.Certificates)
	}
	for name, err := range map[string]error{
		"revoke": s.Revoke(ctx, "none"), "rights": s.SetRights(ctx, "none", nil), "remove": s.Remove(ctx, "none"),
	} {
		if !errors.Is(err, ErrNoDevice) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Renew(ctx, "none", Credential{}); !errors.Is(err, ErrNoDevice) {
		t.Errorf("renew: %v", err)
	}
}

// TestUpdateIsWhole: a change that is refused changes nothing.
func TestUpdateIsWhole(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir(), Options{})
	add(t, s, device("ct1", "CT1"), Credential{})
	err := s.Update(ctx, "ct1", func(d *Device) error {
		d.Rights[0] = "none"
		d.AETitles[0] = "X"
		return nil
	})
	if err == nil {
		t.Error("an unknown right was taken")
	}
	if d, _ := s.Show("ct1"); d.Rights[0] != policy.Echo || d.AETitles[0] != "CT1" {
		t.Errorf("device %+v", d)
	}
	if err := s.SetRights(ctx, "ct1", []policy.Right{policy.Find}); err != nil {
		t.Fatal(err)
	}
	if d, _ := s.Device("ct1"); !d.Principal().Has(policy.Find) || d.Principal().Has(policy.Store) {
		t.Errorf("rights %v", d.Rights)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.SetRights(cancelled, "ct1", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestDestination(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir(), Options{})
	ws := device("ws1", "WS1")
	ws.Address = "10.0.0.9:104"
	ws.AETitles = append(ws.AETitles, "WS1B")
	add(t, s, ws, Credential{})
	ct := device("ct1", "CT1")
	ct.Destinations = []string{"ws1"}
	add(t, s, ct, Credential{})
	for aet, want := range map[dicom.AETitle]bool{"WS1": true, "WS1B": true, "CT1": false, "NONE": false, "ws1": false} {
		if _, ok := s.Destination(aet); ok != want {
			t.Errorf("%s: %v", aet, ok)
		}
	}
	if err := s.Remove(ctx, "ws1"); err == nil {
		t.Error("a destination of others was removed")
	}
	if err := s.Update(ctx, "ws1", func(d *Device) error { d.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Destination("WS1"); ok {
		t.Error("a disabled device is sent to")
	}
}

func TestParseRights(t *testing.T) {
	got, err := ParseRights(" echo,Store,,echo ")
	if err != nil || len(got) != 2 || got[1] != policy.Store {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := ParseRights(""); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ParseRights("echo,shell"); err == nil || !strings.Contains(err.Error(), `"shell"`) {
		t.Errorf("%v", err)
	}
}

func TestParseCAs(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	pair := append(s.CAPEM(), s.CAPEM()...)
	if cas, err := ParseCAs(pair); err != nil || len(cas) != 2 {
		t.Errorf("%d CAs, %v", len(cas), err)
	}
	for name, b := range map[string][]byte{
		"none": nil, "a leaf": certPEM(foreign(t, nil).Leaf.Raw), "damaged": certPEM([]byte{0x30, 1}), "long": make([]byte, maxPEM+1),
	} {
		if _, err := ParseCAs(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestBundle(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	e := add(t, s, device("ct1", "CT1"), Credential{})
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := e.WriteBundle(dir, false); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, BundleKey))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := e.WriteBundle(dir, false); err == nil {
		t.Error("a key was replaced")
	}
	if err := e.WriteBundle(dir, true); err != nil {
		t.Error(err)
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 3 {
		t.Errorf("%v, %v", names, err)
	}
}

func TestExpiries(t *testing.T) {
	clock := time.Now()
	s := open(t, t.TempDir(), Options{Now: func() time.Time { return clock }})
	add(t, s, device("year", "YEAR"), Credential{})
	add(t, s, device("month", "MONTH"), Credential{Validity: 40 * 24 * time.Hour})
	add(t, s, device("gone", "GONE"), Credential{Validity: 30 * 24 * time.Hour})
	if err := s.Revoke(context.Background(), "gone"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ day, left, threshold int }{
		{0, 0, -1}, {9, 0, -1}, {10, 30, 30}, {11, 29, 30}, {26, 14, 14}, {33, 7, 7}, {38, 2, 7}, {39, 0, 1}, {42, -3, 0},
	} {
		clock = time.Now().Add(time.Duration(test.day) * 24 * time.Hour)
		if test.day < 39 && test.day > 0 {
			clock = clock.Add(-time.Minute)
		}
		list := s.Expiries()
		if test.threshold < 0 {
			if len(list) != 0 {
				t.Errorf("day %d: %+v", test.day, list)
			}
			continue
		}
		if len(list) != 1 || list[0].Device != "month" || list[0].Threshold != test.threshold || list[0].DaysLeft != test.left {
			t.Errorf("day %d: %+v, want %+v", test.day, list, test)
		}
	}
}

func TestInstructions(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	d := device("ct1", "CT 1")
	d.Rights, d.Address = policy.DeviceRights, "10.0.0.5:104"
	e := add(t, s, d, Credential{})
	text := Instructions(&e.Device, "/etc/it's", "pacs.example:2762", "TRESOR")
	for _, want := range []string{
		`TCP_NODELAY=1 echoscu +tls '/etc/it'\''s/key.pem' '/etc/it'\''s/cert.pem' +cf '/etc/it'\''s/ca.pem' -aet 'CT 1' -aec TRESOR pacs.example 2762`,
		"storescu +sd", "findscu -S", "-importcert", "TRESOR@pacs.example:2762", `"UseDicomTls": true`, `"DicomTlsEnabled": true`, `"Port": 2762`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if text := Instructions(&Device{AETitles: []dicom.AETitle{"X"}}, "d", "h:1", "TRESOR"); strings.Contains(text, "echoscu") {
		t.Errorf("commands without rights:\n%s", text)
	}
}
