package archive_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func as(role policy.Role) policy.Principal {
	return policy.Principal{Kind: policy.User, Name: "somebody", Role: role, Rights: policy.RightsOf(role, policy.Scope{})}
}

// quarantined stores an instance and two others under its UID.
func quarantined(t *testing.T, f *fixture) (stored, newcomer []byte) {
	t.Helper()
	s := f.As(everything)
	stored = instance(t, "1.2.3", "1.2.3.4", nil)
	newcomer = instance(t, "1.2.3", "1.2.3.4", func(d *dicom.DataSet) { d.PutString(dict.PatientName, dicom.VRPN, "Anders^Erika") })
	if _, err := s.Store(t.Context(), incoming("1.2.3.4", stored)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the same bytes again are not kept twice
		if _, err := s.Store(t.Context(), incoming("1.2.3.4", newcomer)); !errors.Is(err, archive.ErrDuplicate) {
			t.Fatal(err)
		}
	}
	return stored, newcomer
}

func waiting(t *testing.T, f *fixture) (list []archive.Quarantined) {
	t.Helper()
	for q, err := range f.As(as(policy.Administrator)).Quarantine(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, q)
	}
	return list
}

func (f *fixture) bytes(t *testing.T, l archive.Location) []byte {
	t.Helper()
	o, err := f.config.Vault.Open(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	b, err := io.ReadAll(io.NewSectionReader(o, 0, o.Meta().Length))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (f *fixture) current(t *testing.T) archive.Entry {
	t.Helper()
	e, err := f.config.Catalog.Instance(t.Context(), "1.2.3.4")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCompareNamesWhatDiffers(t *testing.T) {
	f := open(t)
	quarantined(t, f)
	list := waiting(t, f)
	if len(list) != 1 {
		t.Fatalf("%d wait", len(list))
	}
	_, changes, err := f.As(as(policy.Administrator)).Compare(t.Context(), &list[0])
	if err != nil || len(changes) != 1 || changes[0].Name != "PatientName" || changes[0].Newcomer != "Anders^Erika" {
		t.Errorf("%+v, %v", changes, err)
	}
}

// Replace swaps the two; a catalog made anew says the same.
func TestReplaceSwapsAndLosesNothing(t *testing.T) {
	f := open(t)
	stored, newcomer := quarantined(t, f)
	q := waiting(t, f)[0]
	admin := f.As(as(policy.Administrator))
	if err := admin.Replace(t.Context(), &q); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		list := waiting(t, f)
		if len(list) != 1 || !bytes.Equal(f.bytes(t, list[0].Location), stored) || !bytes.Equal(f.bytes(t, f.current(t).Location), newcomer) {
			t.Fatalf("%s: %d in quarantine", when, len(list))
		}
	}
	check("replaced")
	if err := admin.Replace(t.Context(), &q); err != nil {
		t.Error("called again:", err)
	}
	check("called again")
	if _, err := archive.Rebuild(t.Context(), f.config); err != nil {
		t.Fatal(err)
	}
	check("after a rebuild")
	verified, err := archive.Verify(t.Context(), f.config, func(d archive.Difference) { t.Error(d) }, nil)
	if err != nil || verified.Objects != 2 {
		t.Errorf("%+v %v", verified, err)
	}
	// And back again.
	back := waiting(t, f)[0]
	if err := admin.Replace(t.Context(), &back); err != nil || !bytes.Equal(f.bytes(t, f.current(t).Location), stored) {
		t.Error(err)
	}
}

func TestDropDeletesTheNewcomerAlone(t *testing.T) {
	f := open(t)
	stored, _ := quarantined(t, f)
	q := waiting(t, f)[0]
	for _, role := range []policy.Role{policy.Radiologist, policy.Technologist, policy.Referrer, policy.Auditor, policy.PrivacyOfficer} {
		s := f.As(as(role))
		if !errors.Is(s.Drop(t.Context(), &q), archive.ErrDenied) || !errors.Is(s.Replace(t.Context(), &q), archive.ErrDenied) {
			t.Error(role, "decides")
		}
	}
	if err := f.As(as(policy.Administrator)).Drop(t.Context(), &q); err != nil {
		t.Fatal(err)
	}
	if len(waiting(t, f)) != 0 || !bytes.Equal(f.bytes(t, f.current(t).Location), stored) {
		t.Error("dropped too much or too little")
	}
	if _, err := f.config.Vault.Open(t.Context(), q.Location); !errors.Is(err, archive.ErrNotFound) {
		t.Error(err)
	}
}

// After an erasure nothing of the study can be found, read or made again from
// the vault, its quarantine included; others stay.
func TestEraseTakesAllOfAStudy(t *testing.T) {
	f := open(t)
	quarantined(t, f)
	other := instance(t, "1.2.5", "1.2.5.1", nil)
	if _, err := f.As(everything).Store(t.Context(), incoming("1.2.5.1", other)); err != nil {
		t.Fatal(err)
	}
	before := f.current(t)
	if _, err := f.As(as(policy.Radiologist)).Erase(t.Context(), "1.2.3"); !errors.Is(err, archive.ErrDenied) {
		t.Error(err)
	}
	if f.current(t) != before {
		t.Fatal("erased by somebody without the right")
	}
	officer := f.As(as(policy.PrivacyOfficer))
	sum, err := officer.Erase(t.Context(), "1.2.3")
	if err != nil || sum.Instances != 1 || sum.Bytes != before.Length {
		t.Fatalf("%+v %v", sum, err)
	}
	e := f.trail.last()
	if e.Code != audit.StudyDeleted || e.Studies[0] != "1.2.3" || e.Count != 1 || len(e.Patients) != 1 {
		t.Errorf("%+v", e)
	}
	for _, step := range []string{"at once", "after a rebuild"} {
		if _, err := f.config.Vault.Open(t.Context(), before.Location); !errors.Is(err, archive.ErrNotFound) {
			t.Error(step, err)
		}
		if _, err := f.config.Catalog.Instance(t.Context(), "1.2.3.4"); !errors.Is(err, archive.ErrNotFound) {
			t.Error(step, err)
		}
		if len(waiting(t, f)) != 0 {
			t.Error(step, "something waits in the quarantine")
		}
		if _, err := f.config.Catalog.Instance(t.Context(), "1.2.5.1"); err != nil {
			t.Error(step, "another study went too:", err)
		}
		if _, err := archive.Rebuild(t.Context(), f.config); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := officer.Erase(t.Context(), "1.2.3"); err != nil {
		t.Error("a second time:", err)
	}
	f.trail.broken = errors.New("disk is gone")
	if _, err := officer.Erase(t.Context(), "1.2.5"); err == nil {
		t.Error("erased without a record")
	}
	f.trail.broken = nil
	if _, err := f.config.Catalog.Instance(t.Context(), "1.2.5.1"); err != nil {
		t.Error("erased without a record:", err)
	}
}

func TestFactsKnowThePatientsLastExamination(t *testing.T) {
	f := open(t)
	s := f.As(everything)
	for i, c := range []struct{ patient, date, modality string }{{"A", "20100101", "CT"}, {"A", "20200229", "MR"}, {"B", "20150101", "RTPLAN"}, {"", "20160101", "CT"}, {"", "", "CT"}} {
		uid := dicom.UID("1.2." + string(rune('1'+i)))
		b := instance(t, uid, uid+".1", func(d *dicom.DataSet) {
			d.PutString(dict.PatientID, dicom.VRLO, c.patient)
			d.PutString(dict.PatientBirthDate, dicom.VRDA, "19700101")
			d.PutString(dict.StudyDate, dicom.VRDA, c.date)
			d.PutString(dict.Modality, dicom.VRCS, c.modality)
		})
		if _, err := s.Store(t.Context(), incoming(uid+".1", b)); err != nil {
			t.Fatal(err)
		}
	}
	officer := f.As(as(policy.PrivacyOfficer))
	got := func(uid dicom.UID) string {
		var lines []string
		for fact, err := range officer.Facts(t.Context(), uid) {
			if err != nil {
				t.Fatal(err)
			}
			r := policy.RetentionOf(fact.Study)
			lines = append(lines, string(fact.UID)+" "+string(r.Class)+" "+r.Until.Format(time.DateOnly))
		}
		return strings.Join(lines, "; ")
	}
	want := []string{"1.2.1 adult 2030-03-02", "1.2.2 adult 2030-03-02", "1.2.3 treatment 2045-01-02", "1.2.4 adult 2026-01-02", "1.2.5 date-unknown 0001-01-01"}
	if all := got(""); all != strings.Join(want, "; ") {
		t.Error(all)
	}
	for i, w := range want {
		if one := got(dicom.UID("1.2." + string(rune('1'+i)))); one != w {
			t.Error(one)
		}
	}
	for _, err := range f.As(as(policy.Radiologist)).Facts(t.Context(), "") {
		if !errors.Is(err, archive.ErrDenied) {
			t.Error(err)
		}
	}
}
