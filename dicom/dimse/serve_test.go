package dimse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

func echoHandler(context.Context, ResponseWriter, *Request) error { return nil }

func TestEcho(t *testing.T) {
	s := startSCP(t, routes{CEchoRQ: echoHandler}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	for range 3 {
		if status, err := c.Echo(t.Context()); err != nil || status != StatusSuccess {
			t.Fatalf("%v, %v", status, err)
		}
	}
	closeClient(t, c)
	if errs := s.ended(t, 1); errs[0] != nil {
		t.Errorf("a released association ended with %v", errs[0])
	}
}

// TestOutcome: what a handler returns becomes the status, and never a text.
func TestOutcome(t *testing.T) {
	secret := errors.New("patient Doe's database is down")
	for _, c := range []struct {
		returned error
		status   Status
		comment  string
	}{
		{nil, StatusSuccess, ""},
		{StatusOutOfResources, StatusOutOfResources, ""},
		{fmt.Errorf("store: %w", StatusNotAuthorized), StatusNotAuthorized, ""},
		{&Failure{Status: StatusCannotUnderstand, Comment: "no\nsuch thing\xff"}, StatusCannotUnderstand, "no?such thing?"},
		{secret, StatusProcessingFailure, ""},
		{fmt.Errorf("%w %w", StatusProcessingFailure, secret), StatusProcessingFailure, ""},
		{context.Canceled, StatusProcessingFailure, ""}, // nobody cancelled
	} {
		s := startSCP(t, routes{CStoreRQ: func(context.Context, ResponseWriter, *Request) error { return c.returned }}.route, ServeOptions{})
		cl := dial(t, s, DialOptions{})
		// What the handler does not read is skipped.
		for range 2 {
			r, err := cl.Store(t.Context(), StoreRequest{SOPClass: ct, SOPInstance: "1.2.3", TransferSyntax: explicit,
				DataSet: bytes.NewReader(make([]byte, 300_000))})
			if err != nil {
				t.Fatal(err)
			}
			if r.Status != c.status || r.ErrorComment != c.comment || r.SOPInstance != "1.2.3" {
				t.Errorf("%v became %v %q", c.returned, r.Status, r.ErrorComment)
			}
		}
		closeClient(t, cl)
	}
}

func TestUnknownOperations(t *testing.T) {
	s := startSCP(t, routes{}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	pc, _ := c.s.find(ct, "")
	for _, q := range []struct {
		command Command
		want    Status
	}{
		{Command{Field: CEchoRQ, SOPClass: ct}, StatusUnrecognizedOperation},
		{Command{Field: 0x0077, SOPClass: ct}, StatusUnrecognizedOperation},
		{Command{Field: CStoreRQ, SOPClass: "1.2.3", SOPInstance: "1.2"}, StatusSOPClassNotSupported},
		{Command{Field: CStoreRQ, SOPClass: ct}, StatusMissingAttribute},
	} {
		r, err := c.perform(t.Context(), pc, q.command, bytes.NewReader(make([]byte, 10)))
		if err != nil {
			t.Fatal(err)
		}
		if r.Status != q.want {
			t.Errorf("%v: %v, want %v", q.command.Field, r.Status, q.want)
		}
	}
	closeClient(t, c)
}

func TestPanic(t *testing.T) {
	panicked := make(chan any, 1)
	s := startSCP(t, routes{CEchoRQ: func(context.Context, ResponseWriter, *Request) error { panic("bug") }}.route,
		ServeOptions{Panicked: func(v any) { panicked <- v }})
	c := dial(t, s, DialOptions{})
	_, err := c.Echo(t.Context())
	var aborted *ul.AbortError
	if !errors.As(err, &aborted) || aborted.Source != ul.AbortByUser {
		t.Errorf("after a panic: %v", err)
	}
	if v := <-panicked; v != "bug" {
		t.Errorf("panicked with %v", v)
	}
	c.Association().Close()
	if errs := s.ended(t, 1); !errors.Is(errs[0], errPanicked) {
		t.Errorf("the association ended with %v", errs[0])
	}
}

// TestStream: a large data set goes through a handler as a stream.
func TestStream(t *testing.T) {
	const size = 20 << 20
	got := make(chan int64, 2)
	s := startSCP(t, routes{CStoreRQ: func(_ context.Context, _ ResponseWriter, r *Request) error {
		n, err := io.Copy(io.Discard, r.DataSet)
		got <- n
		return err
	}}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	for range 2 {
		r, err := c.Store(t.Context(), StoreRequest{SOPClass: ct, SOPInstance: "1.2.3", TransferSyntax: explicit,
			DataSet: io.LimitReader(zeros{}, size), MoveOriginatorAET: "MOVER", MoveOriginatorID: 7})
		if err != nil || r.Status != StatusSuccess {
			t.Fatal(r, err)
		}
		if n := <-got; n != size {
			t.Errorf("%d bytes came", n)
		}
	}
	closeClient(t, c)
	if _, err := c.Store(t.Context(), StoreRequest{SOPClass: "1.2", TransferSyntax: explicit}); !errors.Is(err, ErrNoContext) {
		t.Errorf("store without context: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestFind: matches come, and leaving early cancels.
func TestFind(t *testing.T) {
	cause := make(chan error, 1)
	s := startSCP(t, routes{CFindRQ: func(ctx context.Context, rw ResponseWriter, r *Request) error {
		q, err := r.ReadDataSet(1 << 20)
		if err != nil {
			return err
		}
		if text(q, dict.PatientID) == "endless" {
			for ctx.Err() == nil {
				if err := rw.Pending(StatusPending, q, nil); err != nil {
					return err
				}
			}
			cause <- context.Cause(ctx)
			return ctx.Err()
		}
		for i := range 10 {
			if err := rw.Pending(StatusPending, withID(fmt.Sprint(i)), nil); err != nil {
				return err
			}
		}
		if text(q, dict.PatientID) == "fail" {
			return &Failure{Status: StatusOutOfResources, Comment: "enough"}
		}
		return rw.Respond(Response{Status: StatusSuccess})
	}}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	for _, q := range []struct {
		id    string
		want  Status
		leave int
	}{{"all", StatusSuccess, -1}, {"fail", StatusOutOfResources, -1}, {"endless", StatusSuccess, 5}, {"all", StatusSuccess, 3}, {"all", 0, -1}} {
		n := 0
		var last error
		for ds, err := range c.Find(t.Context(), QueryRequest{SOPClass: studyFind, Identifier: withID(q.id)}) {
			if err != nil {
				last = err
				continue
			}
			if q.id == "all" && text(ds, dict.PatientID) != fmt.Sprint(n) {
				t.Errorf("match %d is %q", n, text(ds, dict.PatientID))
			}
			if n++; n == q.leave {
				break
			}
		}
		if asStatus(last) != q.want || (q.leave < 0 && n != 10) {
			t.Errorf("%s: %d matches, %v", q.id, n, last)
		}
		if q.id == "endless" {
			if err := <-cause; err != ErrCancelled {
				t.Errorf("the handler's context ended with %v", err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var last error
	for _, err := range c.Find(ctx, QueryRequest{SOPClass: studyFind, Identifier: withID("endless")}) {
		last = err
	}
	if asStatus(last) != StatusCancel || !errors.Is(last, context.DeadlineExceeded) {
		t.Errorf("after the end of the context: %v", last)
	}
	<-cause
	closeClient(t, c)
}

// TestGet: sub-operations on the same association, with a stream each way.
func TestGet(t *testing.T) {
	const instances = 5
	s := startSCP(t, routes{CGetRQ: func(ctx context.Context, rw ResponseWriter, r *Request) error {
		if pcs := rw.StorageContexts(ct); len(pcs) != 1 || pcs[0].TransferSyntax != explicit {
			t.Errorf("storage contexts: %+v", pcs)
		}
		if _, err := rw.Store(ctx, StoreRequest{SOPClass: ct, TransferSyntax: implicit}); err != ErrNoContext {
			t.Errorf("no context: %v", err)
		}
		sub := SubOperations{Remaining: instances}
		for i := range instances {
			status, err := rw.Store(ctx, StoreRequest{SOPClass: ct, SOPInstance: dicom.UID(fmt.Sprintf("1.2.%d", i)),
				TransferSyntax: explicit, DataSet: bytes.NewReader(make([]byte, 400_000+2*i))})
			if err != nil {
				return err
			}
			sub.Remaining--
			switch {
			case status.IsSuccess():
				sub.Completed++
			default:
				sub.Failed++
			}
			if err := rw.Pending(StatusPending, nil, &sub); err != nil {
				return err
			}
		}
		return rw.Respond(Response{Status: StatusSubOperationsWarning, SubOps: &sub})
	}}.route, ServeOptions{})
	c := dial(t, s, DialOptions{RequestOptions: ul.RequestOptions{Roles: []ul.RoleSelection{{SOPClass: ct, SCU: true, SCP: true}}}})
	for range 2 {
		var progress []SubOperations
		stored := 0
		r, err := c.Get(t.Context(), QueryRequest{SOPClass: studyGet, Identifier: withID("x"),
			Progress: func(s SubOperations) { progress = append(progress, s) }},
			HandlerFunc(func(_ context.Context, _ ResponseWriter, r *Request) error {
				n, err := io.Copy(io.Discard, r.DataSet)
				if n != int64(400_000+2*stored) || r.SOPInstance != dicom.UID(fmt.Sprintf("1.2.%d", stored)) {
					t.Errorf("instance %d: %s, %d bytes", stored, r.SOPInstance, n)
				}
				if stored++; stored == 3 {
					return StatusOutOfResources
				}
				return err
			}))
		if err != nil || r.Status != StatusSubOperationsWarning || stored != instances || len(progress) != instances {
			t.Fatalf("%+v, %v, %d stored, %d progress", r, err, stored, len(progress))
		}
		if *r.SubOps != (SubOperations{0, 4, 1, 0}) || progress[0] != (SubOperations{4, 1, 0, 0}) {
			t.Errorf("counts: %+v, %+v", *r.SubOps, progress)
		}
	}
	closeClient(t, c)
}

// TestGetCancel: C-CANCEL ends a C-GET between sub-operations.
func TestGetCancel(t *testing.T) {
	s := startSCP(t, routes{CGetRQ: func(ctx context.Context, rw ResponseWriter, r *Request) error {
		sub := SubOperations{Remaining: 1 << 15}
		for {
			if _, err := rw.Store(ctx, StoreRequest{SOPClass: ct, SOPInstance: "1.2", TransferSyntax: explicit,
				DataSet: bytes.NewReader(make([]byte, 200_000))}); err != nil {
				return err
			}
			sub.Remaining--
			sub.Completed++
			if err := rw.Pending(StatusPending, nil, &sub); err != nil {
				return err
			}
		}
	}}.route, ServeOptions{})
	c := dial(t, s, DialOptions{RequestOptions: ul.RequestOptions{Roles: []ul.RoleSelection{{SOPClass: ct, SCU: true, SCP: true}}}})
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	r, err := c.Get(ctx, QueryRequest{SOPClass: studyGet, Identifier: withID("x")},
		HandlerFunc(func(context.Context, ResponseWriter, *Request) error {
			if n++; n == 3 {
				cancel()
			}
			return nil
		}))
	if err != nil || r.Status != StatusCancel || r.SubOps == nil || r.SubOps.Completed < 3 {
		t.Errorf("%+v, %v", r, err)
	}
	closeClient(t, c)
}

func TestMove(t *testing.T) {
	s := startSCP(t, routes{CMoveRQ: func(ctx context.Context, rw ResponseWriter, r *Request) error {
		if r.MoveDestination != "WORKSTATION" {
			return StatusMoveDestinationUnknown
		}
		for i := range 3 {
			if err := rw.Pending(StatusPending, nil, &SubOperations{Remaining: 3 - i, Completed: i}); err != nil {
				return err
			}
		}
		failed := new(dicom.DataSet)
		failed.PutString(dict.FailedSOPInstanceUIDList, dicom.VRUI, "1.2.3")
		return rw.Respond(Response{Status: StatusOutOfResourcesSubOperations, SubOps: &SubOperations{Failed: 1, Completed: 2}, DataSet: failed})
	}}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	n := 0
	r, err := c.Move(t.Context(), QueryRequest{SOPClass: studyMove, Destination: "WORKSTATION",
		Progress: func(SubOperations) { n++ }})
	if err != nil || n != 3 || r.Status != StatusOutOfResourcesSubOperations || text(r.DataSet, dict.FailedSOPInstanceUIDList) != "1.2.3" {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = c.Move(t.Context(), QueryRequest{SOPClass: studyMove, Destination: "ELSEWHERE"})
	if err != nil || r.Status != StatusMoveDestinationUnknown {
		t.Errorf("%+v, %v", r, err)
	}
	closeClient(t, c)
}

// TestNServices sends every N-service and its answer through.
func TestNServices(t *testing.T) {
	echo := func(_ context.Context, rw ResponseWriter, r *Request) error {
		ds, err := r.ReadDataSet(1000)
		if err != nil {
			return err
		}
		out := Response{Status: StatusSuccess, DataSet: ds}
		switch r.Field {
		case NCreateRQ:
			out.SOPInstance = "1.9"
		case NGetRQ:
			out.DataSet = withID(fmt.Sprint(r.AttributeIdentifiers))
		case NActionRQ:
			out.Status, out.ErrorID, out.Offending = StatusNoSuchActionType, r.ActionTypeID, []dicom.Tag{dict.PatientID}
		case NEventReportRQ:
			out.ErrorID, out.Status = r.EventTypeID, StatusNoSuchEventType
		case NDeleteRQ:
			out.DataSet = nil
		}
		return rw.Respond(out)
	}
	s := startSCP(t, routes{NCreateRQ: echo, NSetRQ: echo, NGetRQ: echo, NActionRQ: echo, NDeleteRQ: echo, NEventReportRQ: echo}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	ctx := t.Context()
	check := func(name string, r *Result, err error, ok func() bool) {
		t.Helper()
		if err != nil || !ok() {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	r, err := c.NCreate(ctx, mpps, "", withID("a"))
	check("create", r, err, func() bool {
		return r.SOPInstance == "1.9" && text(r.DataSet, dict.PatientID) == "a" && r.SOPClass == mpps
	})
	r, err = c.NSet(ctx, mpps, "1.9", withID("b"))
	check("set", r, err, func() bool { return text(r.DataSet, dict.PatientID) == "b" && r.SOPInstance == "1.9" })
	r, err = c.NGet(ctx, mpps, "1.9", dict.PatientID, dict.PatientName)
	check("get", r, err, func() bool {
		return text(r.DataSet, dict.PatientID) == fmt.Sprint([]dicom.Tag{dict.PatientID, dict.PatientName})
	})
	r, err = c.NAction(ctx, commit, "1.2.840.10008.1.20.1.1", 9, withID("c"))
	check("action", r, err, func() bool {
		return r.Status == StatusNoSuchActionType && r.ErrorID == 9 && r.ActionTypeID == 9 && len(r.Offending) == 1
	})
	r, err = c.NEventReport(ctx, EventReport{SOPClass: commit, SOPInstance: "1.2", EventTypeID: 2, Information: withID("d")})
	check("event report", r, err, func() bool { return r.ErrorID == 2 && r.EventTypeID == 2 })
	r, err = c.NDelete(ctx, mpps, "1.9")
	check("delete", r, err, func() bool { return r.DataSet == nil && r.Status.IsSuccess() })
	closeClient(t, c)
}

// TestEventReport: an SCP reports on the association of the N-ACTION, after its
// response (PS3.4 section J.3.3).
func TestEventReport(t *testing.T) {
	reported := make(chan Status, 1)
	s := startSCP(t, routes{NActionRQ: func(ctx context.Context, rw ResponseWriter, r *Request) error {
		if err := rw.Respond(Response{Status: StatusSuccess}); err != nil {
			return err
		}
		status, err := rw.EventReport(ctx, EventReport{SOPClass: commit, SOPInstance: "1.2", EventTypeID: 1, Information: withID("r")})
		if err != nil {
			t.Error(err)
		}
		reported <- status
		return nil
	}, CEchoRQ: echoHandler}.route, ServeOptions{})
	got := make(chan string, 1)
	c := dial(t, s, DialOptions{ClientOptions: ClientOptions{EventReport: HandlerFunc(
		func(_ context.Context, _ ResponseWriter, r *Request) error {
			ds, err := r.ReadDataSet(1000)
			got <- text(ds, dict.PatientID)
			if err != nil {
				return err
			}
			return StatusNoSuchArgument
		})}})
	if r, err := c.NAction(t.Context(), commit, "1.2", 1, withID("q")); err != nil || r.Status != StatusSuccess {
		t.Fatal(r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reported; cancel() }()
	if err := c.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("wait: %v", err)
	}
	if id := <-got; id != "r" {
		t.Errorf("report %q", id)
	}
}

// TestEventReportInterleaved: the requestor goes on before it answers.
func TestEventReportInterleaved(t *testing.T) {
	result := make(chan error, 1)
	s := startSCP(t, routes{NActionRQ: func(ctx context.Context, rw ResponseWriter, r *Request) error {
		rw.Respond(Response{Status: StatusSuccess})
		_, err := rw.EventReport(ctx, EventReport{SOPClass: commit, SOPInstance: "1.2", EventTypeID: 1})
		result <- err
		return nil
	}, CEchoRQ: echoHandler}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	pc, _ := c.s.find(commit, "")
	echo, _ := c.s.find(dict.UIDVerification, "")
	c.s.send(pc.ID, &Command{Field: NActionRQ, MessageID: 1, SOPClass: commit, SOPInstance: "1.2", ActionTypeID: 1}, nil)
	c.s.send(echo.ID, &Command{Field: CEchoRQ, MessageID: 2, SOPClass: dict.UIDVerification}, nil)
	if err := <-result; err != ErrInterleaved {
		t.Errorf("%v, want ErrInterleaved", err)
	}
	var fields []CommandField
	for range 3 {
		m, err := c.s.receive()
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, m.Field)
	}
	if fmt.Sprint(fields) != "[N-ACTION-RSP N-EVENT-REPORT-RQ C-ECHO-RSP]" {
		t.Errorf("messages: %v", fields)
	}
	closeClient(t, c)
}

// TestAssociationEnds: the context of a C-FIND handler ends with the association.
func TestAssociationEnds(t *testing.T) {
	cause := make(chan error, 1)
	began := make(chan bool, 1)
	s := startSCP(t, routes{CFindRQ: func(ctx context.Context, _ ResponseWriter, _ *Request) error {
		began <- true
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return ctx.Err()
	}}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	pc, _ := c.s.find(studyFind, "")
	data, _ := encode(pc, withID("x"))
	c.s.send(pc.ID, &Command{Field: CFindRQ, MessageID: 1, SOPClass: studyFind}, data)
	<-began
	c.Association().Abort()
	if err := <-cause; err != ErrAssociationEnded {
		t.Errorf("cause: %v", err)
	}
	c.Association().Close()
	if errs := s.ended(t, 1); !errors.As(errs[0], new(*ul.AbortError)) {
		t.Errorf("ended with %v", errs[0])
	}
}

func TestOperationTimeout(t *testing.T) {
	s := startSCP(t, routes{CFindRQ: func(ctx context.Context, _ ResponseWriter, _ *Request) error {
		<-ctx.Done()
		if context.Cause(ctx) != ErrOperationTimeout {
			t.Errorf("cause: %v", context.Cause(ctx))
		}
		return StatusOutOfResources
	}}.route, ServeOptions{OperationTimeout: 20 * time.Millisecond, MaxIdentifier: 1000})
	c := dial(t, s, DialOptions{})
	for _, id := range []string{"x", string(bytes.Repeat([]byte("x"), 2000)), "y"} {
		var last error
		for _, err := range c.Find(t.Context(), QueryRequest{SOPClass: studyFind, Identifier: withID(id)}) {
			last = err
		}
		if asStatus(last) != StatusOutOfResources {
			t.Errorf("%v", last)
		}
	}
	closeClient(t, c)
}
