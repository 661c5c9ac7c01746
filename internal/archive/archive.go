package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// What Session's methods return, so that each protocol can choose its status.
// Anything else is a failure of the archive itself.
var (
	// ErrDenied says that the principal may not do what it asked.
	ErrDenied = errors.New("not authorised")
	// ErrMismatch says that an object is not what its sender said it is.
	ErrMismatch = errors.New("data set does not match")
	// ErrUnreadable says that the bytes are no data set that we understand.
	ErrUnreadable = errors.New("cannot understand")
	// ErrTooLarge says that an object passes a limit.
	ErrTooLarge = errors.New("out of resources")
	// ErrDuplicate says that other bytes are stored under the same SOP Instance
	// UID; the newcomer waits in the quarantine.
	ErrDuplicate = errors.New("duplicate SOP instance")
)

// Trail is where every act is written down before it is answered.
type Trail interface {
	// Append is durable when it returns.
	Append(ctx context.Context, e audit.Event) (uint64, error)
}

// Records reads what is in the trail.
type Records interface {
	// Search yields the records that match, the oldest first. An error with a
	// place in the trail is one record's; the search goes on after it.
	Search(ctx context.Context, f audit.Filter) iter.Seq2[audit.Record, error]
}

// Config is what an archive is made of.
type Config struct {
	Catalog Catalog
	Vault   Vault
	Trail   Trail
	Records Records          // what was written there; nil: ReadTrail fails
	Guard   Guard            // nil: no budgets, no emergencies, nothing erased
	Log     *slog.Logger     // nil: slog.Default
	Limits  encoding.Limits  // of what is taken in
	Now     func() time.Time // nil: time.Now
}

// Archive holds the stores. It gives them to nobody: see Session.
type Archive struct {
	catalog Catalog
	vault   Vault
	trail   Trail
	records Records
	guard   Guard
	log     *slog.Logger
	limits  encoding.Limits
	now     func() time.Time
	taken   locks
	applied watermark

	arrivals arrivals
}

func newArchive(c Config) *Archive {
	a := &Archive{catalog: c.Catalog, vault: c.Vault, trail: c.Trail, records: c.Records, guard: c.Guard, log: c.Log, limits: c.Limits, now: c.Now}
	if a.guard == nil {
		a.guard = unguarded{}
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.now == nil {
		a.now = time.Now
	}
	return a
}

// Open opens the archive: what the vault holds and the catalog lost in a crash
// is entered again before it returns.
func Open(ctx context.Context, c Config) (*Archive, error) {
	a := newArchive(c)
	mark, err := a.catalog.Mark(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the catalog's mark: %w", err)
	}
	if _, err := a.replay(ctx, mark); err != nil {
		return nil, fmt.Errorf("replay the vault into the catalog: %w", err)
	}
	return a, nil
}

// OpenReadOnly opens an archive whose stores are open for reading, beside the
// process that writes them: nothing is brought up to date.
func OpenReadOnly(_ context.Context, c Config) (*Archive, error) {
	if c.Catalog == nil || c.Vault == nil || c.Trail == nil {
		return nil, errors.New("open an archive: a store or the trail is missing")
	}
	return newArchive(c), nil
}

// As returns the archive as p may see it.
func (a *Archive) As(p policy.Principal) *Session { return &Session{archive: a, principal: p} }

// Origin tells where a request comes from; it goes into the trail.
type Origin struct {
	Peer        string // network address
	CallingAET  string
	CalledAET   string
	Association string // our own name for the association or connection
	User        string // the person at a device, where one has shown who they are
}

// Session is the archive as one principal may see it: the only door to it.
// Every method asks the policy, writes the trail and then acts; none acts if
// the trail cannot be written. A Session may be used from many goroutines.
type Session struct {
	archive   *Archive
	principal policy.Principal
	origin    Origin
}

// From returns the session with the origin of what is done in it.
func (s *Session) From(o Origin) *Session {
	t := *s
	t.origin = o
	return &t
}

// Principal returns on whose behalf the session acts.
func (s *Session) Principal() policy.Principal { return s.principal }

// Note writes an event of the protocol itself, such as the start of an
// association, to the trail in this session's name.
func (s *Session) Note(ctx context.Context, e audit.Event) error {
	_, err := s.archive.trail.Append(ctx, s.fill(e))
	if err != nil {
		return fmt.Errorf("write the trail: %w", err)
	}
	return nil
}
