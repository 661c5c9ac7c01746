package archive

import (
	"context"
	"errors"
	"iter"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// ReadTrail yields the records of the trail that match, the oldest first (right
// ReadTrail). That the trail is read, and what is searched for, is in the trail
// before the first record. An error with a place is one damaged record's, and
// the search goes on after it.
func (s *Session) ReadTrail(ctx context.Context, f audit.Filter) iter.Seq2[audit.Record, error] {
	return s.ReadTrailFor(ctx, f, f.Event())
}

// ReadTrailFor is ReadTrail for a report: e, an audit.AuditLogUsed, says in the
// trail what for, in place of what is searched for.
func (s *Session) ReadTrailFor(ctx context.Context, f audit.Filter, e audit.Event) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		if d := policy.May(s.principal, policy.ReadTrail); !d.Allowed {
			yield(audit.Record{}, s.denied(ctx, e, d))
			return
		}
		if s.archive.records == nil {
			yield(audit.Record{}, errors.New("read the trail: this archive has no reader of it"))
			return
		}
		if err := s.Note(ctx, e); err != nil {
			yield(audit.Record{}, err)
			return
		}
		for r, err := range s.archive.records.Search(ctx, f) {
			if !yield(r, err) {
				return
			}
		}
	}
}
