package server_test

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
)

// upload sends a form with fields and a file, as the pages do.
func (b *browser) upload(path, field string, file []byte, fields ...string) (*http.Response, []byte) {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i+1 < len(fields); i += 2 {
		form.WriteField(fields[i], fields[i+1])
	}
	if file != nil {
		part, err := form.CreateFormFile(field, "request.csr")
		if err != nil {
			b.t.Fatal(err)
		}
		part.Write(file)
	}
	form.Close()
	return b.do("POST", path, &body, "Content-Type", form.FormDataContentType(), "Sec-Fetch-Site", "same-origin")
}

// admin is a browser at which the administrator of that name is signed in.
func (r *running) admin(t *testing.T, name string) *browser {
	t.Helper()
	r.person(t, name, policy.Administrator)
	b := r.surfer(t)
	if status, _ := b.signIn(name, "/"); status != 303 {
		t.Fatal("the administrator cannot sign in:", status)
	}
	return b
}

var bundleForm = regexp.MustCompile(`/devices/bundles/[A-Za-z0-9_-]+`)

// unpack writes the bundle of a ZIP file into a new folder.
func unpack(t *testing.T, packed []byte, device string) (dir string, names []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, f := range z.File {
		name, inside := strings.CutPrefix(f.Name, device+"/")
		if !inside {
			t.Fatalf("%s lies outside of the folder", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		if err := os.WriteFile(filepath.Join(dir, name), content, f.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	return dir, names
}

// TestDevicesPageEnrolsAndRevokes goes the way of a new scanner: enrolled in the
// browser, its bundle fetched once, let in, disabled, renewed, revoked.
func TestDevicesPageEnrolsAndRevokes(t *testing.T) {
	r := start(t)
	admin := r.admin(t, "ada")
	a, page := admin.post("/devices", nil, "name", "ct1", "aet", "CT1, CT1B", "right", "echo", "scope", "modality=CT\nage=365d", "address", "127.0.0.1:11112")
	ticket := bundleForm.FindString(string(page))
	if a.StatusCode != 200 || ticket == "" || !strings.Contains(string(page), "echoscu") || !strings.Contains(string(page), r.port(t)) {
		t.Fatalf("%d %s", a.StatusCode, page)
	}
	// The command line sees it at once.
	r.administer(t, func(a *server.Admin) error {
		d, known := a.Identity.Show("ct1")
		if !known || len(d.AETitles) != 2 || !d.Principal().Has(policy.Echo) || d.Principal().Has(policy.Store) || len(d.Scope.Modalities) != 1 {
			t.Errorf("%t %+v", known, d)
		}
		return nil
	})
	if a, _ := r.admin(t, "bea").post(ticket, nil); a.StatusCode != 404 {
		t.Errorf("another administrator fetches the key: %d", a.StatusCode)
	}
	a, packed := admin.post(ticket, nil)
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/zip" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatal(a.StatusCode, a.Header)
	}
	if a, _ := admin.post(ticket, nil); a.StatusCode != 404 {
		t.Errorf("the key is there twice: %d", a.StatusCode)
	}
	dir, names := unpack(t, packed, "ct1")
	if strings.Join(names, " ") != "key.pem cert.pem ca.pem" {
		t.Error(names)
	}
	in := func() bool {
		conn, err := r.dial(dir)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	r.within(t, time.Second, in)
	for _, step := range []struct {
		act string
		in  bool
	}{{"disable", false}, {"enable", true}, {"revoke", false}} {
		if a, _ := admin.post("/devices/ct1/"+step.act, nil); a.StatusCode != 303 {
			t.Errorf("%s: %d", step.act, a.StatusCode)
		}
		r.within(t, time.Second, func() bool { return in() == step.in })
	}
	_, page = admin.post("/devices/ct1/renew", nil)
	_, packed = admin.post(bundleForm.FindString(string(page)), nil)
	dir, _ = unpack(t, packed, "ct1")
	r.within(t, time.Second, in)
	for _, code := range []audit.Code{audit.DeviceAdded, audit.DeviceChanged, audit.DeviceRenewed, audit.DeviceRevoked} {
		found := false
		for _, e := range r.records(t, code) {
			found = found || e.Principal == "ada" && e.PrincipalKind == string(policy.User)
		}
		if !found {
			t.Errorf("the trail does not tell of %s", code)
		}
	}
}

// TestDevicesPageSetsWhatADeviceMay changes rights, scope and address, and one
// certificate of several.
func TestDevicesPageSetsWhatADeviceMay(t *testing.T) {
	r := start(t)
	r.enrol(t, "ct1", "CT1", "echo,store", nil)
	admin := r.admin(t, "ada")
	if a, _ := admin.post("/devices/ct1", nil, "right", "find", "scope", "department=Radiology", "address", "ct1.example:104"); a.StatusCode != 303 {
		t.Fatal(a.StatusCode)
	}
	var d identity.Device
	show := func() {
		r.administer(t, func(a *server.Admin) error {
			d, _ = a.Identity.Show("ct1")
			return nil
		})
	}
	show()
	if len(d.Rights) != 1 || d.Rights[0] != policy.Find || d.Address != "ct1.example:104" || d.Scope.Departments[0] != "Radiology" {
		t.Errorf("%+v", d)
	}
	_, page := admin.do("GET", "/devices/ct1", nil)
	for _, want := range []string{"department=Radiology", "ct1.example:104", `value="find" checked`, d.Certificates[0].Fingerprint} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if a, _ := admin.post("/devices/ct1/renew", nil); a.StatusCode != 200 {
		t.Fatal(a.StatusCode)
	}
	if a, _ := admin.post("/devices/ct1/certificates/"+d.Certificates[0].Fingerprint+"/revoke", nil); a.StatusCode != 303 {
		t.Fatal(a.StatusCode)
	}
	show()
	if len(d.Certificates) != 2 || d.Certificates[0].Revoked.IsZero() || !d.Certificates[1].Revoked.IsZero() {
		t.Errorf("%+v", d.Certificates)
	}
	for _, path := range []string{"/devices/none", "/devices/none/renew", "/devices/none/revoke", "/devices/none/disable", "/devices/ct1/certificates/00/revoke"} {
		if a, _ := admin.post(path, nil); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

// TestDevicesPageSaysWhatIsWrong sends forms that cannot be accepted; nothing is
// enrolled by them.
func TestDevicesPageSaysWhatIsWrong(t *testing.T) {
	r := start(t)
	r.enrol(t, "ct1", "CT1", "echo", nil)
	admin := r.admin(t, "ada")
	for want, fields := range map[string][]string{
		"no name for a device":       {"name", "CT 2", "aet", "CT2"},
		"of that name already":       {"name", "ct1", "aet", "CT2"},
		"An AE title has":            {"name", "ct2", "aet", "A\\B"},
		"belongs to the archive":     {"name", "ct2", "aet", "TRESOR"},
		"or to another device":       {"name", "ct2", "aet", "CT1"},
		"cannot be read":             {"name", "ct2", "aet", "CT2", "scope", "patient"},
		"of the form HOST:PORT":      {"name", "ct2", "aet", "CT2", "address", "nowhere"},
		"What was sent cannot be re": {"name", "ct2", "aet", "CT2", "right", "everything"},
	} {
		a, page := admin.post("/devices", nil, fields...)
		if a.StatusCode/100 != 4 || !strings.Contains(string(page), want) {
			t.Errorf("%v: %d, without %q", fields, a.StatusCode, want)
		}
	}
	if a, page := admin.upload("/devices", "csr", []byte("no request"), "name", "ct2", "aet", "CT2"); a.StatusCode != 422 || !strings.Contains(string(page), "no certificate request") {
		t.Error(a.StatusCode)
	}
	r.administer(t, func(a *server.Admin) error {
		if n := len(a.Identity.List()); n != 1 {
			t.Errorf("%d devices", n)
		}
		return nil
	})
}

// TestDevicesPageSignsARequest enrols a device whose key stays where it is.
func TestDevicesPageSignsARequest(t *testing.T) {
	r := start(t)
	admin := r.admin(t, "ada")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	a, page := admin.upload("/devices", "csr", csr, "name", "mr1", "aet", "MR1", "right", "echo")
	if a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, page)
	}
	_, packed := admin.post(bundleForm.FindString(string(page)), nil)
	dir, names := unpack(t, packed, "mr1")
	if strings.Join(names, " ") != "cert.pem ca.pem" {
		t.Fatal(names)
	}
	b, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := identity.ParseCertificate(b)
	if err != nil || !key.PublicKey.Equal(c.PublicKey) {
		t.Error("the certificate is not for the device's key:", err)
	}
}

// TestManagementIsNotForTokens: a program's token does nothing at pages that give
// rights, although its user may.
func TestManagementIsNotForTokens(t *testing.T) {
	r := start(t)
	r.enrol(t, "ct1", "CT1", "echo", nil)
	secret, _ := r.user(t, "ada", policy.Administrator)
	program := r.browser(t, secret)
	for _, path := range []string{"/devices", "/devices/ct1", "/devices/ct1/renew", "/devices/ct1/enable", "/devices/ct1/disable", "/devices/ct1/revoke"} {
		if a, _ := program.post(path, nil, "name", "ct2", "aet", "CT2"); a.StatusCode != 403 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if a, _ := program.do("GET", "/devices", nil); a.StatusCode != 200 {
		t.Error("the token cannot look:", a.StatusCode)
	}
}
