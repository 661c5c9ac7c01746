package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// Bounds of the interval of self-surveys. There is no way to turn them off.
const (
	minSelfSurvey = time.Minute
	maxSelfSurvey = 7 * 24 * time.Hour
)

// selfSurvey looks at the archive's own listeners as a stranger would: it climbs
// the survey's ladder without a certificate or a login. What it asks for is
// refused and stands in the trail like the attempt of any stranger.
type selfSurvey struct {
	listeners map[string]netip.AddrPort // by name
	every     time.Duration
	archive   *archive.Archive
	log       *slog.Logger
	looked    *lookedAt
	again     <-chan chan struct{} // asked for in between
}

// lookedAt remembers when each listener was last looked at, and what came of it.
type lookedAt struct {
	mu   sync.Mutex
	last map[string]lastLook
}

// lastLook is what came of a look; its zero value is that of a listener that was
// not looked at yet.
type lastLook struct {
	when    time.Time
	answers bool
	got     *survey.Result
}

func (l *lookedAt) note(name string, got *survey.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[string]lastLook{}
	}
	l.last[name] = lastLook{time.Now(), !answersNothing(got), got}
}

func (l *lookedAt) at(name string) lastLook {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last[name]
}

// surveySelf surveys the listeners at once and then again and again, until ctx
// ends.
func (s *Server) surveySelf(ctx context.Context, at Addresses) error {
	x := &selfSurvey{listeners: map[string]netip.AddrPort{}, every: time.Duration(s.config.SelfSurvey), archive: s.archive, log: s.log, looked: &s.looked, again: s.lookAgain}
	for name, address := range map[string]string{"dicom": at.DICOM, "https": at.HTTPS} {
		a, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("self-survey: %s listens at %q: %w", name, address, err)
		}
		x.listeners[name] = reachable(a)
	}
	x.run(ctx)
	return nil
}

// reachable is the address at which a listener on all addresses is looked at:
// it is the same one wherever it is reached.
func reachable(a netip.AddrPort) netip.AddrPort {
	switch ip := a.Addr().Unmap(); {
	case ip == netip.IPv4Unspecified():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	case ip == netip.IPv6Unspecified():
		return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
	default:
		return netip.AddrPortFrom(ip, a.Port())
	}
}

func (x *selfSurvey) run(ctx context.Context) {
	tick := time.NewTicker(x.every)
	defer tick.Stop()
	for {
		x.once(ctx)
		select {
		case <-tick.C:
		case done := <-x.again:
			x.once(ctx)
			close(done)
		case <-ctx.Done():
			return
		}
	}
}

func (x *selfSurvey) once(ctx context.Context) {
	var places []netip.AddrPort
	for _, a := range x.listeners {
		places = append(places, a)
	}
	guard := scope.Own(places...)
	prober := survey.Prober{Guard: guard, Level: scope.L4, Agent: survey.Agent("https://github.com/tresor-pacs/tresor", "self-survey")}
	good := []any{}
	for name, a := range x.listeners {
		e, err := prober.Look(ctx, survey.Endpoint{Addr: a.Addr(), Port: int(a.Port()), HTTPS: name == "https"})
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			x.log.ErrorContext(ctx, "self-survey: could not look", "listener", name, "address", a, "error", err)
		case answersNothing(e.Data.DICOM.Result):
			good = append(good, name, e.Data.DICOM.Result.State)
			x.looked.note(name, e.Data.DICOM.Result)
		default:
			x.alarm(ctx, name, a, e.Data.DICOM.Result)
			x.looked.note(name, e.Data.DICOM.Result)
		}
	}
	if len(good) == 2*len(x.listeners) {
		x.log.InfoContext(ctx, "self-survey: nothing answers a stranger", good...)
	}
}

// answersNothing reports whether a stranger gets nothing: no association, no
// rejection of one, no page of an archive. That a login is wanted is no answer.
func answersNothing(r *survey.Result) bool {
	switch r.State {
	case survey.Closed, survey.Filtered, survey.NotDICOM, survey.MutualTLS:
		return true
	case survey.Refused:
		return r.Association == nil
	}
	return false
}

// alarm says in log and trail that a listener answers strangers.
func (x *selfSurvey) alarm(ctx context.Context, name string, a netip.AddrPort, r *survey.Result) {
	var ids []string
	for _, f := range r.Findings {
		ids = append(ids, f.ID)
	}
	x.log.ErrorContext(ctx, "ALARM: self-survey: this archive answers strangers", "listener", name, "address", a,
		"state", r.State, "severity", r.Severity, "vector", r.Vector, "findings", strings.Join(ids, " "))
	p := policy.Principal{Kind: policy.System, Name: "self-survey"}
	err := x.archive.As(p).Note(ctx, audit.Event{Code: audit.SecurityAlert, Action: audit.Execute, Outcome: audit.SeriousFailure,
		Reason: "the archive answers strangers", Details: []audit.Detail{{Name: "listener", Value: name}, {Name: "address", Value: a.String()},
			{Name: "state", Value: string(r.State)}, {Name: "vector", Value: r.Vector}, {Name: "findings", Value: strings.Join(ids, " ")}}})
	if err != nil {
		x.log.ErrorContext(ctx, "self-survey: the alarm could not be written to the trail", "error", err)
	}
}
