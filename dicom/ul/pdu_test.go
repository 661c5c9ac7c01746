package ul

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
)

// fullUser has every user information item.
func fullUser() UserInformation {
	return UserInformation{
		MaxLength: 16384, ImplementationClassUID: "1.2.3", ImplementationVersion: "ABCDEFGHIJKLMNOP",
		AsyncOperations: &AsyncOperations{0, 7},
		Roles:           []RoleSelection{{ctStorage, true, false}, {verification, false, true}},
		Extended:        []ExtendedNegotiation{{ctStorage, []byte{1, 2, 3}}, {verification, []byte{}}},
	}
}

func fullRQ() *AssociateRQ {
	rq := &AssociateRQ{ProtocolVersion: 1, Called: "PACS", Calling: "ABCDEFGHIJKLMNOP", ApplicationContext: ApplicationContext,
		Contexts: []ProposedContext{{1, verification, []dicom.UID{implicitLE}}, {255, ctStorage, []dicom.UID{explicitLE, implicitLE}}},
		User:     fullUser()}
	rq.User.CommonExtended = []CommonExtendedNegotiation{
		{ctStorage, "1.2.840.10008.4.2", []dicom.UID{"1.2", "1.3"}}, {verification, "1.2.840.10008.4.2", nil}}
	rq.User.Identity = &UserIdentity{IdentityPasscode, true, []byte("name"), []byte("secret")}
	return rq
}

func fullAC() *AssociateAC {
	ac := &AssociateAC{ProtocolVersion: 1, ApplicationContext: ApplicationContext, User: fullUser(),
		Contexts: []AnsweredContext{{1, ContextAccepted, implicitLE}, {3, ContextTransfersUnsupported, ""}}}
	ac.User.IdentityResponse = &UserIdentityResponse{[]byte("ticket")}
	ac.names, _ = makeTitles("PACS", "ABC")
	return ac
}

func TestAssociateRoundTrip(t *testing.T) {
	rq := fullRQ()
	pdu, err := rq.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseAssociateRQ(pdu[headerSize:])
	if err != nil {
		t.Fatal(err)
	}
	got.names = titles{}
	if !reflect.DeepEqual(got, rq) {
		t.Errorf("\n%+v became\n%+v", rq, got)
	}
	ac := fullAC()
	if pdu, err = ac.Append(nil); err != nil {
		t.Fatal(err)
	}
	gotAC, err := ParseAssociateAC(pdu[headerSize:])
	if err != nil || !reflect.DeepEqual(gotAC, ac) {
		t.Errorf("\n%+v became\n%+v, %v", ac, gotAC, err)
	}
	for _, id := range []IdentityType{IdentityUsername, IdentityPasscode, IdentityKerberos, IdentitySAML, IdentityJWT} {
		rq.User.Identity = &UserIdentity{Type: id, Primary: bytes.Repeat([]byte("x"), 40_000), Secondary: []byte{}}
		pdu, err := rq.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseAssociateRQ(pdu[headerSize:])
		if err != nil || !reflect.DeepEqual(got.User.Identity, rq.User.Identity) {
			t.Errorf("identity %d: %v", id, err)
		}
	}
}

func TestShortPDUs(t *testing.T) {
	for want, got := range map[string][]byte{
		"03000000000400010107": RejectCalled.Append(nil),
		"07000000000400000206": (&AbortError{Source: AbortByProvider, Reason: AbortInvalidParameter}).Append(nil),
		"05000000000400000000": appendReleaseRQ(nil),
		"06000000000400000000": appendReleaseRP(nil),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("% X, want %s", got, want)
		}
	}
	if _, err := ParseAbort([]byte{0, 0, 0}); err == nil {
		t.Error("a short A-ABORT")
	}
	if _, err := ParseAssociateRJ(make([]byte, 5)); err == nil {
		t.Error("a long A-ASSOCIATE-RJ")
	}
}

