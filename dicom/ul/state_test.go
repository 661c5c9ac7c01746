package ul

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/corpus"
)

// recorder is a transport connection that remembers what is done to it.
type recorder struct {
	net.Conn
	sent   []byte
	closed bool
	half   bool
}

func (r *recorder) Write(b []byte) (int, error)      { r.sent = append(r.sent, b...); return len(b), nil }
func (r *recorder) Close() error                     { r.closed = true; return nil }
func (r *recorder) CloseWrite() error                { r.half = true; return nil }
func (r *recorder) SetReadDeadline(time.Time) error  { return nil }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }

// does says what an action does besides going to the next states: which PDU it
// sends (0: none; 0xEE: the one that came with the event), what happens to
// ARTIM, whether the transport connection is closed, and whether the user is
// told that the association is over. It is PS3.8 tables 9-6 to 9-9 once more, in
// the words of the test.
var does = map[string]struct {
	next  []State
	sends byte
	artim string
	close bool
	ends  bool
}{
	"AE-1": {next: []State{Sta4}}, "AE-2": {next: []State{Sta5}, sends: 0xEE},
	"AE-3": {next: []State{Sta6}}, "AE-4": {next: []State{Sta1}, close: true, ends: true, artim: "stop"},
	"AE-5": {next: []State{Sta2}, artim: "start"},
	"AE-6": {next: []State{Sta3, Sta13}, artim: "stop"},
	"AE-7": {next: []State{Sta6}, sends: 0xEE}, "AE-8": {next: []State{Sta13}, sends: 0xEE, artim: "start", ends: true},
	"DT-1": {next: []State{Sta6}, sends: 0xEE}, "DT-2": {next: []State{Sta6}},
	"AR-1": {next: []State{Sta7}, sends: 5}, "AR-2": {next: []State{Sta8}},
	"AR-3": {next: []State{Sta1}, close: true, ends: true, artim: "stop"},
	"AR-4": {next: []State{Sta13}, sends: 6, artim: "start", ends: true},
	"AR-5": {next: []State{Sta1}, artim: "stop", close: true, ends: true},
	"AR-6": {next: []State{Sta7}}, "AR-7": {next: []State{Sta8}, sends: 0xEE},
	"AR-8": {next: []State{Sta9, Sta10}}, "AR-9": {next: []State{Sta11}, sends: 6}, "AR-10": {next: []State{Sta12}},
	"AA-1": {next: []State{Sta13}, sends: 7, artim: "start", ends: true},
	"AA-2": {next: []State{Sta1}, artim: "stop", close: true, ends: true},
	"AA-3": {next: []State{Sta1}, close: true, ends: true, artim: "stop"},
	"AA-4": {next: []State{Sta1}, close: true, ends: true, artim: "stop"},
	"AA-5": {next: []State{Sta1}, artim: "stop", close: true, ends: true},
	"AA-6": {next: []State{Sta13}}, "AA-7": {next: []State{Sta13}, sends: 7},
	"AA-8": {next: []State{Sta13}, sends: 7, artim: "start", ends: true},
}

// inState returns an association that has been put into a state.
func inState(s State, requestor bool) (*Association, *recorder) {
	r := new(recorder)
	a := newAssociation(r, requestor, Options{})
	a.state = s
	a.artim = time.Unix(2, 0)
	return a, r
}

// TestEveryCell fires every event in every state, and sees that the action is
// done, or, where the table is empty, nothing.
func TestEveryCell(t *testing.T) {
	for s := Sta1; s <= Sta13; s++ {
		for e := Evt1; e <= Evt19; e++ {
			for _, requestor := range []bool{true, false} {
				t.Run(fmt.Sprintf("%v/%v/requestor=%t", s, e, requestor), func(t *testing.T) {
					checkCell(t, s, e, requestor)
				})
			}
		}
	}
}

