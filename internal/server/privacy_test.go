package server_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// TestBreakGlassOpensARunningArchive: what the scope hides is not there, until
// the person gives a reason; then it is, the alarm is in the trail, and so is
// under which grant each study was read; and it ends.
func TestBreakGlassOpensARunningArchive(t *testing.T) {
	r := start(t)
	all := r.studiesOf(t, 2)
	var secret string
	r.administer(t, func(a *server.Admin) (err error) {
		scope := policy.Scope{Studies: []string{string(all[0])}}
		if err = a.Accounts.AddUser(t.Context(), identity.User{Name: "erika", Role: policy.Radiologist, Scope: scope}, ""); err == nil {
			secret, _, err = a.Accounts.CreateToken(t.Context(), "erika", time.Hour)
		}
		return err
	})
	b := r.browser(t, secret)
	get := func(u dicom.UID) int { a, _ := b.do("GET", "/dicom-web/studies/"+string(u), nil); return a.StatusCode }
	if get(all[0]) != 200 || get(all[1]) != 404 {
		t.Fatal("the scope does not hold", get(all[0]), get(all[1]))
	}
	var grant access.Grant
	r.administer(t, func(a *server.Admin) error {
		who, err := a.Person(t.Context(), "erika", secret)
		if err != nil {
			return err
		}
		if _, err := a.Person(t.Context(), "max", secret); !errors.Is(err, identity.ErrSignIn) {
			t.Error("another's token:", err)
		}
		grant, err = a.Access.BreakGlass(t.Context(), who, policy.Scope{Studies: []string{string(all[1])}}, "unconscious after an accident", 0)
		return err
	})
	r.within(t, time.Second, func() bool { return get(all[1]) == 200 })
	if get(all[0]) != 200 {
		t.Error("what was visible before is not any more")
	}
	if a, body := b.do("GET", "/dicom-web/studies", nil); a.StatusCode != 200 || !strings.Contains(string(body), string(all[1])) {
		t.Error("the search does not find it:", a.Status)
	}
	r.administer(t, func(a *server.Admin) error {
		who, err := a.Person(t.Context(), "erika", secret)
		if err != nil {
			return err
		}
		return a.Access.EndBreakGlass(t.Context(), who, grant.ID)
	})
	r.within(t, time.Second, func() bool { return get(all[1]) == 404 })
	var codes []audit.Code
	under := 0
	for rec, err := range server.SearchTrail(t.Context(), r.dir, audit.Filter{Principal: "erika"}) {
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, rec.Event.Code)
		if slices.Contains(rec.Event.Details, audit.Detail{Name: "break-glass", Value: grant.ID}) && slices.Contains(rec.Event.Studies, all[1]) {
			under++
		}
	}
	if !slices.Contains(codes, audit.EmergencyOverrideStarted) || !slices.Contains(codes, audit.EmergencyOverrideStopped) || under == 0 {
		t.Errorf("the trail: %v, %d reads under the grant", codes, under)
	}
}

// TestEmergencyPage: the page of a signed-in person does the same.
func TestEmergencyPage(t *testing.T) {
	r := start(t)
	all := r.studiesOf(t, 1)
	var secret, auditor string
	r.administer(t, func(a *server.Admin) (err error) {
		scope := policy.Scope{Studies: []string{"1.2.3"}}
		for name, role := range map[string]policy.Role{"erika": policy.Radiologist, "otto": policy.Auditor} {
			if err := a.Accounts.AddUser(t.Context(), identity.User{Name: name, Role: role, Scope: scope}, ""); err != nil {
				return err
			}
		}
		if secret, _, err = a.Accounts.CreateToken(t.Context(), "erika", time.Hour); err == nil {
			auditor, _, err = a.Accounts.CreateToken(t.Context(), "otto", time.Hour)
		}
		return err
	})
	b := r.guest(t).with(secret)
	post := func(b *browser, path, form string) int {
		a, _ := b.do("POST", path, strings.NewReader(form), "Content-Type", "application/x-www-form-urlencoded")
		return a.StatusCode
	}
	get := func() int { a, _ := b.do("GET", "/dicom-web/studies/"+string(all[0]), nil); return a.StatusCode }
	if a, body := b.do("GET", "/emergency", nil); a.StatusCode != 200 || !strings.Contains(string(body), "name=\"reason\"") {
		t.Error(a.Status)
	}
	if code := post(b, "/emergency", "reason=short"); code != 422 || get() != 404 {
		t.Error("opened without a reason:", code)
	}
	if code := post(r.guest(t).with(auditor), "/emergency", "reason=unconscious+after+an+accident"); code != 403 {
		t.Error("an auditor:", code)
	}
	if code := post(b, "/emergency", "reason=unconscious+after+an+accident"); code != 303 || get() != 200 {
		t.Error("not opened:", code, get())
	}
	_, body := b.do("GET", "/emergency", nil)
	_, rest, ok := strings.Cut(string(body), "action=\"/emergency/")
	id, _, _ := strings.Cut(rest, "/end")
	if code := post(b, "/emergency/"+id+"/end", ""); !ok || code != 303 || get() != 404 {
		t.Error("not given back:", code, get())
	}
	if code := post(b, "/emergency/"+id+"/end", ""); code != 404 {
		t.Error("given back twice:", code)
	}
}

