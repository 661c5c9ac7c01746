package survey_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
	"github.com/tresor-pacs/tresor/internal/survey/target"
)

// TestSimulator plays the 2,300 archives of the survey of 2019, 590 of them open,
// on addresses of loopback: one run finds exactly those.
func TestSimulator(t *testing.T) {
	if testing.Short() {
		t.Skip("2,300 archives")
	}
	const hosts, open = 2300, 590
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	port := 0
	var targets []target.Target
	for i := range hosts {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.1.%d.%d:%d", i>>8, i&255, port))
		if err != nil {
			t.Skipf("listen: %v", err)
		}
		defer ln.Close()
		a := ln.Addr().(*net.TCPAddr)
		port = a.Port
		targets = append(targets, target.Target{Prefix: netip.PrefixFrom(a.AddrPort().Addr(), 32), Port: port})
		go simulate(ctx, ln, i < open)
	}
	guard := loopback(t, "no")
	plan, err := (&survey.Planner{Guard: guard}).Plan(ctx, targets)
	if err != nil {
		t.Fatal(err)
	}
	states := map[survey.State]int{}
	run := survey.Run{Plan: plan, Rates: survey.DefaultRates, Prober: survey.Prober{Guard: guard, Level: scope.L4},
		Found: func(e *survey.Envelope) error { states[e.Data.DICOM.Result.State]++; return nil }}
	began := time.Now()
	if err := run.Do(ctx); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if states[survey.Queryable] != open || states[survey.Refused] != hosts-open {
		t.Errorf("found %v", states)
	}
	if took > time.Minute {
		t.Errorf("took %v", took)
	}
	t.Logf("%d hosts in %v", hosts, took.Round(time.Millisecond))
}

// simulate serves one archive that permits every query or rejects every caller.
func simulate(ctx context.Context, ln net.Listener, open bool) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		a, err := ul.Accept(ctx, conn, ul.AcceptOptions{Negotiate: func(_ context.Context, n *ul.Negotiation) error {
			if !open {
				return ul.RejectCalling
			}
			for _, c := range n.Request.Contexts {
				n.Accept(c.ID, c.TransferSyntaxes[0])
			}
			return nil
		}})
		if err != nil {
			continue
		}
		dimse.Serve(ctx, a, func(dimse.CommandField, ul.PresentationContext) dimse.Handler {
			return dimse.HandlerFunc(func(context.Context, dimse.ResponseWriter, *dimse.Request) error { return nil })
		}, dimse.ServeOptions{})
	}
}
