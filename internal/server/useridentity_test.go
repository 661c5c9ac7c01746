package server_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/identity/oidctest"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/synth"
)

var (
	findStudies = dicom.UID("1.2.840.10008.5.1.4.1.2.2.1")
	getStudies  = dicom.UID("1.2.840.10008.5.1.4.1.2.2.3")
)

// bring asks for an association that brings a user identity, and returns the
// abstract syntaxes that were accepted and whether the identity was answered.
func (r *running) bring(t *testing.T, d *device, id *ul.UserIdentity) (accepted []dicom.UID, answered bool, err error) {
	t.Helper()
	o := ul.RequestOptions{Identity: id}
	for i, class := range []dicom.UID{dict.UIDVerification, findStudies, getStudies} {
		o.Contexts = append(o.Contexts, ul.ProposedContext{ID: uint8(2*i + 1), AbstractSyntax: class, TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID}})
	}
	c, err := r.associate(t, d, o)
	if err != nil {
		return nil, false, err
	}
	a := c.Association()
	for _, pc := range a.Contexts() {
		accepted = append(accepted, pc.AbstractSyntax)
	}
	answered = a.Answer().User.IdentityResponse != nil
	return accepted, answered, c.Close(context.Background())
}

func passcode(name, secret string, wanted bool) *ul.UserIdentity {
	return &ul.UserIdentity{Type: ul.IdentityPasscode, ResponseWanted: wanted, Primary: []byte(name), Secondary: []byte(secret)}
}

func TestUserIdentityByPasscode(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	r.person(t, "boss", policy.Administrator)
	d := r.enrol(t, "ws1", "WS1", "echo,find", nil)

	all, answered, err := r.bring(t, d, nil)
	if err != nil || len(all) != 2 || answered {
		t.Fatalf("without an identity: %v, %v, %v", all, answered, err)
	}
	got, answered, err := r.bring(t, d, passcode("erika", goodPassword, true))
	if err != nil || len(got) != 2 || !answered {
		t.Errorf("what the person may do beyond the device was accepted: %v, %v, %v", got, answered, err)
	}
	if _, answered, err = r.bring(t, d, passcode("erika", goodPassword, false)); err != nil || answered {
		t.Errorf("answered without being asked: %v, %v", answered, err)
	}
	if got, _, err = r.bring(t, d, passcode("boss", goodPassword, true)); err != nil || len(got) != 1 || got[0] != dict.UIDVerification {
		t.Errorf("what the device may do beyond the person was accepted: %v, %v", got, err)
	}
	found := false
	for _, e := range r.records(t, audit.AssociationBegin) {
		for _, detail := range e.Details {
			found = found || e.Principal == "ws1" && e.Role == "radiologist" && detail == audit.Detail{Name: "user", Value: "erika"}
		}
	}
	if !found {
		t.Error("the trail does not name the person at the device")
	}
	for name, id := range map[string]*ul.UserIdentity{
		"wrong passcode": passcode("erika", "wrong", true), "no passcode": passcode("erika", "", false),
		"nobody": passcode("nobody", goodPassword, true), "an odd name": passcode("\xff\x00", "x", true),
		"a JWT without a provider": {Type: ul.IdentityJWT, Primary: []byte("a.b.c")},
	} {
		_, _, err := r.bring(t, d, id)
		var rj *ul.RejectError
		if !errors.As(err, &rj) || rj.Result != ul.RejectedPermanent || rj.Source != ul.RejectedByACSE || rj.Reason != ul.ReasonNoneGiven {
			t.Errorf("%s: %v", name, err)
		}
	}
	var refusals []audit.Event
	for _, e := range r.records(t, audit.AssociationRefused) {
		if strings.Contains(e.Reason, "user identity") {
			refusals = append(refusals, e)
		}
	}
	if len(refusals) != 5 {
		t.Errorf("%d refusals in the trail: %+v", len(refusals), refusals)
	}
	for _, e := range refusals {
		if e.Principal != "ws1" || strings.Contains(e.Reason, "nobody") {
			t.Errorf("%+v", e)
		}
	}
	if strings.Contains(r.log.String(), goodPassword) {
		t.Error("a passcode is in the log")
	}
}