// put stores one data set over DIMSE.
func (r *running) put(t *testing.T, d *device, o *synth.Object) dimse.Status {
	t.Helper()
	class := o.Header.UID(dict.SOPClassUID)
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: []ul.ProposedContext{{AbstractSyntax: class, TransferSyntaxes: []dicom.UID{encoding.ExplicitLE.UID}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(t.Context())
	var b bytes.Buffer
	if err := o.Write(&b, encoding.ExplicitLE); err != nil {
		t.Fatal(err)
	}
	result, err := client.Store(t.Context(), dimse.StoreRequest{SOPClass: class, SOPInstance: o.Instance, TransferSyntax: encoding.ExplicitLE.UID, DataSet: &b})
	if err != nil {
		t.Fatal(err)
	}
	return result.Status
}

// TestQuarantineIsSettled: beside a running server and without one.
func TestQuarantineIsSettled(t *testing.T) {
	r := start(t)
	ct := r.enrol(t, "ct1", "CT1", "store,find,get", nil)
	var object *synth.Object
	for o := range synth.New(5).Objects(synth.Options{Count: 1, Rows: 16, Columns: 16}) {
		object = o
		break
	}
	if s := r.put(t, ct, object); s != dimse.StatusSuccess {
		t.Fatal(s)
	}
	object.Header.PutString(dict.StudyDescription, dicom.VRLO, "another")
	for range 2 {
		if s := r.put(t, ct, object); s != dimse.StatusDuplicateSOPInstance {
			t.Fatal(s)
		}
	}
	list := func() (all []server.Aside) {
		if err := server.Quarantine(t.Context(), r.dir, func(a server.Aside) error { all = append(all, a); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	waiting := list()
	if len(waiting) != 1 || waiting[0].State != "waiting" {
		t.Fatalf("%+v", waiting)
	}
	c, err := server.CompareQuarantined(t.Context(), r.dir, waiting[0].ID)
	if err != nil || !slices.ContainsFunc(c.Changes, func(x archive.Change) bool { return x.Newcomer == "another" }) {
		t.Errorf("%+v, %v", c, err)
	}
	decide := func(id string, choice access.Choice) {
		t.Helper()
		r.administer(t, func(a *server.Admin) error {
			return a.Decide(t.Context(), server.DefaultConfig(), a.Operator(), id, choice, "looked at both, with the ward")
		})
	}
	decide(waiting[0].ID, access.Replace)
	waiting = list()
	if len(waiting) != 1 {
		t.Fatalf("the first one is lost: %+v", waiting)
	}
	c, err = server.CompareQuarantined(t.Context(), r.dir, waiting[0].ID)
	if err != nil || !slices.ContainsFunc(c.Changes, func(x archive.Change) bool { return x.Stored == "another" }) {
		t.Errorf("not replaced: %+v, %v", c, err)
	}
	decide(waiting[0].ID, access.Keep)
	if after := list(); len(after) != 1 || after[0].State != "kept aside" {
		t.Errorf("%+v", after)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	decide(waiting[0].ID, access.Drop) // without a server
	if after := list(); len(after) != 0 {
		t.Errorf("%+v", after)
	}
}
