package dimse

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

var commands = map[string]Command{
	"store": {Field: CStoreRQ, MessageID: 7, SOPClass: "1.2.840.10008.5.1.4.1.1.2", SOPInstance: "1.2.3", Priority: PriorityLow,
		HasDataSet: true, MoveOriginatorAET: "MOVER", MoveOriginatorID: 9},
	"store response": {Field: CStoreRSP, MessageIDRespondedTo: 7, SOPClass: "1.2", SOPInstance: "1.2.3", Status: StatusCannotUnderstand,
		Offending: []dicom.Tag{dict.PatientID, dict.PixelData}, ErrorComment: "no", ErrorID: 3},
	"find":           {Field: CFindRQ, MessageID: 1, SOPClass: "1.2", HasDataSet: true},
	"find response":  {Field: CFindRSP, MessageIDRespondedTo: 1, SOPClass: "1.2", HasDataSet: true, Status: StatusPending},
	"get response":   {Field: CGetRSP, MessageIDRespondedTo: 1, Status: StatusPending, SubOps: &SubOperations{1, 2, 3, 4}},
	"get final":      {Field: CGetRSP, MessageIDRespondedTo: 1, Status: StatusSuccess, SubOps: &SubOperations{0, 2, 3, 4}},
	"move":           {Field: CMoveRQ, MessageID: 65535, SOPClass: "1.2", MoveDestination: "ODD", Priority: PriorityHigh, HasDataSet: true},
	"cancel":         {Field: CCancelRQ, MessageIDRespondedTo: 8},
	"echo":           {Field: CEchoRQ, MessageID: 8, SOPClass: "1.2.840.10008.1.1"},
	"event":          {Field: NEventReportRQ, MessageID: 8, SOPClass: "1.2", SOPInstance: "1.3", EventTypeID: 2, HasDataSet: true},
	"event response": {Field: NEventReportRSP, MessageIDRespondedTo: 8, SOPClass: "1.2", SOPInstance: "1.3", EventTypeID: 2},
	"n-get":          {Field: NGetRQ, MessageID: 8, SOPClass: "1.2", SOPInstance: "1.3", AttributeIdentifiers: []dicom.Tag{dict.PatientID}},
	"action":         {Field: NActionRQ, MessageID: 8, SOPClass: "1.2", SOPInstance: "1.3", ActionTypeID: 1},
	"create":         {Field: NCreateRQ, MessageID: 8, SOPClass: "1.2", HasDataSet: true},
	"delete":         {Field: NDeleteRQ, MessageID: 8, SOPClass: "1.2", SOPInstance: "1.3"},
}

