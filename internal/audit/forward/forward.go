package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/message"
	"github.com/tresor-pacs/tresor/internal/durable"
)

// Config says what is sent where.
type Config struct {
	Address string      // HOST:PORT of the repository; 6514 is syslog's own port
	TLS     *tls.Config // how to know it, and our certificate
	Trail   string      // folder of the trail
	Box     audit.Box
	Dir     string         // folder for the cursor; it is made
	Source  message.Source // the archive as messages name it
	Limit   int            // bytes of a message; 0: message.MinLength
	Log     *slog.Logger

	// Settle is after what time on a good connection a record counts as arrived;
	// 0: DefaultSettle.
	Settle time.Duration
	// Lag is how long records may wait before the log has an alarm, and then
	// how often; 0: DefaultLag.
	Lag time.Duration
	// Retry is the first wait after a failure; it doubles up to a minute. 0: a second.
	Retry time.Duration
}

// The times that Config stands for.
const (
	DefaultSettle = 30 * time.Second
	DefaultLag    = 5 * time.Minute
	maxRetry      = time.Minute
	poll          = 200 * time.Millisecond
)

// Forwarder sends one trail to one repository.
type Forwarder struct {
	c       Config
	process string
	cursor  *cursor
	arrived atomic.Uint64

	caughtUp time.Time // when nothing was left to send
	alarmed  time.Time // when the log had the last alarm; zero: none since caughtUp
	down     bool      // the log has that the connection is lost
}

// New returns a forwarder; the trail must exist.
func New(c Config) (*Forwarder, error) {
	if c.Settle <= 0 {
		c.Settle = DefaultSettle
	}
	if c.Lag <= 0 {
		c.Lag = DefaultLag
	}
	if c.Retry <= 0 {
		c.Retry = time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	id, err := audit.ID(c.Trail)
	if err != nil {
		return nil, fmt.Errorf("forward the trail: %w", err)
	}
	if err := durable.MkdirAll(durable.OS, c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("forward the trail: %w", err)
	}
	f := &Forwarder{c: c, process: strconv.Itoa(os.Getpid())}
	if f.cursor, err = openCursor(cursorFile(c.Dir), id); err != nil {
		return nil, fmt.Errorf("forward the trail: %w", err)
	}
	f.arrived.Store(f.cursor.at)
	return f, nil
}

// Arrived returns the number of the last record that has surely arrived.
func (f *Forwarder) Arrived() uint64 { return f.arrived.Load() }

// Run sends until ctx ends. It reads the trail's files and so never keeps
// anybody waiting who writes to it. Its error is one of the cursor: what is
// durable can then no longer be known.
func (f *Forwarder) Run(ctx context.Context) error {
	f.caughtUp = time.Now()
	wait := f.c.Retry
	for ctx.Err() == nil {
		began := time.Now()
		err := f.connection(ctx)
		var final *cursorError
		if errors.As(err, &final) {
			return fmt.Errorf("forward the trail: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > maxRetry {
			wait = f.c.Retry
		}
		if !f.down {
			f.c.Log.WarnContext(ctx, "audit forwarding: the repository cannot be reached; records wait in the trail", "address", f.c.Address, "error", err)
			f.down = true
		}
		f.alarm(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, maxRetry)
	}
	return nil
}

// alarm logs that records wait too long.
func (f *Forwarder) alarm(ctx context.Context) {
	now := time.Now()
	if now.Sub(f.caughtUp) < f.c.Lag || now.Sub(f.alarmed) < f.c.Lag {
		return
	}
	_, last, err := audit.Last(f.c.Trail, f.c.Box)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		f.c.Log.ErrorContext(ctx, "audit forwarding: the trail cannot be read", "error", err)
	case last < f.cursor.at:
		f.c.Log.ErrorContext(ctx, "audit forwarding: the trail is shorter than what was sent of it: tresor audit verify", "sent", f.cursor.at, "last", last)
	case last > f.cursor.at:
		f.c.Log.ErrorContext(ctx, "audit forwarding lags: records wait in the trail", "address", f.c.Address,
			"records", last-f.cursor.at, "since", f.caughtUp.UTC().Format(time.RFC3339))
	default:
		return
	}
	f.alarmed = now
}

// level notes that nothing is left to send.
func (f *Forwarder) level(ctx context.Context) {
	f.caughtUp = time.Now()
	if !f.alarmed.IsZero() {
		f.c.Log.InfoContext(ctx, "audit forwarding has caught up", "address", f.c.Address)
		f.alarmed = time.Time{}
	}
}

// cursorError is a failure that ends the forwarder.
type cursorError struct{ error }

func (e *cursorError) Unwrap() error { return e.error }
