package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

// notes is a trail in memory that can be made to fail.
type notes struct {
	mu     sync.Mutex
	events []audit.Event
	broken error
}

func (n *notes) Append(_ context.Context, e audit.Event) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken != nil {
		return 0, n.broken
	}
	n.events = append(n.events, e)
	return uint64(len(n.events)), nil
}

func (n *notes) last() audit.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.events) == 0 {
		return audit.Event{}
	}
	return n.events[len(n.events)-1]
}

type fixture struct {
	*archive.Archive
	config archive.Config
	trail  *notes
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{trail: &notes{}}
	f.config = archive.Config{Catalog: storetest.NewCatalog(), Vault: storetest.NewVault(), Trail: f.trail, Limits: encoding.DefaultLimits()}
	a, err := archive.Open(t.Context(), f.config)
	if err != nil {
		t.Fatal(err)
	}
	f.Archive = a
	return f
}

func device(rights ...policy.Right) policy.Principal {
	return policy.Principal{Kind: policy.Device, Name: "ct1", Rights: rights}
}

var everything = device(policy.DeviceRights...)

// instance returns the encoded data set of an instance; change may alter it first.
func instance(t *testing.T, study, uid dicom.UID, change func(*dicom.DataSet)) []byte {
	t.Helper()
	ds := new(dicom.DataSet)
	ds.PutUID(dict.SOPClassUID, dict.UIDSecondaryCaptureImageStorage)
	ds.PutUID(dict.SOPInstanceUID, uid)
	ds.PutString(dict.Modality, dicom.VRCS, "OT")
	ds.PutString(dict.PatientName, dicom.VRPN, "Muster^Erika")
	ds.PutString(dict.PatientID, dicom.VRLO, "4711")
	ds.PutUID(dict.StudyInstanceUID, study)
	ds.PutUID(dict.SeriesInstanceUID, study+".1")
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROB, Data: bytes.Repeat([]byte{1, 2}, 50_000)})
	if change != nil {
		change(ds)
	}
	b, err := encoding.Append(nil, encoding.ExplicitLE, ds)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func incoming(uid dicom.UID, b []byte) archive.Incoming {
	return archive.Incoming{SOPClass: dict.UIDSecondaryCaptureImageStorage, Instance: uid,
		TransferSyntax: dict.UIDExplicitVRLittleEndian, DataSet: bytes.NewReader(b)}
}

func studyQuery(uid dicom.UID) archive.Query {
	keys := new(dicom.DataSet)
	keys.PutUID(dict.StudyInstanceUID, uid)
	return archive.Query{Level: archive.LevelStudy, Keys: keys}
}

func TestStoredIsFoundAndGivenBackBitForBit(t *testing.T) {
	f := open(t)
	s := f.As(everything)
	b := instance(t, "1.2.3", "1.2.3.4", nil)
	r, err := s.Store(t.Context(), incoming("1.2.3.4", b))
	if err != nil || r.Repeated || r.Study != "1.2.3" {
		t.Fatalf("%+v, %v", r, err)
	}
	got, err := s.Retrieve(t.Context(), studyQuery("1.2.3"))
	if err != nil || len(got.Entries) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	o, err := got.Open(t.Context(), &got.Entries[0])
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	back, err := io.ReadAll(io.NewSectionReader(o, 0, got.Entries[0].Length))
	if err != nil || !bytes.Equal(back, b) {
		t.Errorf("%d bytes back of %d, %v", len(back), len(b), err)
	}
	if got.Entries[0].SHA256 != sha256.Sum256(b) {
		t.Error("another hash")
	}
	found := 0
	for ds, err := range s.Find(t.Context(), studyQuery("1.2.3")) {
		if err != nil || ds.UID(dict.StudyInstanceUID) != "1.2.3" {
			t.Errorf("%v, %v", ds, err)
		}
		found++
	}
	if found != 1 {
		t.Errorf("%d found", found)
	}
	// Store, retrieve, query: one record each.
	if len(f.trail.events) != 3 {
		t.Errorf("trail: %+v", f.trail.events)
	}
}