func TestCommandRoundTrip(t *testing.T) {
	for name, c := range commands {
		b := AppendCommand([]byte("before"), &c)[6:]
		got, err := ParseCommand(b)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%s: %+v became %+v, %v", name, c, got, err)
		}
		// The general decoder agrees that it is a data set of group 0000, and with
		// the group length.
		ds, err := encoding.Parse(b, encoding.ImplicitLE, encoding.Options{Command: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n, err := ds.Int(dict.CommandGroupLength); err != nil || n != int64(len(b)-12) {
			t.Errorf("%s: group length %d of %d bytes, %v", name, n, len(b)-12, err)
		}
	}
}

// TestCommandBytes holds one command set to the bytes that PS3.7 wants.
func TestCommandBytes(t *testing.T) {
	c := Command{Field: CEchoRQ, MessageID: 1, SOPClass: dict.UIDVerification}
	want := "00000000" + "04000000" + "38000000" +
		"00000200" + "12000000" + hex.EncodeToString([]byte("1.2.840.10008.1.1\x00")) +
		"00000001" + "02000000" + "3000" +
		"00001001" + "02000000" + "0100" +
		"00000008" + "02000000" + "0101"
	if got := hex.EncodeToString(AppendCommand(nil, &c)); got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
}

func TestCommandOfTheFinalResponse(t *testing.T) {
	c := Command{Field: CMoveRSP, Status: StatusSubOperationsWarning, SubOps: &SubOperations{5, 1, 70000, -1}}
	got, err := ParseCommand(AppendCommand(nil, &c))
	if err != nil || *got.SubOps != (SubOperations{0, 1, 65535, 0}) {
		t.Errorf("counts of a final response: %+v, %v", got.SubOps, err)
	}
	c = Command{Field: CEchoRSP, ErrorComment: strings.Repeat("ä", 60)}
	if got, _ = ParseCommand(AppendCommand(nil, &c)); got.ErrorComment != strings.Repeat("?", 64) {
		t.Errorf("comment %q", got.ErrorComment)
	}
}

func TestHostileCommands(t *testing.T) {
	field := "00000001" + "02000000" + "3000"
	id := "00001001" + "02000000" + "0100"
	none := "00000008" + "02000000" + "0101"
	for name, c := range map[string]struct {
		hex string
		ok  bool
	}{
		"minimal":               {field + none, true},
		"wrong group length":    {"00000000" + "04000000" + "FFFFFFFF" + field + none, true},
		"retired element":       {"00000100" + "02000000" + "0000" + field + none, true},
		"empty":                 {"", false},
		"no field":              {none, false},
		"no data set type":      {field, false},
		"descending":            {id + field + none, false},
		"twice":                 {field + field + none, false},
		"other group":           {field + none + "08000500" + "00000000", false},
		"header cut":            {field + none + "000009", false},
		"value cut":             {field + none + "00000009" + "02000000" + "00", false},
		"length of 4 GiB":       {field + none + "00000009" + "FFFFFFFF", false},
		"field of four bytes":   {"00000001" + "04000000" + "30000000" + none, false},
		"tags of six bytes":     {field + none + "00000109" + "06000000" + "000000000000", false},
		"UID of 130 bytes":      {"00000200" + "82000000" + strings.Repeat("31", 130) + field + none, false},
		"AE title that is none": {field + "00000006" + "02000000" + "5C0A" + none, true},
		"counts without value":  {field + none + "00002010" + "00000000", true},
	} {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseCommand(b)
		if (err == nil) != c.ok {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if got.MoveDestination != "" {
			t.Errorf("%s: destination %q", name, got.MoveDestination)
		}
	}
	if _, err := ParseCommand(make([]byte, MaxCommand+1)); err == nil {
		t.Error("a command set of more than 64 KiB was taken")
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, c := range commands {
		f.Add(AppendCommand(nil, &c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCommand(b)
		if err != nil {
			return
		}
		again := AppendCommand(nil, &c)
		second, err := ParseCommand(again)
		if err != nil {
			t.Fatalf("%+v cannot be read again: %v", c, err)
		}
		if third := AppendCommand(nil, &second); !bytes.Equal(third, again) {
			t.Fatalf("%+v became %+v", c, second)
		}
	})
}

func TestStatus(t *testing.T) {
	for s, want := range map[Status]string{
		0x0000: "success", 0xFE00: "cancel", 0xFF00: "pending", 0xFF01: "pending", 0xB000: "warning", 0xB007: "warning",
		0x0001: "warning", 0x0107: "warning", 0x0116: "warning", 0xA700: "failure", 0xC123: "failure", 0x0110: "failure", 0x0213: "failure",
	} {
		got := ""
		for name, is := range map[string]bool{"success": s.IsSuccess(), "cancel": s.IsCancel(), "pending": s.IsPending(),
			"warning": s.IsWarning(), "failure": s.IsFailure()} {
			if is {
				got += name
			}
		}
		if got != want {
			t.Errorf("%v is %s, want %s", s, got, want)
		}
	}
	if s := StatusOutOfResources.Error() + ", " + Status(0xC123).String(); s != "A700H (out of resources), C123H" {
		t.Error(s)
	}
	if s := (&Failure{Status: 0xC123, Comment: "why"}).Error(); s != "C123H: why" {
		t.Error(s)
	}
}

func TestCommandField(t *testing.T) {
	for f, want := range map[CommandField]string{CStoreRQ: "C-STORE-RQ", NActionRSP: "N-ACTION-RSP", CCancelRQ: "C-CANCEL-RQ", 0x8FFF: "8FFFH", 0x77: "0077H"} {
		if f.String() != want {
			t.Errorf("%04X is %v, want %s", uint16(f), f, want)
		}
		if f.Known() != (len(want) > 5) {
			t.Errorf("%v: known %t", f, f.Known())
		}
	}
}

// TestOneImplementation: files and associations tell of the same implementation.
func TestOneImplementation(t *testing.T) {
	if ul.ImplementationClassUID != encoding.ImplementationClassUID || ul.ImplementationVersion != encoding.ImplementationVersionName {
		t.Error("ul and encoding disagree about who we are")
	}
}
