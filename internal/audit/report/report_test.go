package report

import (
	"errors"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// at is a record so many minutes after noon.
func at(minutes int, e audit.Event) audit.Record {
	m, _ := e.Code.Meaning()
	if e.Action == 0 {
		e.Action = m.Action
	}
	return audit.Record{Seq: uint64(minutes + 1), Line: minutes + 2, Time: noon.Add(time.Duration(minutes) * time.Minute), Event: e}
}

func by(name, kind, role string, e audit.Event) audit.Event {
	e.Principal, e.PrincipalKind, e.Role, e.Peer = name, kind, role, "192.0.2.7:4711"
	return e
}

var (
	ofErika  = audit.Event{Patients: []string{"4711"}, Studies: []dicom.UID{"1.2.3"}, Count: 2, Bytes: 1000}
	ofAnton  = audit.Event{Patients: []string{"0815"}, Studies: []dicom.UID{"1.2.9"}, Count: 5, Bytes: 9000}
	theTrail = []audit.Record{
		at(0, by("ct1", "device", "", with(ofErika, audit.InstancesTransferred, audit.Create))),
		at(1, by("ct1", "device", "", with(ofAnton, audit.InstancesTransferred, audit.Create))),
		at(10, by("anna", "user", "radiologist", with(ofErika, audit.InstancesAccessed, audit.Read))),
		at(12, by("anna", "user", "radiologist", with(ofErika, audit.InstancesAccessed, audit.Read))),
		at(13, by("anna", "user", "radiologist", audit.Event{Code: audit.Query})),
		at(90, by("anna", "user", "radiologist", with(ofErika, audit.InstancesAccessed, audit.Read))),
		at(100, by("max", "token", "radiologist", audit.Event{Code: audit.EmergencyOverrideStarted, Reason: "stroke", Patients: []string{"4711"},
			Details: []audit.Detail{{Name: "break-glass", Value: "g1"}}})),
		at(101, by("max", "token", "radiologist", with(emergency(ofErika, "g1"), audit.InstancesTransferred, audit.Read))),
		at(102, by("max", "token", "radiologist", with(ofAnton, audit.InstancesTransferred, audit.Read))),
		at(103, by("max", "token", "radiologist", audit.Event{Code: audit.BudgetPassed, Outcome: audit.SeriousFailure, Reason: "studies an hour"})),
		at(104, by("max", "token", "radiologist", audit.Event{Code: audit.InstancesTransferred, Action: audit.Read})), // nothing found
		at(110, audit.Event{Code: audit.StudyDeleted, PrincipalKind: "system", Principal: "command line: root", Studies: []dicom.UID{"1.2.3"}}),
		at(111, audit.Event{Code: audit.AuditLogUsed, PrincipalKind: "system", Principal: "command line: root"}),
	}
)

func with(e audit.Event, code audit.Code, a audit.Action) audit.Event {
	e.Code, e.Action = code, a
	return e
}

func emergency(e audit.Event, grant string) audit.Event {
	e.Details = []audit.Detail{{Name: "break-glass", Value: grant}}
	return e
}

func seq(records []audit.Record, errs ...error) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, err := range errs {
			r := audit.Record{}
			if errors.Is(err, errDamaged) {
				r.Line = 3
			}
			if !yield(r, err) {
				return
			}
		}
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

var errDamaged = errors.New("damaged")

func TestHistory(t *testing.T) {
	h, err := NewHistory(seq(theTrail, errDamaged), "4711", HistoryOptions{})
	if err != nil || h.Unreadable != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
	var got []string
	for _, a := range h.Accesses {
		got = append(got, strings.Join([]string{a.First.Format("15:04"), a.Last.Format("15:04"), a.Who, a.What, a.Why}, " "))
		if a.Name != "" || strings.Contains(a.From, "192.0.2.7") {
			t.Errorf("it names somebody: %+v", a)
		}
	}
	want := []string{
		"12:00 12:00 device stored ",
		"12:10 12:12 radiologist looked at ",
		"13:30 13:30 radiologist looked at ",
		"13:40 13:40 radiologist opened in an emergency emergency: stroke",
		"13:41 13:41 radiologist fetched emergency: stroke",
		"13:50 13:50 archive erased ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if a := h.Accesses[1]; a.Records != 2 || a.Instances != 4 || a.From != "192.0.2.0/24" || !slices.Equal(a.Studies, []dicom.UID{"1.2.3"}) {
		t.Errorf("%+v", a)
	}
}

func TestHistoryWithNamesWithinATime(t *testing.T) {
	h, err := NewHistory(seq(theTrail), "4711", HistoryOptions{From: noon.Add(100 * time.Minute), To: noon.Add(111 * time.Minute), Names: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range h.Accesses {
		names = append(names, a.Name)
	}
	// The erased study is known as the patient's from before the time.
	if !slices.Equal(names, []string{"max", "max", "command line: root"}) || h.Accesses[0].From != "192.0.2.7" {
		t.Errorf("%+v", h.Accesses)
	}
	if h, err := NewHistory(seq(theTrail), "nobody", HistoryOptions{}); err != nil || len(h.Accesses) != 0 {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := NewHistory(seq(nil, errors.New("gone")), "4711", HistoryOptions{}); err == nil {
		t.Error("a trail that cannot be read")
	}
}

func TestBreach(t *testing.T) {
	b, err := NewBreach(seq(theTrail), "max", noon.Add(time.Hour), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Patients) != 2 || b.Patients[0].Patient != "4711" || b.Patients[1].Patient != "0815" ||
		b.Patients[1].Instances != 5 || b.Patients[1].Bytes != 9000 || !slices.Equal(b.Patients[1].Studies, []dicom.UID{"1.2.9"}) {
		t.Errorf("%+v", b.Patients)
	}
	if b.Instances != 7 || b.Bytes != 10000 || b.Refused != 1 || b.Queries != 0 || b.Stored != 0 {
		t.Errorf("%+v", b)
	}
	if !reflect.DeepEqual(b.Kinds, []string{"token"}) || !reflect.DeepEqual(b.Addresses, []string{"192.0.2.7"}) {
		t.Errorf("%v %v", b.Kinds, b.Addresses)
	}
	if len(b.Alarms) != 2 || b.Alarms[1].Code != string(audit.BudgetPassed) {
		t.Errorf("%+v", b.Alarms)
	}
	if b.Keys.Exposed || b.Keys.OnServer["command line: root"] != 2 {
		t.Errorf("%+v", b.Keys)
	}
	if b, err := NewBreach(seq(theTrail), "anna", time.Time{}, noon.Add(20*time.Minute)); err != nil || b.Queries != 1 || len(b.Patients) != 1 || b.Patients[0].Instances != 4 {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestBreachTellsSignsOfExposure(t *testing.T) {
	if b, err := NewBreach(seq(theTrail), "command line: root", time.Time{}, time.Time{}); err != nil || !b.Keys.Exposed {
		t.Errorf("who works on the server: %+v, %v", b, err)
	}
	damaged := append(slices.Clone(theTrail), at(200, audit.Event{Code: audit.TrailDamaged, Outcome: audit.MajorFailure, Reason: "cut"}))
	if b, err := NewBreach(seq(damaged), "max", time.Time{}, time.Time{}); err != nil || !b.Keys.Exposed || len(b.Keys.Signs) != 1 {
		t.Errorf("a damaged trail: %+v, %v", b, err)
	}
}

func TestNetwork(t *testing.T) {
	for peer, want := range map[string]string{
		"192.0.2.7:4711": "192.0.2.0/24", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64", "[::ffff:192.0.2.7]:1": "192.0.2.0/24",
		"[fe80::1%eth0]:1": "fe80::/64", "": "", "somewhere": "",
	} {
		if got := network(peer); got != want {
			t.Errorf("%q: %q", peer, got)
		}
	}
}
