package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tresor-pacs/tresor/dicom"
)

func fullEvent() Event {
	return Event{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), Code: Query, Action: Execute,
		Outcome: MinorFailure, PrincipalKind: "device", Principal: "ws1", Role: "radiologist", Peer: "[::1]:1",
		CallingAET: "WS1", CalledAET: "TRESOR", Association: "a1", Destination: "ct1",
		Patients: []string{`P"1\`, "P\x01\u00fc"}, Studies: []dicom.UID{"1.2"}, Series: []dicom.UID{"1.3"},
		Instances: []dicom.UID{"1.4"}, SOPClasses: []dicom.UID{"1.5"}, Count: 7, Bytes: 1 << 40, Query: []byte{0, 1, 2, 255},
		Syntax: "1.2.840.10008.1.2", Reason: "why \u2028 not", Details: []Detail{{"a", "b"}, {"a", "c"}}, Omitted: 3,
	}
}

func TestPayloadRoundTrip(t *testing.T) {
	for _, e := range []Event{fullEvent(), {Code: SecurityAlert, Action: Execute}} {
		b := appendEvent(nil, &e)
		got, err := parseEvent(b)
		if err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		e.Time = time.Time{}
		if !reflect.DeepEqual(got, e) {
			t.Errorf("got %+v\nwant %+v", got, e)
		}
	}
}

// TestPayloadKeepsAllFields fails if a field of Event is forgotten by the encoder.
func TestPayloadKeepsAllFields(t *testing.T) {
	e := fullEvent()
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("fullEvent leaves %s empty", v.Type().Field(i).Name)
		}
	}
}

func TestEventJSON(t *testing.T) {
	b, err := json.Marshal(fullEvent())
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if m["action"] != "E" || m["code"] != "query" || m["time"] != "2026-01-02T03:04:05.678901Z" {
		t.Errorf("%s", b)
	}
}

// TestBounds: the greatest event that can be is written in a line that is read.
func TestBounds(t *testing.T) {
	nasty := strings.Repeat("\x01", 100_000)
	e := Event{
		Code: Query, PrincipalKind: nasty, Principal: nasty, Peer: nasty, CallingAET: nasty, CalledAET: nasty,
		Association: nasty, Destination: nasty, Count: -1 << 63, Query: make([]byte, 10*MaxQuery),
		Syntax: dicom.UID(nasty), Reason: nasty,
	}
	for range 10_000 {
		e.Patients = append(e.Patients, nasty)
		e.Studies = append(e.Studies, dicom.UID(nasty))
		e.Details = append(e.Details, Detail{nasty, nasty})
	}
	e.Series, e.Instances, e.SOPClasses = e.Studies, e.Studies, e.Studies
	dir := t.TempDir()
	trail := open(t, dir, Options{})
	if _, err := trail.Append(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, dir, newTestBox(1)); !r.OK() {
		t.Fatalf("findings %v", r.Findings)
	}
	got := collect(t, dir, Filter{})[0].Event
	if len(got.Patients) == 0 || len(got.Patients) > MaxList || len(got.Query) != MaxQuery ||
		len(got.Reason) != MaxString || got.Omitted == 0 {
		t.Errorf("%d patients, %d details, query of %d, reason of %d, %d omitted",
			len(got.Patients), len(got.Details), len(got.Query), len(got.Reason), got.Omitted)
	}
}

func TestLongLists(t *testing.T) {
	e := Event{Code: Query, Action: Execute}
	for range 1000 {
		e.Studies = append(e.Studies, dicom.UID(strings.Repeat("1", 64)))
		e.Details = append(e.Details, Detail{"name", "value"})
	}
	got, err := parseEvent(appendEvent(nil, &e))
	if err != nil || len(got.Studies) != MaxList || len(got.Details) != MaxDetail || got.Omitted != 2000-MaxList-MaxDetail {
		t.Errorf("%d studies, %d details, %d omitted, %v", len(got.Studies), len(got.Details), got.Omitted, err)
	}
}

func TestCutKeepsCharacters(t *testing.T) {
	e := Event{Code: Query, Reason: strings.Repeat("a", MaxString-1) + "\u00e4\u00f6"}
	got, err := parseEvent(appendEvent(nil, &Event{Code: e.Code, Action: Execute, Reason: e.Reason}))
	if err != nil || got.Reason != strings.Repeat("a", MaxString-1) || got.Omitted != 1 {
		t.Errorf("reason of %d bytes, %d omitted, %v", len(got.Reason), got.Omitted, err)
	}
}

func TestRefusedEvents(t *testing.T) {
	trail := open(t, t.TempDir(), Options{})
	for name, e := range map[string]Event{
		"no code": {}, "unknown code": {Code: "lunch"}, "action": {Code: Query, Action: 'X'},
		"outcome": {Code: Query, Outcome: 5}, "time": {Code: Query, Time: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := trail.Append(context.Background(), e); err == nil || errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := trail.Append(ctx, event(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if seq, err := trail.Append(context.Background(), event(1)); err != nil || seq != 1 {
		t.Errorf("after the refused ones: %d, %v", seq, err)
	}
}

func TestEveryCodeHasAMeaning(t *testing.T) {
	for c, m := range meanings {
		if len(m.Event) != 6 || m.Type != "" && len(m.Type) != 6 || m.Action == 0 {
			t.Errorf("%s: %+v", c, m)
		}
	}
}

// FuzzPayload: what the encoder writes is JSON and reads back, whatever a
// stranger put into the strings.
func FuzzPayload(f *testing.F) {
	f.Add("CT1", []byte("query"), "reason")
	f.Add("\xff\xfe\x00\x1b$B", []byte(nil), "\u2028\"\\")
	f.Fuzz(func(t *testing.T, aet string, query []byte, reason string) {
		e := Event{Code: AssociationRefused, Action: Execute, CallingAET: aet, Patients: []string{aet, reason}, Query: query, Reason: reason}
		b := appendEvent(nil, &e)
		if !json.Valid(b) || !utf8.Valid(b) {
			t.Fatalf("no JSON: %q", b)
		}
		got, err := parseEvent(b)
		if err != nil {
			t.Fatal(err)
		}
		if len(aet) <= MaxString && got.CallingAET != strings.ToValidUTF8(aet, "") && utf8.ValidString(aet) {
			t.Fatalf("%q became %q", aet, got.CallingAET)
		}
		if len(query) <= MaxQuery && !bytes.Equal(got.Query, query) {
			t.Fatalf("query changed")
		}
	})
}

// FuzzParseEvent: an opened payload that is no event is an error.
func FuzzParseEvent(f *testing.F) {
	e := fullEvent()
	f.Add(appendEvent(nil, &e))
	f.Add([]byte(`{"action":"CC"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := parseEvent(b); err == nil {
			appendEvent(nil, &e)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	e := event(1)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendEvent(buf[:0], &e)
	}
}
