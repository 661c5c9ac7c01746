package fhir

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/message"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

// trail is a trail in memory: what was there before, and what the service wrote.
type trail struct {
	mu      sync.Mutex
	records []audit.Record
	noted   []audit.Event
	broken  bool
}

func (t *trail) Append(_ context.Context, e audit.Event) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken {
		return 0, audit.ErrBroken
	}
	t.noted = append(t.noted, e)
	return uint64(len(t.noted)), nil
}

func (t *trail) Search(_ context.Context, f audit.Filter) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		n := 0
		for _, r := range t.records {
			if r.Seq <= f.After || f.Patient != "" && !slices.Contains(r.Event.Patients, f.Patient) ||
				f.Principal != "" && r.Event.Principal != f.Principal ||
				!f.Since.IsZero() && r.Time.Before(f.Since) || !f.Until.IsZero() && !r.Time.Before(f.Until) {
				continue
			}
			if n++; !yield(r, nil) || n == f.Limit {
				return
			}
		}
	}
}

var day = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// newTrail has 40 records, one a day: reads by erika of patient 4711 and by max
// of 4712, in turn; each tenth is a refused sign-in.
func newTrail() *trail {
	t := &trail{}
	for i := range 40 {
		e := audit.Event{Code: audit.InstancesAccessed, Action: audit.Read, PrincipalKind: "user", Principal: "erika", Role: "radiologist",
			Peer: "192.0.2.7:55", CallingAET: "WS1", Patients: []string{"4711"}, Studies: []dicom.UID{"1.2.3"}, Count: 3, SOPClasses: []dicom.UID{"1.2.840.10008.5.1.4.1.1.2"}}
		if i%2 == 1 {
			e.Principal, e.Role, e.Peer, e.Patients, e.Studies = "max", "referrer", "192.0.2.8:55", []string{"4712"}, []dicom.UID{"1.2.4"}
		}
		if i%10 == 9 {
			e = audit.Event{Code: audit.Login, Action: audit.Execute, Outcome: audit.SeriousFailure, Peer: "192.0.2.9:1", Reason: "unknown token"}
		}
		t.records = append(t.records, audit.Record{Seq: uint64(i + 1), Time: day.AddDate(0, 0, i), Event: e})
	}
	return t
}

// client asks the service as somebody with a role.
type client struct {
	t       *testing.T
	trail   *trail
	archive *archive.Archive
	service *Service
	role    policy.Role
}

func newClient(t *testing.T) *client {
	t.Helper()
	tr := newTrail()
	a, err := archive.Open(t.Context(), archive.Config{Catalog: storetest.NewCatalog(), Vault: storetest.NewVault(), Trail: tr, Records: tr, Limits: encoding.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, tr, a, NewService(Config{Prefix: "/fhir", Source: message.Source{ID: "pacs.example", AET: "TRESOR"}}), policy.Auditor}
}

func (c *client) do(r *http.Request) (int, map[string]any) {
	c.t.Helper()
	p := policy.Principal{Kind: policy.User, Name: "anna", Role: c.role, Rights: policy.RightsOf(c.role, policy.Scope{})}
	w := httptest.NewRecorder()
	c.service.Serve(w, r, c.archive.As(p))
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		c.t.Fatalf("%v: %s", err, w.Body)
	}
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/fhir+json") {
		c.t.Errorf("content type %q", w.Header().Get("Content-Type"))
	}
	return w.Code, answer
}

func (c *client) get(target string) (int, map[string]any) {
	return c.do(httptest.NewRequest(http.MethodGet, target, nil))
}

// ids returns the numbers of the records in a bundle.
func ids(answer map[string]any) []string {
	var all []string
	entries, _ := answer["entry"].([]any)
	for _, e := range entries {
		if r, ok := e.(map[string]any)["resource"].(map[string]any); ok && r["resourceType"] == "AuditEvent" {
			all = append(all, r["id"].(string))
		}
	}
	return all
}

func next(answer map[string]any) string {
	for _, l := range answer["link"].([]any) {
		if l := l.(map[string]any); l["relation"] == "next" {
			return l["url"].(string)
		}
	}
	return ""
}

