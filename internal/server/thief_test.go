package server_test

import (
	"context"
	"io"
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
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/server"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// studiesOf stores n studies over DIMSE and returns their UIDs.
func (r *running) studiesOf(t *testing.T, n int) []dicom.UID {
	t.Helper()
	ct := r.enrol(t, "filler", "FILLER", "store", nil)
	var contexts []ul.ProposedContext
	var objects []*synth.Object
	for seed := range n {
		for o := range synth.New(uint64(100 + seed)).Objects(synth.Options{Count: 1, Rows: 16, Columns: 16}) {
			objects = append(objects, o)
			if class := o.Header.UID(0x00080016); !slices.ContainsFunc(contexts, func(c ul.ProposedContext) bool { return c.AbstractSyntax == class }) {
				contexts = append(contexts, ul.ProposedContext{AbstractSyntax: class, TransferSyntaxes: []dicom.UID{encoding.ExplicitLE.UID}})
			}
		}
	}
	client, err := r.associate(t, ct, ul.RequestOptions{Contexts: contexts})
	if err != nil {
		t.Fatal(err)
	}
	var uids []dicom.UID
	for _, o := range objects {
		var b strings.Builder
		if err := o.Write(&b, encoding.ExplicitLE); err != nil {
			t.Fatal(err)
		}
		res, err := client.Store(t.Context(), dimse.StoreRequest{SOPClass: o.Header.UID(0x00080016), SOPInstance: o.Instance,
			TransferSyntax: encoding.ExplicitLE.UID, DataSet: strings.NewReader(b.String())})
		if err != nil || res.Status != dimse.StatusSuccess {
			t.Fatal(res, err)
		}
		if u := o.Header.UID(0x0020000D); !slices.Contains(uids, u) {
			uids = append(uids, u)
		}
	}
	client.Close(t.Context())
	return uids
}

// TestThief: somebody with a stolen token fetches whatever there is. They are
// stopped at the budget, everywhere, the alarm names them, and the trail says
// exactly what they got.
func TestThief(t *testing.T) {
	const budget = 6
	r := startIn(t, t.TempDir(), func(c *server.Config) {
		c.Budgets = map[string]access.Budget{"radiologist": {Studies: budget, Bytes: 1 << 40}}
	})
	all := r.studiesOf(t, budget+4)
	stolen, _ := r.user(t, "erika", policy.Radiologist)
	other, _ := r.user(t, "max", policy.Radiologist)
	thief, colleague := r.browser(t, stolen), r.browser(t, other)
	var got []dicom.UID
	stopped := 0
	for _, study := range all {
		switch a, body := thief.do("GET", "/dicom-web/studies/"+string(study), nil); a.StatusCode {
		case 200:
			if len(body) < 100 {
				t.Fatalf("an answer of %d bytes", len(body))
			}
			got = append(got, study)
		case 429:
			stopped++
		default:
			t.Fatal(a.Status)
		}
	}
	if len(got) != budget || stopped != len(all)-budget {
		t.Errorf("got %d of a budget of %d, was stopped %d times", len(got), budget, stopped)
	}
	for _, path := range []string{"/dicom-web/studies", "/dicom-web/studies/" + string(all[0]) + "/metadata", "/dicom-web/studies/" + string(all[0])} {
		if a, body := thief.do("GET", path, nil); a.StatusCode != 429 || strings.Contains(string(body), string(all[0])) {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
	if a, _ := colleague.do("GET", "/dicom-web/studies/"+string(all[0]), nil); a.StatusCode != 200 {
		t.Error("a colleague is stopped too:", a.Status)
	}
	alarms, transferred := 0, []dicom.UID{}
	for rec, err := range server.SearchTrail(t.Context(), r.dir, audit.Filter{Principal: "erika"}) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case rec.Event.Code == audit.BudgetPassed:
			alarms++
			if rec.Event.PrincipalKind != string(policy.Token) || rec.Event.Peer == "" {
				t.Errorf("the alarm does not name the thief: %+v", rec.Event)
			}
		case rec.Event.Code == audit.InstancesTransferred && rec.Event.Outcome == audit.Success:
			transferred = append(transferred, rec.Event.Studies...)
		}
	}
	if alarms != 1 || !slices.Equal(transferred, got) {
		t.Errorf("%d alarms; the trail lists %d studies, the thief has %d", alarms, len(transferred), len(got))
	}
	// An administrator lifts it, and within a second it goes on.
	r.administer(t, func(a *server.Admin) error {
		if list := a.Access.Standings(); !slices.ContainsFunc(list, func(s access.Standing) bool { return s.Account == "user/erika" && s.Pause.Why != "" }) {
			t.Errorf("not listed: %+v", list)
		}
		return a.Access.Lift(t.Context(), a.Operator(), "user/erika")
	})
	r.within(t, time.Second, func() bool {
		a, _ := thief.do("GET", "/dicom-web/studies/"+string(all[budget]), nil)
		return a.StatusCode == 200
	})
}

// TestBytesEndATransferUnderWay: the budget of bytes stops what is being sent,
// over DIMSE as well, and a restart does not give it back.
func TestBytesEndATransferUnderWay(t *testing.T) {
	dir := t.TempDir()
	change := func(c *server.Config) { c.Budgets = map[string]access.Budget{"device": {Bytes: 4000}} }
	r := startIn(t, dir, change)
	studies := r.studiesOf(t, 12)
	ws := r.enrol(t, "ws", "WS", "find,get", nil)
	got := 0
	for _, u := range studies {
		got += r.gets(t, ws, u)
	}
	if got == 0 || got >= len(studies) {
		t.Fatalf("%d of %d instances", got, len(studies))
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, dir, change)
	if n := again.gets(t, ws, studies[0]); n != 0 {
		t.Error("a restart lifts the pause")
	}
}

// gets asks for a study with C-GET and returns how many instances came.
func (r *running) gets(t *testing.T, d *device, study dicom.UID) (came int) {
	t.Helper()
	var contexts []ul.ProposedContext
	var roles []ul.RoleSelection
	for _, class := range synthClasses {
		contexts = append(contexts, ul.ProposedContext{AbstractSyntax: class, TransferSyntaxes: []dicom.UID{encoding.ExplicitLE.UID}})
		roles = append(roles, ul.RoleSelection{SOPClass: class, SCP: true})
	}
	model := dict.UIDStudyRootQueryRetrieveInformationModelGet
	contexts = append(contexts, ul.ProposedContext{AbstractSyntax: model, TransferSyntaxes: []dicom.UID{encoding.ExplicitLE.UID}})
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: contexts, Roles: roles})
	if err != nil {
		t.Fatal(err)
	}
	keys := new(dicom.DataSet)
	keys.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY")
	keys.PutUID(dict.StudyInstanceUID, study)
	_, err = client.Get(t.Context(), dimse.QueryRequest{SOPClass: model, Identifier: keys},
		dimse.HandlerFunc(func(_ context.Context, _ dimse.ResponseWriter, req *dimse.Request) error {
			if _, err := io.Copy(io.Discard, req.DataSet); err == nil {
				came++
			}
			return nil
		}))
	if err != nil {
		t.Log("get:", err)
	}
	client.Close(t.Context())
	return came
}

// synthClasses are the SOP classes of the studies that the tests make up.
var synthClasses = []dicom.UID{dict.UIDCTImageStorage, dict.UIDMRImageStorage, dict.UIDSecondaryCaptureImageStorage,
	dict.UIDComputedRadiographyImageStorage, dict.UIDUltrasoundImageStorage, dict.UIDDigitalXRayImageStorageForPresentation}
