package archive

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Find yields what matches q and lies within the principal's scope: data sets
// in UTF-8 with the keys that were asked for. What lies outside is as if it
// did not exist. The query is in the trail before the first answer.
func (s *Session) Find(ctx context.Context, q Query) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		e := audit.Event{Code: audit.Query, Action: audit.Execute}
		if d := s.reads(policy.May(s.principal, policy.Find)); !d.Allowed {
			if err := asked(&e, q); err != nil {
				yield(nil, err)
				return
			}
			yield(nil, s.denied(ctx, e, d))
			return
		}
		scope := s.scope(&e)
		// The sync of the trail and the search of the catalog run side by side;
		// the first answer waits for both.
		noted := make(chan error, 1)
		go func() { noted <- s.noteQuery(context.WithoutCancel(ctx), e, q) }()
		next, stop := iter.Pull2(s.archive.catalog.Find(ctx, scope, q))
		defer stop()
		ds, err, more := next()
		if noteErr := <-noted; noteErr != nil {
			yield(nil, noteErr)
			return
		}
		for ; more; ds, err, more = next() {
			if err != nil {
				err = fmt.Errorf("search the catalog: %w", err)
			}
			if !yield(ds, err) || err != nil {
				return
			}
		}
	}
}

func (s *Session) noteQuery(ctx context.Context, e audit.Event, q Query) error {
	if err := asked(&e, q); err != nil {
		return err
	}
	return s.Note(ctx, e)
}

// asked enters into e what is searched for, as it was asked.
func asked(e *audit.Event, q Query) error {
	identifier, err := encoding.Append(nil, encoding.ExplicitLE, q.Keys)
	if err != nil {
		return fmt.Errorf("write the query to the trail: %w", err)
	}
	e.Query, e.Syntax = identifier, encoding.ExplicitLE.UID
	switch {
	case q.Target != "":
		e.Query, e.Syntax = []byte(q.Target), ""
	case q.Model != "":
		e.SOPClasses = []dicom.UID{q.Model}
	}
	return nil
}

// denied writes to the trail that the policy said no, and returns ErrDenied, or
// ErrPaused if that is why.
func (s *Session) denied(ctx context.Context, e audit.Event, d policy.Decision) error {
	e.Outcome, e.Reason = audit.SeriousFailure, d.Reason
	if err := s.Note(ctx, e); err != nil {
		return err
	}
	if why, paused := strings.CutPrefix(d.Reason, pausedReason); paused {
		return fmt.Errorf("%w: %s", ErrPaused, why)
	}
	return fmt.Errorf("%w: %s", ErrDenied, d.Reason)
}