func TestSameBytesAgainAreNoSecondCopyAndOtherBytesGoToQuarantine(t *testing.T) {
	f := open(t)
	s := f.As(everything)
	first := instance(t, "1.2.3", "1.2.3.4", nil)
	other := instance(t, "1.2.3", "1.2.3.4", func(d *dicom.DataSet) { d.PutString(dict.PatientID, dicom.VRLO, "0815") })
	if _, err := s.Store(t.Context(), incoming("1.2.3.4", first)); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Store(t.Context(), incoming("1.2.3.4", first)); err != nil || !r.Repeated {
		t.Errorf("again: %+v, %v", r, err)
	}
	if _, err := s.Store(t.Context(), incoming("1.2.3.4", other)); !errors.Is(err, archive.ErrDuplicate) {
		t.Errorf("other bytes: %v", err)
	}
	got, err := s.Retrieve(t.Context(), studyQuery("1.2.3"))
	if err != nil || len(got.Entries) != 1 || got.Entries[0].SHA256 != sha256.Sum256(first) {
		t.Errorf("the first one did not stay: %+v, %v", got, err)
	}
	waiting := 0
	for q, err := range f.config.Catalog.Quarantine(t.Context(), "") {
		if err != nil || q.SHA256 != sha256.Sum256(other) {
			t.Errorf("%+v, %v", q, err)
		}
		waiting++
	}
	if waiting != 1 {
		t.Errorf("%d in quarantine", waiting)
	}
}

func TestStoreRefuses(t *testing.T) {
	good := func(t *testing.T) []byte { return instance(t, "1.2.3", "1.2.3.4", nil) }
	with := func(change func(*dicom.DataSet)) func(*testing.T) []byte {
		return func(t *testing.T) []byte { return instance(t, "1.2.3", "1.2.3.4", change) }
	}
	for _, c := range []struct {
		name   string
		who    policy.Principal
		data   func(*testing.T) []byte
		change func(*archive.Incoming)
		want   error
	}{
		{"no right", device(policy.Find), good, nil, archive.ErrDenied},
		{"outside the scope", func() policy.Principal {
			p := device(policy.Store)
			p.Scope.Patients = []string{"1"}
			return p
		}(), good, nil, archive.ErrDenied},
		{"another instance", everything, good, func(in *archive.Incoming) { in.Instance = "1.2.3.5" }, archive.ErrMismatch},
		{"another class", everything, good, func(in *archive.Incoming) { in.SOPClass = dict.UIDCTImageStorage }, archive.ErrMismatch},
		{"no study", everything, with(func(d *dicom.DataSet) { d.Delete(dict.StudyInstanceUID) }), nil, archive.ErrMismatch},
		{"a path as UID", everything, with(func(d *dicom.DataSet) { d.PutString(dict.StudyInstanceUID, dicom.VRUI, "../../etc") }), nil, archive.ErrMismatch},
		{"two UIDs", everything, with(func(d *dicom.DataSet) { d.PutString(dict.StudyInstanceUID, dicom.VRUI, "1.2", "1.3") }), nil, archive.ErrMismatch},
		{"no data set", everything, func(*testing.T) []byte { return nil }, nil, archive.ErrMismatch},
		{"unknown transfer syntax", everything, good, func(in *archive.Incoming) { in.TransferSyntax = "1.2.3" }, archive.ErrUnreadable},
		{"cut off", everything, func(t *testing.T) []byte { b := good(t); return b[:len(b)-100] }, nil, archive.ErrUnreadable},
		{"bytes behind", everything, func(t *testing.T) []byte { return append(good(t), "garbage behind it"...) }, nil, archive.ErrUnreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := open(t)
			in := incoming("1.2.3.4", c.data(t))
			if c.change != nil {
				c.change(&in)
			}
			_, err := f.As(c.who).Store(t.Context(), in)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if strings.Contains(err.Error(), "4711") || strings.Contains(err.Error(), "Muster") {
				t.Errorf("patient data in %q", err)
			}
			if e := f.trail.last(); e.Outcome == audit.Success || e.Code != audit.InstancesTransferred {
				t.Errorf("trail: %+v", e)
			}
			if _, err := f.config.Catalog.Instance(t.Context(), "1.2.3.4"); !errors.Is(err, archive.ErrNotFound) {
				t.Errorf("in the catalog: %v", err)
			}
		})
	}
}