func checkCell(t *testing.T, s State, e Event, requestor bool) {
	a, r := inState(s, requestor)
	told := errors.New("told")
	want, ok := Transition(s, e)
	got, err := a.event(e, stimulus{pdu: []byte{0xEE}, err: told})
	if !ok {
		if !errors.Is(err, ErrState) || a.state != s || r.sent != nil || r.closed || a.err != nil || a.artim != time.Unix(2, 0) {
			t.Fatalf("a forbidden event did something: %v, %v", err, a.state)
		}
		return
	}
	if err != nil || got != want {
		t.Fatalf("did %v (%v), want %v", got, err, want)
	}
	d := does[want.String()]
	next := d.next[0]
	if want == AR8 && !requestor {
		next = d.next[1]
	}
	if a.state != next {
		t.Errorf("%v leads to %v, want %v", want, a.state, next)
	}
	if (d.sends == 0) != (len(r.sent) == 0) || d.sends != 0 && r.sent[0] != d.sends {
		t.Errorf("%v sent % X", want, r.sent)
	}
	if r.closed != d.close {
		t.Errorf("%v: closed %t", want, r.closed)
	}
	if (a.err != nil) != d.ends || d.ends && a.err != told {
		t.Errorf("%v: the user is told %v", want, a.err)
	}
	switch {
	case d.artim == "start" && !a.artim.After(time.Now().Add(10*time.Second)),
		d.artim == "stop" && !a.artim.IsZero(),
		d.artim == "" && a.artim != time.Unix(2, 0):
		t.Errorf("%v: ARTIM ends %v", want, a.artim)
	}
	if last := a.state == Sta13 && d.ends; r.half != last {
		t.Errorf("%v: sending side closed %t", want, r.half)
	}
}

// TestNotAcceptable is AE-6 for what the service provider refuses.
func TestNotAcceptable(t *testing.T) {
	a, r := inState(Sta2, false)
	a.event(Evt6, stimulus{reject: rejectVersion})
	if a.state != Sta13 || r.sent[0] != byte(PDUAssociateRJ) || a.err != rejectVersion || a.artim.IsZero() {
		t.Errorf("%v, sent % X, told %v", a.state, r.sent, a.err)
	}
}

// TestNames: what is not in the table does no harm either.
func TestNames(t *testing.T) {
	if _, ok := Transition(0, 0); ok {
		t.Error("a transition from no state")
	}
	if _, ok := Transition(Sta13+1, Evt1); ok {
		t.Error("a transition from Sta14")
	}
	for a := AE1; a <= AA8; a++ {
		if effects[a].do == nil || does[a.String()].next == nil {
			t.Errorf("%v does nothing", a)
		}
	}
	if s := fmt.Sprint(Sta13, Evt19, AA8, Action(99), PDUAbort, PDUType(9)); s != "Sta13 Evt19 AA-8 action 99 A-ABORT PDU type 09H" {
		t.Error(s)
	}
}

// TestTable compares the table with one that others made of the standard.
func TestTable(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(corpus.Shared(t), "standard", "ul", "ul_state_machine.json"))
	if err != nil {
		t.Skip("skipped: no state machine to compare with")
	}
	var theirs struct {
		Transitions []struct{ Event, State, Action string }
		Actions     map[string]struct{ Next any }
	}
	if err := json.Unmarshal(b, &theirs); err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for _, c := range theirs.Transitions {
		want[c.State+"/"+c.Event] = c.Action
	}
	n := 0
	for s := Sta1; s <= Sta13; s++ {
		for e := Evt1; e <= Evt19; e++ {
			cell := fmt.Sprintf("%v/%v", s, e)
			a, ok := Transition(s, e)
			if ok {
				n++
			}
			if ok != (want[cell] != "") || ok && a.String() != want[cell] {
				t.Errorf("%s: %v, want %q", cell, a, want[cell])
			}
		}
	}
	if n != len(want) {
		t.Errorf("%d transitions, want %d", n, len(want))
	}
	for name, a := range theirs.Actions {
		if got, want := fmt.Sprint(does[name].next), strings.Trim(fmt.Sprint(a.Next), "[]"); strings.Trim(got, "[]") != want {
			t.Errorf("%s leads to %s, want %s", name, got, want)
		}
	}
}