func TestSearch(t *testing.T) {
	c := newClient(t)
	for query, want := range map[string]int{
		"":                                    40,
		"date=2026-11-03":                     1,
		"date=ge2026-11-03&date=lt2026-11-05": 2,
		"date=gt2026-11-03":                   37,
		"date=le2026-11-03T12:00:00Z":         3,
		"date=lt2026-11-03T12:00:00Z":         2,
		"date=2026-12":                        10,
		"date=eb2026-12":                      30,
		"date=2027":                           0,
		"patient=4711":                        20,
		"patient=Patient/4711":                20,
		"patient.identifier=urn:x|4712":       16,
		"patient:identifier=4712":             16,
		"patient=4711,4712":                   36,
		"agent=erika":                         20,
		"agent.identifier=erika@pacs.example": 20,
		"agent-name=max":                      16,
		"agent=erika,max":                     36,
		"agent-role=referrer":                 16,
		"entity=urn:oid:1.2.4":                16,
		"entity.identifier=urn:dicom:uid|urn:oid:1.2.3": 20,
		"entity=1.2.3,1.2.4":                            36,
		"entity-role=1":                                 36,
		"entity-type=2":                                 36,
		"address=192.0.2.8":                             16,
		"altid=WS1":                                     36,
		"type=110114":                                   4,
		"type=http://dicom.nema.org/resources/ontology/DCM|110103": 36,
		"type=urn:x|110103":              0,
		"subtype=110122":                 4,
		"outcome=8":                      4,
		"outcome=0,8":                    40,
		"action=R":                       36,
		"source.identifier=pacs.example": 40,
		"source=other":                   0, "site=none": 0,
		"_id=7":                  1,
		"_id=0":                  0,
		"patient=4711&outcome=8": 0,
		"patient=4711&date=ge2026-12-01&_count=3&_format=json": 5,
		"patient=":     40,
		"agent=nobody": 0,
	} {
		var all []string
		for at := "/fhir/AuditEvent?" + query; at != ""; {
			status, answer := c.get(at)
			if status != http.StatusOK || answer["resourceType"] != "Bundle" || answer["type"] != "searchset" {
				t.Fatalf("%s: %d %v", query, status, answer)
			}
			all = append(all, ids(answer)...)
			at = next(answer)
		}
		if len(all) != want {
			t.Errorf("%s: %d records %v, not %d", query, len(all), all, want)
		}
		if !slices.IsSortedFunc(all, func(a, b string) int { return len(a)*100 + int(a[0]) - len(b)*100 - int(b[0]) }) {
			t.Errorf("%s: out of order %v", query, all)
		}
	}
}

