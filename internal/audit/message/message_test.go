package message

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
)

var update = flag.Bool("update", false, "write the golden file anew")

var source = &Source{ID: "pacs.example", Site: "Example Hospital", AET: "TRESOR", Address: "192.0.2.10", Trail: "urn:uuid:00010203-0405-0607-0809-0a0b0c0d0e0f"}

// sample is a record of the code with everything that an event can have.
func sample(code audit.Code) *audit.Record {
	meaning, _ := code.Meaning()
	e := audit.Event{Code: code, Action: meaning.Action, Outcome: audit.Success,
		PrincipalKind: "user", Principal: "erika", Role: "radiologist", Peer: "192.0.2.7:4711",
		CallingAET: "WS1", CalledAET: "TRESOR", Association: "a1", Destination: "ws2",
		Patients: []string{"4711"}, Studies: []dicom.UID{"1.2.3"}, Series: []dicom.UID{"1.2.3.1"},
		Instances: []dicom.UID{"1.2.3.1.1"}, SOPClasses: []dicom.UID{"1.2.840.10008.5.1.4.1.1.2"}, Bytes: 526336,
		Reason: "because", Details: []audit.Detail{{Name: "device", Value: "ct1"}, {Name: "what", Value: "rights: store"}}}
	if code == audit.Query {
		e.Query, e.Syntax = []byte{8, 0, 0x52, 0, 'C', 'S', 6, 0, 'S', 'T', 'U', 'D', 'Y', ' '}, "1.2.840.10008.1.2.1"
		e.SOPClasses = []dicom.UID{"1.2.840.10008.5.1.4.1.2.2.1"}
	}
	return &audit.Record{Seq: 17, Time: time.Date(2026, 11, 22, 10, 0, 0, 123456000, time.UTC), Event: e}
}

// bare is a record of the code with nothing else.
func bare(code audit.Code) *audit.Record {
	meaning, _ := code.Meaning()
	return &audit.Record{Seq: 18, Time: time.Unix(0, 0).UTC(), Event: audit.Event{Code: code, Action: meaning.Action, Outcome: audit.MajorFailure}}
}

// hostile is a record whose strings try to break out of XML.
func hostile(code audit.Code) *audit.Record {
	r := sample(code)
	evil := "\x00\x1b]]>\"'<!--&amp;<x/>\r\n\u202e\ufffe" + string([]byte{0xff, 0xfe})
	e := &r.Event
	e.Principal, e.Role, e.Peer, e.CallingAET, e.CalledAET, e.Destination, e.Reason = evil, evil, evil, evil, evil, evil, evil
	e.Patients, e.Studies, e.Instances, e.SOPClasses = []string{evil, ""}, []dicom.UID{dicom.UID(evil)}, []dicom.UID{dicom.UID(evil)}, []dicom.UID{dicom.UID(evil)}
	e.Details = []audit.Detail{{Name: evil, Value: evil}, {Name: "device", Value: evil}}
	e.Query = []byte(evil)
	return r
}

// transfers are the ways of a transfer beside the sample's.
func transfers() []*audit.Record {
	in, out, two := sample(audit.InstancesTransferred), sample(audit.InstancesTransferred), sample(audit.InstancesAccessed)
	in.Event.Action, in.Event.PrincipalKind, in.Event.Principal, in.Event.Role, in.Event.Destination = audit.Create, "device", "ct1", "", ""
	out.Event.Destination = ""
	two.Event.Studies = append(two.Event.Studies, "1.2.4")
	two.Event.SOPClasses = append(two.Event.SOPClasses, "1.2.840.10008.5.1.4.1.1.4")
	two.Event.Instances, two.Event.Count = nil, 12
	url := sample(audit.Query)
	url.Event.Query, url.Event.Syntax, url.Event.SOPClasses = []byte("/dicom-web/studies?PatientID=4711"), "", nil
	return []*audit.Record{in, out, two, url}
}

