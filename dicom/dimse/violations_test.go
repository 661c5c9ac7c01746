package dimse

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// TestViolations sends what breaks PS3.7: the association is aborted.
func TestViolations(t *testing.T) {
	s := startSCP(t, new(memoryArchive).routes().route, ServeOptions{})
	store := Command{Field: CStoreRQ, MessageID: 1, SOPClass: ct, SOPInstance: "1.2", HasDataSet: true}
	raw := AppendCommand(nil, &store)
	echo := AppendCommand(nil, &Command{Field: CEchoRQ, MessageID: 2, SOPClass: dict.UIDVerification})
	for name, send := range map[string]func(a *ul.Association, storage, verification uint8){
		"no data set": func(a *ul.Association, id, other uint8) {
			a.Send(id, raw, nil)
			a.Send(other, echo, nil)
		},
		"no data set but a release": func(a *ul.Association, id, _ uint8) {
			a.Send(id, raw, nil)
			a.Release(context.Background())
		},
		"a command set of 70 KiB": func(a *ul.Association, id, _ uint8) { a.Send(id, make([]byte, 70<<10), nil) },
		"no command set":          func(a *ul.Association, id, _ uint8) { a.Send(id, []byte("no command set"), nil) },
		"an empty command set":    func(a *ul.Association, id, _ uint8) { a.Send(id, nil, nil) },
	} {
		c := dial(t, s, DialOptions{})
		storage, _ := c.s.find(ct, "")
		verification, _ := c.s.find(dict.UIDVerification, "")
		send(c.Association(), storage.ID, verification.ID)
		if _, err := c.Association().NextPart(); !errors.As(err, new(*ul.AbortError)) {
			t.Errorf("%s: %v", name, err)
		}
		c.Association().Close()
	}
	for _, err := range s.ended(t, 5) {
		if !errors.As(err, new(*ul.ProtocolError)) {
			t.Errorf("an association ended with %v", err)
		}
	}
}

// TestForeignDataSet: a data set on another presentation context than its command set.
func TestForeignDataSet(t *testing.T) {
	s := startSCP(t, new(memoryArchive).routes().route, ServeOptions{})
	c := dial(t, s, DialOptions{RequestOptions: ul.RequestOptions{Contexts: contexts(ct, studyFind)}})
	raw := AppendCommand(nil, &Command{Field: CStoreRQ, MessageID: 1, SOPClass: ct, SOPInstance: "1.2", HasDataSet: true})
	c.Association().Conn().Write(pdu(1, 3, raw))
	c.Association().Conn().Write(pdu(3, 2, []byte("data")))
	c.Association().NextPart()
	c.Association().Close()
	if err := s.ended(t, 1)[0]; !errors.Is(err, errForeign) {
		t.Errorf("ended with %v", err)
	}
}

// TestSilentPeer: a peer that does not answer a sub-operation loses the association.
func TestSilentPeer(t *testing.T) {
	result := make(chan error, 1)
	s := startSCPWith(t, routes{CGetRQ: func(ctx context.Context, rw ResponseWriter, r *Request) error {
		_, err := rw.Store(ctx, StoreRequest{SOPClass: ct, SOPInstance: "1.2", TransferSyntax: explicit, DataSet: bytes.NewReader([]byte("data"))})
		result <- err
		return err
	}}.route, ServeOptions{}, ul.Options{Idle: 50 * time.Millisecond})
	c := dial(t, s, DialOptions{RequestOptions: ul.RequestOptions{Roles: []ul.RoleSelection{{SOPClass: ct, SCU: true, SCP: true}}}})
	pc, _ := c.s.find(studyGet, "")
	c.s.send(pc.ID, &Command{Field: CGetRQ, MessageID: 1, SOPClass: studyGet}, bytes.NewReader([]byte{}))
	var timeout *ul.TimeoutError
	if err := <-result; !errors.As(err, &timeout) {
		t.Errorf("the handler got %v", err)
	}
	c.Association().Close()
}

// TestClientContext: the end of its context ends an operation that hangs.
func TestClientContext(t *testing.T) {
	release := make(chan bool)
	s := startSCP(t, routes{CEchoRQ: func(context.Context, ResponseWriter, *Request) error { <-release; return nil }}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Echo(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("echo: %v", err)
	}
	close(release)
	if err := c.Close(t.Context()); err == nil {
		t.Error("an aborted association was released")
	}
	if _, err := c.Echo(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("echo after the end: %v", err)
	}
	if _, err := c.NSet(t.Context(), "1.2", "1.2", nil); !errors.Is(err, ErrNoContext) {
		t.Errorf("without a presentation context: %v", err)
	}
}

// TestResponseRules: one final response, and pending ones before it.
func TestResponseRules(t *testing.T) {
	s := startSCP(t, routes{CFindRQ: func(_ context.Context, rw ResponseWriter, _ *Request) error {
		if err := rw.Pending(StatusSuccess, nil, nil); err != errNotPending {
			t.Errorf("pending with success: %v", err)
		}
		if err := rw.Respond(Response{Status: StatusPending}); err != errPending {
			t.Errorf("final with pending: %v", err)
		}
		if err := rw.Respond(Response{Status: StatusOutOfResources}); err != nil {
			t.Error(err)
		}
		if err := rw.Respond(Response{}); err != errResponded {
			t.Errorf("a second final response: %v", err)
		}
		if err := rw.Pending(StatusPending, nil, nil); err != errResponded {
			t.Errorf("pending after the final response: %v", err)
		}
		if _, err := rw.EventReport(t.Context(), EventReport{SOPClass: commit}); err != ErrNoContext {
			t.Errorf("a report on another SOP class: %v", err)
		}
		return errors.New("logged, no more")
	}}.route, ServeOptions{})
	c := dial(t, s, DialOptions{})
	for range 2 {
		var last error
		for _, err := range c.Find(t.Context(), QueryRequest{SOPClass: studyFind}) {
			last = err
		}
		if asStatus(last) != StatusOutOfResources {
			t.Errorf("find: %v", last)
		}
	}
	closeClient(t, c)
}