// item builds an item of any length that fits.
func item(kind byte, value ...byte) []byte {
	return append([]byte{kind, 0, byte(len(value) >> 8), byte(len(value))}, value...)
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestOddRequests: what is legal though odd is understood, what is not is refused.
func TestOddRequests(t *testing.T) {
	fixed := append([]byte{0, 1, 0, 0}, []byte(fmt.Sprintf("%-16s%-16s%32s", "PACS", "CALLER", ""))...)
	app := item(itemApplicationContext, []byte(ApplicationContext)...)
	abstract := item(itemAbstractSyntax, []byte(verification)...)
	ts := item(itemTransferSyntax, []byte(implicitLE)...)
	context := func(id byte, items ...[]byte) []byte {
		return item(itemPresentationContextRQ, append([]byte{id, 0, 0, 0}, cat(items...)...)...)
	}
	pc := context(1, abstract, ts)
	length := item(itemMaximumLength, 0, 0, 0, 0)
	class := item(itemImplementationClassUID, []byte("1.2")...)
	user := func(items ...[]byte) []byte { return item(itemUserInformation, cat(items...)...) }
	uid := func(u dicom.UID) []byte { return append([]byte{0, byte(len(u))}, u...) }
	for name, c := range map[string]struct {
		items []byte
		want  string // part of the error; "" if there is none
	}{
		"plain":                      {cat(app, pc, user(length, class)), ""},
		"items in another order":     {cat(user(class, length), pc, app), ""},
		"no user information":        {cat(app, pc), ""},
		"no application context":     {cat(pc), ""}, // AE-6 rejects it
		"unknown items":              {cat(item(0x99, 1, 2), app, pc, user(item(0x77, 1), length)), ""},
		"padded UIDs":                {cat(app, context(1, item(itemAbstractSyntax, []byte(verification+"\x00")...), item(itemTransferSyntax, []byte(implicitLE+" ")...)), user(length)), ""},
		"UID of 64":                  {cat(app, context(1, item(itemAbstractSyntax, bytes.Repeat([]byte("1"), 64)...), ts)), ""},
		"UID of 65":                  {cat(app, context(1, item(itemAbstractSyntax, bytes.Repeat([]byte("1"), 65)...), ts)), "64 characters"},
		"UID of 67":                  {cat(app, context(1, abstract, item(itemTransferSyntax, bytes.Repeat([]byte("1"), 67)...))), "64 characters"},
		"two application contexts":   {cat(app, app, pc), "twice"},
		"two user informations":      {cat(app, pc, user(length), user(length)), "twice"},
		"two maximum lengths":        {cat(app, pc, user(length, length)), "twice"},
		"two implementation classes": {cat(app, pc, user(class, class)), "twice"},
		"two abstract syntaxes":      {cat(app, context(1, abstract, abstract, ts)), "twice"},
		"same ID twice":              {cat(app, pc, pc), "twice"},
		"even ID":                    {cat(app, context(2, abstract, ts)), "even"},
		"ID 0":                       {cat(app, context(0, abstract, ts)), "even"},
		"no abstract syntax":         {cat(app, context(1, ts)), "without abstract"},
		"no transfer syntax":         {cat(app, context(1, abstract)), "transfer syntaxes"},
		"64 transfer syntaxes":       {cat(app, context(1, abstract, bytes.Repeat(ts, 64))), ""},
		"65 transfer syntaxes":       {cat(app, context(1, abstract, bytes.Repeat(ts, 65))), "64 transfer"},
		"no contexts":                {cat(app, user(length)), "no presentation context"},
		"item cut":                   {cat(app, pc)[:len(app)+len(pc)-1], "past the end"},
		"header cut":                 {cat(app, pc, []byte{0x50, 0, 0}), "past the end"},
		"sub-item cut":               {cat(app, pc, user(length[:7])), "past the end"},
		"short maximum length":       {cat(app, pc, user(item(itemMaximumLength, 0, 0))), "4 bytes"},
		"short window":               {cat(app, pc, user(item(itemAsyncOperations, 0, 0))), "4 bytes"},
		"version name of 17":         {cat(app, pc, user(item(itemImplementationVersion, bytes.Repeat([]byte("v"), 17)...))), "16 characters"},
		"empty version name":         {cat(app, pc, user(item(itemImplementationVersion))), ""},
		"role cut":                   {cat(app, pc, user(item(itemRoleSelection, append(uid(ctStorage), 1)...))), "past the end"},
		"same role twice":            {cat(app, pc, user(bytes.Repeat(item(itemRoleSelection, append(uid(ctStorage), 1, 1)...), 2))), "twice"},
		"same extended twice":        {cat(app, pc, user(bytes.Repeat(item(itemExtendedNegotiation, uid(ctStorage)...), 2))), "twice"},
		"common extended cut":        {cat(app, pc, user(item(itemCommonExtended, append(uid(ctStorage), 0, 9)...))), "past the end"},
		"common extended twice":      {cat(app, pc, user(bytes.Repeat(item(itemCommonExtended, cat(uid(ctStorage), uid("1.2"), []byte{0, 0})...), 2))), "twice"},
		"identity cut":               {cat(app, pc, user(item(itemUserIdentityRQ, 1, 0, 0, 5, 'a'))), "add up"},
		"identity without second":    {cat(app, pc, user(item(itemUserIdentityRQ, 1, 0, 0, 1, 'a'))), "add up"},
		"two identities":             {cat(app, pc, user(bytes.Repeat(item(itemUserIdentityRQ, 1, 0, 0, 0, 0, 0), 2))), "twice"},
	} {
		_, err := ParseAssociateRQ(append(fixed, c.items...))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := ParseAssociateRQ(fixed[:60]); err == nil {
		t.Error("a request without its fixed part")
	}
	if _, err := ParseAssociateAC(fixed[:60]); err == nil {
		t.Error("an answer without its fixed part")
	}
	many := bytes.Clone(fixed)
	for i := range 128 {
		many = append(many, context(byte(2*i+1), abstract, ts)...)
	}
	if rq, err := ParseAssociateRQ(many); err != nil || len(rq.Contexts) != 128 {
		t.Errorf("128 contexts: %v", err)
	}
}

// TestAnswers: a requestor takes no context that it did not propose.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer AnsweredContext
		ok     bool
	}{
		"accepted":              {AnsweredContext{1, ContextAccepted, implicitLE}, true},
		"not proposed":          {AnsweredContext{5, ContextAccepted, implicitLE}, false},
		"other syntax":          {AnsweredContext{1, ContextAccepted, explicitLE}, false},
		"refused, not ours":     {AnsweredContext{5, ContextNoReason, ""}, true},
		"refused with anything": {AnsweredContext{1, ContextResult(77), "x"}, true},
	} {
		a := newAssociation(nil, true, Options{})
		a.rq = &AssociateRQ{Contexts: []ProposedContext{{1, verification, []dicom.UID{implicitLE}}}}
		if err := a.adopt(&AssociateAC{Contexts: []AnsweredContext{c.answer}}); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRequestsThatCannotBe: what we could not read we do not send.
func TestRequestsThatCannotBe(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	for name, o := range map[string]RequestOptions{
		"no contexts":    {Called: "A", Calling: "B"},
		"no title":       {Called: "A", Contexts: twoContexts()},
		"long title":     {Called: "A", Calling: "ABCDEFGHIJKLMNOPQ", Contexts: twoContexts()},
		"even ID":        {Called: "A", Calling: "B", Contexts: []ProposedContext{{2, verification, []dicom.UID{implicitLE}}}},
		"129 contexts":   {Called: "A", Calling: "B", Contexts: make([]ProposedContext, 129)},
		"long identity":  {Called: "A", Calling: "B", Contexts: twoContexts(), Identity: &UserIdentity{Primary: []byte(long)}},
		"long extension": {Called: "A", Calling: "B", Contexts: twoContexts(), Extended: []ExtendedNegotiation{{"1.2", []byte(long)}}},
		"long version":   {Called: "A", Calling: "B", Contexts: twoContexts(), Options: Options{ImplementationClassUID: "1.2", ImplementationVersion: long}},
	} {
		a := newAssociation(nil, true, o.Options)
		if _, err := a.makeRequest(&o); err == nil {
			t.Errorf("%s was sent", name)
		}
	}
}

func TestErrors(t *testing.T) {
	for want, err := range map[string]error{
		"association rejected (1/1/7): called AE title not recognized":       RejectCalled,
		"association rejected for now (2/3/2): local limit exceeded":         RejectLimit,
		"association rejected (1/9/9): unknown reason":                       &RejectError{1, 9, 9},
		"association aborted by the peer":                                    &AbortError{},
		"association aborted by us":                                          &AbortError{Local: true},
		"association aborted by the peer (2/6): invalid PDU parameter value": &AbortError{Source: 2, Reason: 6},
		"association aborted by the peer (2/99): unknown reason":             &AbortError{Source: 2, Reason: 99},
		"ARTIM timeout after 1s":                                             &TimeoutError{"ARTIM", 1e9},
		"protocol error: a PDU that has no place here":                       unexpectedPDU,
		"data set to send: boom":                                             &SourceError{errors.New("boom")},
		"association aborted: connection lost: boom":                         &AbortError{Err: errors.New("boom")},
		"abstract syntax not supported, result 9":                            fmt.Errorf("%v, %v", ContextAbstractUnsupported, ContextResult(9)),
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