func encode(t *testing.T, r *audit.Record) []byte {
	t.Helper()
	m, err := New(source, r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.XML()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every code of the trail has a row in builders and names in the tables: a code
// that is added without fails here.
func TestEveryCodeHasItsMessage(t *testing.T) {
	if len(audit.Codes()) < 30 {
		t.Fatalf("%d codes", len(audit.Codes()))
	}
	for _, code := range audit.Codes() {
		meaning, _ := code.Meaning()
		if meanings[meaning.Event] == "" {
			t.Errorf("%s: the event %s has no name in meanings", code, meaning.Event)
		}
		if meaning.Type != "" && meanings[meaning.Type] == "" {
			t.Errorf("%s: the type %s has no name in meanings", code, meaning.Type)
		}
		if !strings.ContainsRune(builders[meaning.Event].actions, rune(meaning.Action)) {
			t.Errorf("%s: its action %c is none of %q", code, meaning.Action, builders[meaning.Event].actions)
		}
		for _, r := range []*audit.Record{sample(code), bare(code), hostile(code)} {
			m, err := New(source, r)
			if err != nil {
				t.Errorf("%s: %v", code, err)
				continue
			}
			checkTable(t, m)
		}
	}
	for _, r := range transfers() {
		m, err := New(source, r)
		if err != nil {
			t.Fatal(err)
		}
		checkTable(t, m)
	}
}

func TestUnknownCodeHasNone(t *testing.T) {
	if _, err := New(source, &audit.Record{Event: audit.Event{Code: "made-up"}}); err == nil {
		t.Error("a message for a code that does not exist")
	}
}

func TestGolden(t *testing.T) {
	var b bytes.Buffer
	records := transfers()
	for _, code := range audit.Codes() {
		records = append(records, sample(code))
	}
	for _, r := range records {
		fmt.Fprintf(&b, "%s %c\n%s\n", r.Event.Code, r.Event.Action, encode(t, r))
	}
	const name = "testdata/messages.golden"
	if *update {
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// A code that is new has no golden message yet; those that have must keep it.
	got := map[string]bool{}
	for line := range strings.Lines(b.String()) {
		got[line] = true
	}
	for line := range strings.Lines(string(want)) {
		if !got[line] {
			t.Errorf("no longer written:\n%s", line)
		}
	}
}

// The schema of PS3.15 section A.5.1, as printed in the edition of 2020b but for
// its comments, judges every message.
func TestSchema(t *testing.T) {
	schema, err := filepath.Abs("../../../../shared/standard/audit/audit-message-ps3.15-2020b.fixed.rnc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(schema); err != nil {
		t.Skip("the schema of PS3.15 section A.5.1 is not here")
	}
	if _, err := exec.LookPath("jing"); err != nil {
		t.Skip("jing is not installed: apt-get install jing")
	}
	dir := t.TempDir()
	args := []string{"-c", schema}
	add := func(name string, b []byte) {
		path := filepath.Join(dir, name+".xml")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	for _, code := range audit.Codes() {
		add(string(code), encode(t, sample(code)))
		add(string(code)+"-bare", encode(t, bare(code)))
		add(string(code)+"-hostile", encode(t, hostile(code)))
	}
	for i, r := range transfers() {
		add(fmt.Sprint("transfer-", i), encode(t, r))
	}
	if out, err := exec.Command("jing", args...).CombinedOutput(); err != nil {
		t.Errorf("jing: %v\n%.4000s", err, out)
	}
	// The judge must be able to say no.
	add("wrong", bytes.Replace(encode(t, sample(audit.Query)), []byte(`EventOutcomeIndicator="0"`), []byte(`EventOutcomeIndicator="1"`), 1))
	if exec.Command("jing", args...).Run() == nil {
		t.Error("jing takes a message with an outcome that does not exist")
	}
}

func TestHostileStringsStayInTheirPlaces(t *testing.T) {
	for _, code := range audit.Codes() {
		b := encode(t, hostile(code))
		var elements []string
		for d := xml.NewDecoder(bytes.NewReader(b)); ; {
			token, err := d.Token()
			if token == nil {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", code, err)
			}
			if s, ok := token.(xml.StartElement); ok {
				elements = append(elements, s.Name.Local)
			}
			if c, ok := token.(xml.Comment); ok {
				t.Errorf("%s: a comment %q", code, c)
			}
		}
		for _, name := range elements {
			if name == "x" {
				t.Errorf("%s: an element came out of a value", code)
			}
		}
	}
}

func TestEncodeKeepsTheLimit(t *testing.T) {
	r := sample(audit.InstancesTransferred)
	for i := range audit.MaxList {
		r.Event.Instances = append(r.Event.Instances, dicom.UID(fmt.Sprintf("1.2.840.113619.2.55.3.604688119.971.1446%024d", i)))
		r.Event.Series = append(r.Event.Series, dicom.UID(fmt.Sprintf("1.2.840.113619.2.55.3.604688119.972.1446%024d", i)))
	}
	q := sample(audit.Query)
	q.Event.Query = bytes.Repeat([]byte{'x'}, audit.MaxQuery)
	worst := sample(audit.ObjectSecurity)
	long := strings.Repeat(`"`, audit.MaxString)
	for range audit.MaxList {
		worst.Event.Patients = append(worst.Event.Patients, long)
		worst.Event.Studies = append(worst.Event.Studies, dicom.UID(long))
		worst.Event.Details = append(worst.Event.Details, audit.Detail{Name: "device", Value: long})
	}
	worst.Event.Reason, worst.Event.Principal = long, long
	moved := *worst
	moved.Event.Code = audit.InstancesTransferred
	for _, r := range []*audit.Record{r, q, worst, &moved} {
		before := len(r.Event.Instances)
		b, err := Encode(source, r, 0)
		if err != nil || len(b) > MinLength {
			t.Errorf("%s: %d bytes, %v", r.Event.Code, len(b), err)
		}
		if len(r.Event.Instances) != before {
			t.Error("the record itself was shortened")
		}
		if whole, err := Encode(source, r, 1<<22); err != nil || len(whole) <= len(b) {
			t.Errorf("%s: %d bytes without a narrow limit, %d with it, %v", r.Event.Code, len(whole), len(b), err)
		}
	}
}

func TestParticipants(t *testing.T) {
	of := func(r *audit.Record) []Participant {
		m, err := New(source, r)
		if err != nil {
			t.Fatal(err)
		}
		return m.Participants
	}
	store := transfers()[0]
	p := of(store)
	if p[0].UserID != "ct1" || p[0].Roles[0] != roleSource || p[0].Access != "192.0.2.7" || p[0].AccessType != AccessAddress || p[0].AlternativeUserID != "AETITLES=WS1" {
		t.Errorf("who stores: %+v", p[0])
	}
	if p[1].UserID != "tresor@pacs.example" || p[1].Roles[0] != roleDestination {
		t.Errorf("the archive: %+v", p[1])
	}
	p = of(sample(audit.InstancesTransferred))
	if p[0].Roles[0] != roleSource || p[1].UserID != "ws2" || p[1].Roles[0] != roleDestination || p[1].Requestor || p[2].UserID != "erika@pacs.example" || !p[2].Requestor {
		t.Errorf("moved on somebody's behalf: %+v", p)
	}
	p = of(bare(audit.Login))
	if p[0].UserID != unknown || p[0].AccessType != AccessName {
		t.Errorf("a stranger signs in: %+v", p[0])
	}
}
