// Package server puts the archive together: configuration, keys, stores,
// listeners, limits. It is the only package that knows all the others.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/dicomweb"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/jobs"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/scp"
)

// Server is one archive that is running.
type Server struct {
	config  Config
	log     *slog.Logger
	data    *data
	archive *archive.Archive
	jobs    *jobs.Queue
	keeper  *trailKeeper
	oidc    *identity.OIDC // nil: no provider
	dicom   *dicomService
	shares  *access.ShareSessions
	metrics *metrics
	ready   atomic.Bool

	about
}

// Run serves the archive in dir until ctx ends. It prints one line that begins
// with "ready" on out once both listeners accept.
func Run(ctx context.Context, dir string, c Config, version string, out, logTo io.Writer) (err error) {
	if err := c.Check(); err != nil {
		return err
	}
	s := &Server{config: c, log: newLogger(c.Log, logTo)}
	s.version, s.dir, s.started, s.lookAgain = version, dir, time.Now(), make(chan chan struct{})
	if err := s.open(ctx, dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.note(ctx, audit.ApplicationStart, version); err != nil {
		return err
	}
	stopKeeping := s.keep(ctx)
	err = s.listenAndServe(ctx, dir, out)
	last := context.WithoutCancel(ctx)
	return errors.Join(err, s.note(last, audit.ApplicationStop, version), stopKeeping(last))
}

// open opens the stores and puts the services together.
func (s *Server) open(ctx context.Context, dir string) error {
	d, err := openData(dir, s.config, s.log)
	if err != nil {
		return err
	}
	s.data, s.shares = d, d.access.NewShareSessions()
	limits := objectLimits(s.config.Limits)
	s.metrics = newMetrics()
	s.recent = newRecent(counted{d.trail, s.metrics})
	s.archive, err = archive.Open(ctx, archive.Config{Catalog: d.catalog, Vault: d.vault, Trail: s.recent, Records: d.records, Guard: d.access, Log: s.log, Limits: limits})
	if err != nil {
		return errors.Join(err, d.close())
	}
	box, err := d.keyring.Box(jobsKey)
	if err == nil {
		s.jobs, err = jobs.Open(filepath.Join(dir, jobsDir), box, jobs.Options{Log: s.log})
	}
	if err == nil {
		s.oidc, err = s.openOIDC()
	}
	if err == nil {
		err = s.openKeeper(ctx, dir)
	}
	if err != nil {
		return errors.Join(err, d.close())
	}
	return s.openDICOM(limits)
}

func (s *Server) openDICOM(limits encoding.Limits) error {
	tlsConfig, err := s.data.identity.ServerTLS()
	if err != nil {
		return errors.Join(err, s.data.close())
	}
	aet := dicom.AETitle(s.config.AET)
	out := &caller{identity: s.data.identity, aet: aet}
	people := identity.NewPeople(s.data.accounts, s.oidc)
	s.dicom = &dicomService{
		provider: &scp.Provider{Archive: s.archive, AET: aet, Devices: s.data.identity, Dial: out.dial, People: people,
			Jobs: s.jobs, Limits: limits, Log: s.log},
		people: people, identity: s.data.identity, tls: tlsConfig, limits: s.config.Limits, admission: newAdmission(s.config.Limits),
		archive: s.archive, log: s.log, open: map[*running]struct{}{},
	}
	return nil
}

// objectLimits are the limits of what is taken in.
func objectLimits(l Limits) encoding.Limits {
	limits := encoding.DefaultLimits()
	limits.Depth, limits.HeaderBytes = l.ObjectDepth, l.ObjectHeader
	return limits
}

// listenAndServe listens, says that it is ready, and serves until ctx ends.
func (s *Server) listenAndServe(ctx context.Context, dir string, out io.Writer) error {
	dicomListener, err := net.Listen("tcp", s.config.DICOM)
	if err != nil {
		return fmt.Errorf("listen for DICOM: %w", err)
	}
	defer dicomListener.Close()
	httpsListener, err := s.listenHTTPS()
	if err != nil {
		return err
	}
	defer httpsListener.Close()
	metricsListener, err := listenMetrics(s.config.Metrics)
	if err != nil {
		return err
	}
	if metricsListener != nil {
		defer metricsListener.Close()
		s.log.InfoContext(ctx, "metrics for Prometheus", "address", metricsListener.Addr().String())
	}
	s.metrics.watch(s)
	at := Addresses{dicomListener.Addr().String(), httpsListener.Addr().String()}
	s.at = at
	if err := at.write(dir); err != nil {
		return fmt.Errorf("write down where the archive listens: %w", err)
	}
	defer os.Remove(filepath.Join(dir, addressesFile))
	link, err := s.firstLink(ctx, at.HTTPS)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 6)
	run := func(f func() error) {
		go func() {
			err := f()
			stop() // one that ends takes the others with it
			ended <- err
		}()
	}
	grace := time.Duration(s.config.Limits.StopGrace)
	run(func() error { return s.dicom.serve(ctx, dicomListener) })
	run(func() error { return s.metrics.serve(ctx, metricsListener) })
	run(func() error { return s.tend(ctx) })
	run(func() error { return serveHTTPS(ctx, s.newHTTPS(at.HTTPS), httpsListener, grace) })
	run(func() error {
		return s.jobs.Run(ctx, map[string]jobs.Do{scp.CommitmentJob: s.dicom.provider.ReportCommitment})
	})
	s.ready.Store(true)
	s.advise(ctx, dir)
	fmt.Fprintf(out, "ready dicom=%s https=%s\n%s", at.DICOM, at.HTTPS, link)
	run(func() error { return s.surveySelf(ctx, at) })
	var all error
	for range cap(ended) {
		all = errors.Join(all, <-ended)
		s.ready.Store(false)
	}
	return all
}

// newHTTPS puts the HTTPS service together.
func (s *Server) newHTTPS(at string) *http.Server {
	dicomWeb := dicomweb.New(dicomweb.Config{Prefix: dicomWebPath, Limits: objectLimits(s.config.Limits), Log: s.log})
	accounts, sessions := s.data.accounts, identity.NewSessions(s.data.accounts, identity.SessionOptions{})
	pages := s.newPages(accounts, sessions, at)
	return newHTTPS(s.ready.Load, newGate(accounts, sessions, s.oidc, s.archive, s.log).letting(s.shares), dicomWeb, s.keeper.fhir, pages, s.metrics, s.log)
}

func (s *Server) note(ctx context.Context, code audit.Code, version string) error {
	p := policy.Principal{Kind: policy.System, Name: "archive"}
	return s.archive.As(p).Note(ctx, audit.Event{Code: code, Action: audit.Execute,
		Details: []audit.Detail{{Name: "version", Value: version}}})
}

func (s *Server) close() error { return s.data.close() }

func newLogger(l Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo // Check has refused it before
	}
	o := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// advise logs what an administrator should know at the start.
func (s *Server) advise(ctx context.Context, dir string) {
	for _, e := range s.data.identity.Expiries() {
		s.log.WarnContext(ctx, "certificate ends soon: tresor device renew", "device", e.Device, "days_left", e.DaysLeft)
	}
	if len(s.data.identity.List()) == 0 {
		s.log.InfoContext(ctx, "no device is enrolled yet: tresor device add NAME --aet AET --allow echo,store,find,get --out DIR", "dir", dir)
	}
	if os.Geteuid() == 0 {
		s.log.WarnContext(ctx, "running as root; an account of its own is enough")
	}
}