func TestNothingIsDoneWhenTheTrailFails(t *testing.T) {
	f := open(t)
	s := f.As(everything)
	if _, err := s.Store(t.Context(), incoming("1.2.3.4", instance(t, "1.2.3", "1.2.3.4", nil))); err != nil {
		t.Fatal(err)
	}
	f.trail.broken = errors.New("disk full")
	if _, err := s.Store(t.Context(), incoming("1.2.3.5", instance(t, "1.2.3", "1.2.3.5", nil))); !errors.Is(err, f.trail.broken) {
		t.Errorf("store: %v", err)
	}
	for _, err := range s.Find(t.Context(), studyQuery("1.2.3")) {
		if !errors.Is(err, f.trail.broken) {
			t.Errorf("find: %v", err)
		}
	}
	if _, err := s.Retrieve(t.Context(), studyQuery("1.2.3")); !errors.Is(err, f.trail.broken) {
		t.Errorf("retrieve: %v", err)
	}
	if _, err := s.Commitment(t.Context(), []archive.Ref{{SOPClass: dict.UIDSecondaryCaptureImageStorage, Instance: "1.2.3.4"}}); !errors.Is(err, f.trail.broken) {
		t.Errorf("commitment: %v", err)
	}
}

func TestCommitmentTellsTheTruth(t *testing.T) {
	f := open(t)
	s := f.As(everything)
	for _, uid := range []dicom.UID{"1.2.3.4", "1.2.3.5"} {
		if _, err := s.Store(t.Context(), incoming(uid, instance(t, "1.2.3", uid, nil))); err != nil {
			t.Fatal(err)
		}
	}
	e, err := f.config.Catalog.Instance(t.Context(), "1.2.3.5")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.config.Vault.Delete(t.Context(), e.Location); err != nil { // the catalog does not know
		t.Fatal(err)
	}
	sc := dict.UIDSecondaryCaptureImageStorage
	got, err := s.Commitment(t.Context(), []archive.Ref{{SOPClass: sc, Instance: "1.2.3.4"}, {SOPClass: dict.UIDCTImageStorage, Instance: "1.2.3.4"},
		{SOPClass: sc, Instance: "1.2.3.5"}, {SOPClass: sc, Instance: "1.2.3.6"}, {SOPClass: sc, Instance: "../x"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, archive.ErrMismatch, archive.ErrNotFound, archive.ErrNotFound, archive.ErrNotFound} {
		if !errors.Is(got[i].Err, want) {
			t.Errorf("%d: %v, want %v", i, got[i].Err, want)
		}
	}
	scoped := device(policy.Commit)
	scoped.Scope.Patients = []string{"another"}
	got, err = f.As(scoped).Commitment(t.Context(), []archive.Ref{{SOPClass: sc, Instance: "1.2.3.4"}})
	if err != nil || !errors.Is(got[0].Err, archive.ErrNotFound) {
		t.Errorf("outside the scope: %+v, %v", got, err)
	}
}

func TestScopeHidesFromFindAndRetrieve(t *testing.T) {
	f := open(t)
	if _, err := f.As(everything).Store(t.Context(), incoming("1.2.3.4", instance(t, "1.2.3", "1.2.3.4", nil))); err != nil {
		t.Fatal(err)
	}
	p := device(policy.Find, policy.Get, policy.Move)
	p.Scope.Modalities = []string{"CT"}
	p.Destinations = []string{"ws"}
	for ds, err := range f.As(p).Find(t.Context(), studyQuery("1.2.3")) {
		t.Errorf("found %v, %v", ds, err)
	}
	if r, err := f.As(p).Retrieve(t.Context(), studyQuery("1.2.3")); err != nil || len(r.Entries) != 0 {
		t.Errorf("retrieve: %+v, %v", r, err)
	}
	if _, err := f.As(p).RetrieveFor(t.Context(), studyQuery("1.2.3"), "elsewhere"); !errors.Is(err, archive.ErrDenied) {
		t.Errorf("another destination: %v", err)
	}
}

func TestCatalogIsBroughtUpAndRebuiltFromTheVault(t *testing.T) {
	f := open(t)
	s := f.As(everything)
	for _, uid := range []dicom.UID{"1.2.3.4", "1.2.3.5", "1.2.3.6"} {
		if _, err := s.Store(t.Context(), incoming(uid, instance(t, "1.2.3", uid, nil))); err != nil {
			t.Fatal(err)
		}
	}
	check := func(c archive.Config) {
		t.Helper()
		v, err := archive.Verify(t.Context(), c, func(d archive.Difference) { t.Errorf("%+v", d) }, nil)
		if err != nil || v.Objects != 3 || v.Instances != 3 {
			t.Errorf("%+v, %v", v, err)
		}
	}
	check(f.config)
	c := f.config
	c.Catalog = storetest.NewCatalog()
	if _, err := archive.Open(t.Context(), c); err != nil { // a crash took all of the catalog
		t.Fatal(err)
	}
	check(c)
	if n, err := archive.Rebuild(t.Context(), c); err != nil || n != 3 {
		t.Errorf("rebuilt %d, %v", n, err)
	}
	check(c)
}

func TestVerifyNamesEveryDifference(t *testing.T) {
	f := open(t)
	s := f.As(everything)
	for _, uid := range []dicom.UID{"1.2.3.4", "1.2.3.5"} {
		if _, err := s.Store(t.Context(), incoming(uid, instance(t, "1.2.3", uid, nil))); err != nil {
			t.Fatal(err)
		}
	}
	e, err := f.config.Catalog.Instance(t.Context(), "1.2.3.4")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.config.Vault.Delete(t.Context(), e.Location); err != nil {
		t.Fatal(err)
	}
	if err := f.config.Catalog.Remove(t.Context(), []dicom.UID{"1.2.3.5"}); err != nil {
		t.Fatal(err)
	}
	var found []string
	v, err := archive.Verify(t.Context(), f.config, func(d archive.Difference) { found = append(found, string(d.Instance)+" "+d.What) }, nil)
	if err != nil || v.Differences != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	want := []string{"1.2.3.4 in the catalog, not in the vault", "1.2.3.5 in the vault, not in the catalog"}
	if strings.Join(found, "|") != strings.Join(want, "|") {
		t.Errorf("%q", found)
	}
}

// A retrieval of two patients is two events: each names what was read of one.
func TestRetrievalNotesEachPatient(t *testing.T) {
	f := open(t)
	s := f.As(everything)
	for i, id := range []string{"4711", "4712"} {
		uid := dicom.UID("1.2.3." + string(rune('1'+i)))
		b := instance(t, uid, uid+".1", func(ds *dicom.DataSet) { ds.PutString(dict.PatientID, dicom.VRLO, id) })
		if _, err := s.Store(t.Context(), incoming(uid+".1", b)); err != nil {
			t.Fatal(err)
		}
	}
	keys := new(dicom.DataSet)
	keys.PutString(dict.StudyInstanceUID, dicom.VRUI, `1.2.3.1\1.2.3.2`)
	r, err := s.Retrieve(t.Context(), archive.Query{Level: archive.LevelStudy, Keys: keys})
	if err != nil || len(r.Entries) != 2 {
		t.Fatalf("%d entries, %v", len(r.Entries), err)
	}
	got := map[string]audit.Event{}
	for _, e := range f.trail.events {
		if e.Code == audit.InstancesTransferred && e.Action == audit.Read {
			got[strings.Join(e.Patients, ",")] = e
		}
	}
	if len(got) != 2 || len(got["4711"].Studies) != 1 || got["4711"].Studies[0] != "1.2.3.1" || got["4712"].Bytes == 0 {
		t.Errorf("events %+v", got)
	}
}

// records is what was written to notes, as a reader of the trail gives it.
type records struct{ *notes }

func (r records) Search(_ context.Context, f audit.Filter) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for i, e := range r.events {
			if uint64(i+1) > f.After && !yield(audit.Record{Seq: uint64(i + 1), Event: e}, nil) {
				return
			}
		}
	}
}