// Kinds that cannot be verified count as none: the device acts by itself, and
// nobody is told otherwise.
func TestUserIdentityRules(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	bare := &ul.UserIdentity{Type: ul.IdentityUsername, ResponseWanted: true, Primary: []byte("erika")}
	optional := r.enrol(t, "ws1", "WS1", "echo,find", nil)
	if got, answered, err := r.bring(t, optional, bare); err != nil || answered || len(got) != 2 {
		t.Errorf("a name alone: %v, %v, %v", got, answered, err)
	}
	required := r.enrol(t, "ws2", "WS2", "echo,find", func(d *identity.Device) { d.UserIdentity = identity.IdentityRequired })
	for _, id := range []*ul.UserIdentity{nil, bare, {Type: ul.IdentitySAML, Primary: []byte("<x/>")}} {
		if _, _, err := r.bring(t, required, id); err == nil {
			t.Errorf("%+v: a device that needs an identity goes without", id)
		}
	}
	if _, _, err := r.bring(t, required, passcode("erika", goodPassword, true)); err != nil {
		t.Errorf("the right one: %v", err)
	}
	ignored := r.enrol(t, "ws3", "WS3", "echo,find", func(d *identity.Device) { d.UserIdentity = identity.IdentityIgnored })
	if got, answered, err := r.bring(t, ignored, passcode("erika", "wrong", true)); err != nil || answered || len(got) != 2 {
		t.Errorf("ignored: %v, %v, %v", got, answered, err)
	}
}

// An association ends when the person at the device may no longer do what they
// could.
func TestUserIdentityRevoked(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	d := r.enrol(t, "ws1", "WS1", "echo,find", nil)
	c, err := r.associate(t, d, ul.RequestOptions{Identity: passcode("erika", goodPassword, true), Contexts: []ul.ProposedContext{
		{ID: 1, AbstractSyntax: dict.UIDVerification, TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID}}}})
	if err != nil {
		t.Fatal(err)
	}
	r.administer(t, func(a *server.Admin) error { return a.Accounts.SetDisabled(t.Context(), "erika", true) })
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := c.Echo(t.Context()); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the association of a disabled user goes on")
		}
	}
}

func TestUserIdentityByJWT(t *testing.T) {
	p := oidctest.Start(t)
	r := startIn(t, t.TempDir(), withOIDC(p))
	d := r.enrol(t, "ws1", "WS1", "echo,find", nil)
	token := func(audience, group string) []byte {
		return []byte(p.Sign(t, map[string]any{"iss": p.Issuer, "sub": "anna-1", "aud": audience, "groups": []string{group},
			"preferred_username": "anna", "exp": time.Now().Add(time.Minute).Unix()}))
	}
	jwt := func(b []byte) *ul.UserIdentity {
		return &ul.UserIdentity{Type: ul.IdentityJWT, ResponseWanted: true, Primary: b}
	}
	if got, answered, err := r.bring(t, d, jwt(token("tresor-api", "readers"))); err != nil || !answered || len(got) != 2 {
		t.Errorf("%v, %v, %v", got, answered, err)
	}
	for name, b := range map[string][]byte{"another audience": token("other", "readers"), "no role": token("tresor-api", "staff"), "rubbish": []byte("a.b.c")} {
		if _, _, err := r.bring(t, d, jwt(b)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	// The same token is a bearer token of DICOMweb.
	b := r.browser(t, string(token("tresor-api", "readers")))
	if a, _ := b.do("GET", "/dicom-web/studies", nil, "Accept", "application/dicom+json"); a.StatusCode != 200 && a.StatusCode != 204 {
		t.Errorf("DICOMweb: %d", a.StatusCode)
	}
	b = r.browser(t, string(token("other", "readers")))
	if a, _ := b.do("GET", "/dicom-web/studies", nil, "Accept", "application/dicom+json"); a.StatusCode != 401 {
		t.Errorf("DICOMweb with another audience: %d", a.StatusCode)
	}
}

// withOIDC configures a provider of tests.
func withOIDC(p *oidctest.Provider) func(*server.Config) {
	return func(c *server.Config) {
		c.OIDC = server.OIDC{Issuer: p.Issuer, ClientID: oidctest.ClientID, RoleClaim: "groups", Audience: "tresor-api",
			Roles: map[string]string{"readers": "radiologist", "admins": "administrator"}}
	}
}

// DCMTK's clients bring user name and passcode, and insist on the answer.
func TestUserIdentityFromDCMTK(t *testing.T) {
	storescu, err := exec.LookPath("storescu")
	if err != nil {
		t.Skip("storescu is not installed: Debian package dcmtk")
	}
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	d := r.enrol(t, "ws1", "WS1", "store", func(d *identity.Device) { d.UserIdentity = identity.IdentityRequired })
	file := samples(t, encoding.ExplicitLE, synth.Options{Count: 1, Rows: 16, Columns: 16})[0].path
	run := func(secret string) (string, error) {
		out, err := exec.CommandContext(t.Context(), storescu, "-v", "+tls", d.tls().Key, d.tls().Cert, "+cf", d.tls().CA,
			"-aet", "WS1", "-aec", "TRESOR", "--user", "erika", "--password", secret, "--pos-response", "127.0.0.1", r.port(t), file).CombinedOutput()
		return string(out), err
	}
	if out, err := run(goodPassword); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run("wrong"); err == nil || !strings.Contains(out, "Rejected Permanent") {
		t.Errorf("%v\n%s", err, out)
	}
}
