package forward

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/message"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// The limits of a connection. What lies unacknowledged in the network for
// giveUp ends it; that is well below the time after which records settle.
const (
	dialTime   = 10 * time.Second
	flushEvery = 256 // records
)

func (f *Forwarder) giveUp() time.Duration { return f.c.Settle / 2 }

func cursorFile(dir string) string { return filepath.Join(dir, "cursor") }

// mark says when a record had been handed to the network.
type mark struct {
	seq  uint64
	when time.Time
}

// connection sends through one connection until it or ctx ends.
func (f *Forwarder) connection(ctx context.Context) error {
	dialer := tls.Dialer{Config: f.c.TLS, NetDialer: &net.Dialer{Timeout: dialTime, Control: limitUnacknowledged(f.giveUp())}}
	dialContext, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := dialer.DialContext(dialContext, "tcp", f.c.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if f.down {
		f.c.Log.InfoContext(ctx, "audit forwarding: the repository is reached again", "address", f.c.Address)
		f.down = false
	}
	s := &sending{f: f, conn: conn, gone: make(chan error, 1), buf: bufio.NewWriterSize(conn, 64<<10)}
	s.reader = audit.NewReader(f.c.Trail, f.c.Box, f.cursor.at)
	defer s.reader.Close()
	// A syslog server says nothing: what comes is the end.
	go func() {
		_, err := io.Copy(io.Discard, conn)
		if err == nil {
			err = errors.New("the repository closed the connection")
		}
		s.gone <- err
	}()
	return s.run(ctx)
}

// sending is the use of one connection.
type sending struct {
	f      *Forwarder
	conn   net.Conn
	gone   chan error
	buf    *bufio.Writer
	reader *audit.Reader
	frame  []byte
	open   int    // records in buf
	last   uint64 // number of the last record in buf or sent
	marks  []mark // sent and not settled
}

func (s *sending) run(ctx context.Context) error {
	for {
		r, err := s.reader.Next()
		var line *audit.LineError
		switch {
		case err == io.EOF:
			if err := s.idle(ctx); err != nil {
				return err
			}
			continue
		case errors.As(err, &line):
			r = s.unreadable(ctx, r, err)
		case err != nil:
			return err
		}
		if err := s.send(ctx, &r); err != nil {
			return err
		}
		select {
		case err := <-s.gone:
			return err
		case <-ctx.Done():
			return s.flush()
		default:
		}
	}
}

// unreadable is sent in the place of a record that cannot be: the repository
// shall know of it.
func (s *sending) unreadable(ctx context.Context, r audit.Record, err error) audit.Record {
	s.f.c.Log.ErrorContext(ctx, "audit forwarding: a record cannot be read: tresor audit verify", "file", r.File, "line", r.Line, "error", err)
	r.Time, r.Event = time.Now(), audit.Event{Code: audit.IntegrityFailure, Action: audit.Execute, Outcome: audit.MajorFailure,
		PrincipalKind: string(policy.System), Principal: "trail", Reason: "a record of the trail cannot be read",
		Details: []audit.Detail{{Name: "file", Value: r.File}}}
	return r
}

// send puts a record into the buffer.
func (s *sending) send(ctx context.Context, r *audit.Record) error {
	xml, err := message.Encode(&s.f.c.Source, r, s.f.c.Limit)
	if err != nil { // of a newer program, perhaps
		other := s.unreadable(ctx, *r, err)
		xml, err = message.Encode(&s.f.c.Source, &other, s.f.c.Limit)
	}
	if err != nil {
		return err
	}
	s.frame = frame(s.frame[:0], s.f.c.Source.ID, s.f.process, r, xml)
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.f.giveUp())); err != nil {
		return err
	}
	if _, err := s.buf.Write(s.frame); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	s.open++
	s.last = max(s.last, r.Seq)
	if s.open < flushEvery {
		return nil
	}
	if err := s.flush(); err != nil {
		return err
	}
	return s.settle()
}

// flush hands the buffer to the network.
func (s *sending) flush() error {
	if s.open == 0 {
		return nil
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.f.giveUp())); err != nil {
		return err
	}
	if err := s.buf.Flush(); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	s.open = 0
	s.marks = append(s.marks, mark{s.last, time.Now()})
	return nil
}

// settle moves the cursor over what was sent long enough ago. It writes the
// cursor at most every tenth of that time: more would be repeated anyway.
func (s *sending) settle() error {
	now := time.Now()
	i := 0
	for i < len(s.marks) && now.Sub(s.marks[i].when) >= s.f.c.Settle {
		i++
	}
	if i == 0 || len(s.marks) > i && s.marks[i].when.Sub(s.marks[0].when) < s.f.c.Settle/10 {
		return nil
	}
	select {
	case err := <-s.gone: // it ended meanwhile: what was sent last is in doubt
		return err
	default:
	}
	if at := s.marks[i-1].seq; at > s.f.cursor.at {
		if err := s.f.cursor.set(at); err != nil {
			return &cursorError{err}
		}
		s.f.arrived.Store(at)
	}
	s.marks = append(s.marks[:0], s.marks[i:]...)
	return nil
}

// idle is called when all that there is was sent: it waits for more.
func (s *sending) idle(ctx context.Context) error {
	if err := s.flush(); err != nil {
		return err
	}
	s.f.level(ctx)
	if err := s.settle(); err != nil {
		return err
	}
	select {
	case err := <-s.gone:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(poll):
		return nil
	}
}