func TestPages(t *testing.T) {
	c := newClient(t)
	pages := 0
	var all []string
	for at := "/fhir/AuditEvent?_count=7"; at != ""; pages++ {
		_, answer := c.get(at)
		got := ids(answer)
		if len(got) > 7 {
			t.Fatalf("%d on a page", len(got))
		}
		all = append(all, got...)
		at = next(answer)
	}
	if pages != 6 || len(all) != 40 || all[39] != "40" {
		t.Errorf("%d pages, %v", pages, all)
	}
	form := url.Values{"patient": {"4711"}, "_count": {"5"}}
	r := httptest.NewRequest(http.MethodPost, "/fhir/AuditEvent/_search?outcome=0", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, answer := c.do(r); status != http.StatusOK || len(ids(answer)) != 5 || !strings.Contains(next(answer), "outcome=0") {
		t.Errorf("%d %v", status, answer)
	}
}

func TestBadSearches(t *testing.T) {
	c := newClient(t)
	for target, want := range map[string]int{
		"/fhir/AuditEvent?patinet=4711":                       http.StatusBadRequest,
		"/fhir/AuditEvent?date=yesterday":                     http.StatusBadRequest,
		"/fhir/AuditEvent?date=ap2026-11-01":                  http.StatusBadRequest,
		"/fhir/AuditEvent?_count=none":                        http.StatusBadRequest,
		"/fhir/AuditEvent?_count=0":                           http.StatusBadRequest,
		"/fhir/AuditEvent?_id=-1":                             http.StatusBadRequest,
		"/fhir/AuditEvent?_format=xml":                        http.StatusNotAcceptable,
		"/fhir/AuditEvent?agent=" + strings.Repeat("a", 2000): http.StatusBadRequest,
		"/fhir/AuditEvent?" + strings.Repeat("agent=a&", 40):  http.StatusBadRequest,
		"/fhir/AuditEvent/0":                                  http.StatusNotFound,
		"/fhir/AuditEvent/41":                                 http.StatusNotFound,
		"/fhir/AuditEvent/../AuditEvent":                      http.StatusNotFound,
		"/fhir/AuditEvent/_search":                            http.StatusMethodNotAllowed,
		"/fhir/Patient":                                       http.StatusNotFound,
		"/fhir":                                               http.StatusNotFound,
		"/fhir/":                                              http.StatusNotFound,
	} {
		before := len(c.trail.noted)
		status, answer := c.get(target)
		if status != want || answer["resourceType"] != "OperationOutcome" {
			t.Errorf("%s: %d %v", target, status, answer)
		}
		if want == http.StatusBadRequest && len(c.trail.noted) != before {
			t.Errorf("%s: the trail was read", target)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPost} {
		if status, _ := c.do(httptest.NewRequest(method, "/fhir/AuditEvent", nil)); status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, status)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/fhir/AuditEvent", nil)
	r.Header.Set("Accept", "application/fhir+xml")
	if status, _ := c.do(r); status != http.StatusNotAcceptable {
		t.Errorf("XML: %d", status)
	}
}

// Only who may read the trail gets an answer, that it was read is in the trail
// first, and without the trail there is no answer.
func TestOnlyAuditorsAndItIsWritten(t *testing.T) {
	for _, role := range append(policy.Roles, "") {
		c := newClient(t)
		c.role = role
		may := role == policy.Auditor || role == policy.PrivacyOfficer
		for _, target := range []string{"/fhir/AuditEvent?patient=4711", "/fhir/AuditEvent/3"} {
			status, answer := c.get(target)
			if may != (status == http.StatusOK) || !may && status != http.StatusForbidden {
				t.Errorf("%s %s: %d", role, target, status)
			}
			if !may && strings.Contains(fmt.Sprint(answer), "4711") {
				t.Errorf("%s %s: %v", role, target, answer)
			}
			last := c.trail.noted[len(c.trail.noted)-1]
			if last.Code != audit.AuditLogUsed || (last.Outcome == audit.Success) != may || last.Principal != "anna" {
				t.Errorf("%s %s: the trail has %+v", role, target, last)
			}
		}
		if n := len(c.trail.noted); n != 2 || !slices.Contains(c.trail.noted[0].Patients, "4711") {
			t.Errorf("%s: %d events %+v", role, n, c.trail.noted)
		}
		c.trail.broken = true
		if status, answer := c.get("/fhir/AuditEvent"); status != http.StatusInternalServerError || len(ids(answer)) > 0 {
			t.Errorf("%s: the trail cannot be written: %d %v", role, status, answer)
		}
	}
}

func TestReadAndCapabilities(t *testing.T) {
	c := newClient(t)
	status, e := c.get("/fhir/AuditEvent/1")
	if status != http.StatusOK || e["id"] != "1" || e["resourceType"] != "AuditEvent" {
		t.Fatalf("%d %v", status, e)
	}
	agent := e["agent"].([]any)[0].(map[string]any)
	if agent["requestor"] != true || agent["network"].(map[string]any)["address"] != "192.0.2.7" {
		t.Errorf("%v", agent)
	}
	patient := e["entity"].([]any)[1].(map[string]any)["what"].(map[string]any)
	if patient["type"] != "Patient" || patient["identifier"].(map[string]any)["value"] != "4711" {
		t.Errorf("%v", patient)
	}
	if status, s := c.get("/fhir/metadata"); status != http.StatusOK || s["resourceType"] != "CapabilityStatement" {
		t.Errorf("%d %v", status, s)
	}
	for _, p := range searchParameters { // what is listed works
		value := "1"
		if p.Type == "date" {
			value = "2026"
		}
		if status, _ := c.get("/fhir/AuditEvent?" + p.Name + "=" + value); status != http.StatusOK {
			t.Errorf("%s: %d", p.Name, status)
		}
	}
}

// Every code of the trail becomes a resource with what FHIR R4 requires.
func TestEveryCode(t *testing.T) {
	source := &message.Source{ID: "pacs.example"}
	for _, code := range audit.Codes() {
		meaning, _ := code.Meaning()
		for _, e := range []audit.Event{{}, {Principal: "erika", PrincipalKind: "user", Role: "radiologist", Peer: "[::1]:5", Patients: []string{""}, Studies: []dicom.UID{"1.2"},
			Query: []byte("x"), Details: []audit.Detail{{Name: "", Value: ""}, {Name: "device", Value: "ct1"}}}} {
			e.Code, e.Action = code, meaning.Action
			got, err := New(source, &audit.Record{Seq: 1, Time: day, Event: e})
			if err != nil {
				t.Fatal(err)
			}
			if got.Type.Code != meaning.Event || len(got.Agent) == 0 || got.Recorded == "" || got.Source.Observer.Identifier.Value == "" {
				t.Errorf("%s: %+v", code, got)
			}
			for _, x := range got.Entity {
				if x.Name != "" && x.Query != nil {
					t.Errorf("%s: an entity with name and query (sev-1)", code)
				}
				for _, d := range x.Detail {
					if d.Type == "" || d.Value == "" {
						t.Errorf("%s: an empty detail", code)
					}
				}
			}
		}
	}
}

// FuzzParameters: no search panics, and what is read back as a link is the same
// search.
func FuzzParameters(f *testing.F) {
	for _, s := range []string{"date=ge2026-11-03", "patient=a|b,c", "_count=7&_after=9", "agent=a%00&entity=urn:oid:", "date=eq", "type=|"} {
		f.Add(s)
	}
	service := NewService(Config{Prefix: "/fhir"})
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		q, err := service.parse(values)
		if err != nil {
			return
		}
		if q.count < 1 || q.count > maxCount {
			t.Errorf("count %d", q.count)
		}
		r := &audit.Record{Seq: 1, Event: audit.Event{Code: audit.Query}}
		e, err := New(&message.Source{ID: "x"}, r)
		if err != nil {
			t.Fatal(err)
		}
		q.matches(r, e)
	})
}

func TestWriteFailureIsAnOutcome(t *testing.T) {
	w := httptest.NewRecorder()
	write(w, http.StatusOK, func() {})
	body, _ := io.ReadAll(w.Body)
	if w.Code != http.StatusInternalServerError || !strings.Contains(string(body), "OperationOutcome") {
		t.Errorf("%d %s", w.Code, body)
	}
}