func TestReadTrailAsksAndIsNoted(t *testing.T) {
	f := open(t)
	f.config.Records = records{f.trail}
	a, err := archive.Open(t.Context(), f.config)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range policy.Roles {
		p := policy.Principal{Kind: policy.User, Name: "erika", Role: r, Rights: policy.RightsOf(r, policy.Scope{})}
		may := r == policy.Auditor || r == policy.PrivacyOfficer
		seen := 0
		for rec, err := range a.As(p).ReadTrail(t.Context(), audit.Filter{Patient: "4711"}) {
			if may != (err == nil) || !may && !errors.Is(err, archive.ErrDenied) {
				t.Errorf("%s: %v", r, err)
			}
			if err == nil && rec.Seq > 0 {
				seen++
			}
		}
		e := f.trail.last()
		if e.Code != audit.AuditLogUsed || len(e.Patients) != 1 || e.Role != string(r) || may != (e.Outcome == audit.Success) {
			t.Errorf("%s: the trail has %+v", r, e)
		}
		if may && seen == 0 {
			t.Errorf("%s saw nothing", r)
		}
	}
	f.trail.broken = errors.New("disk is gone")
	p := policy.Principal{Kind: policy.User, Name: "erika", Rights: []policy.Right{policy.ReadTrail}}
	for _, err := range a.As(p).ReadTrail(t.Context(), audit.Filter{}) {
		if err == nil {
			t.Error("the trail was read though that could not be written down")
		}
	}
}
