package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// ErrNotFound says that what was asked for is not there, or not for the one who asks.
var ErrNotFound = errors.New("not found")

// DamageError lists what Vault.Walk could not read; everything else it did.
type DamageError struct {
	At   []Location // of damaged records, or where bytes begin that are no record
	Errs []error    // one for each
}

// Error tells how much is damaged, and the first of it.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%d damaged records, the first at %s: %v", len(e.At), e.At[0], e.Errs[0])
}

// Unwrap returns the errors.
func (e *DamageError) Unwrap() []error { return e.Errs }

// Kind says what a vault object is.
type Kind string

// The kinds of vault objects.
const (
	KindInstance   Kind = "instance"   // an instance of the archive
	KindQuarantine Kind = "quarantine" // other bytes under a SOP Instance UID that is taken
)

// Meta describes a vault object. The vault seals it beside the object, so that
// the catalog can be rebuilt without reading the objects themselves.
type Meta struct {
	Kind           Kind
	Study          dicom.UID
	Series         dicom.UID
	Instance       dicom.UID
	SOPClass       dicom.UID
	TransferSyntax dicom.UID
	Length         int64     // of the data set as received, in bytes
	SHA256         [32]byte  // of the data set as received
	Received       time.Time // UTC
	Source         string    // the name of the principal that sent it
	// Summary is the data set without its bulk values, in the DICOM JSON model
	// (PS3.18 F) in UTF-8. Bulk values have a BulkDataURI of the form
	// "OFFSET/LENGTH": where they lie in the (inflated) data set.
	Summary []byte
}

// Location is the vault's own name for an object: at most 64 bytes of ASCII,
// meaningless to others, the same for the object's whole life.
type Location string

// Mark is a position in the vault's order of commits: at most 64 bytes of
// ASCII. The empty Mark lies before everything.
type Mark string

// Vault keeps sealed objects. Its methods may be called at once from many goroutines.
type Vault interface {
	// Create begins an object that is sealed under the study's key; the key is
	// made at the first object of a study.
	Create(ctx context.Context, study dicom.UID) (ObjectWriter, error)
	// Open opens an object for reading; ErrNotFound if it was deleted or its
	// study erased.
	Open(ctx context.Context, l Location) (Object, error)
	// Meta returns the description of an object without touching the object
	// itself; otherwise it is like Open.
	Meta(ctx context.Context, l Location) (*Meta, error)
	// Delete forgets one object; durable on return. Its bytes go later.
	Delete(ctx context.Context, l Location) error
	// Erase destroys the key of a study; durable on return. Nothing sealed
	// under it can be read again.
	Erase(ctx context.Context, study dicom.UID) error
	// Walk calls f for every object that was committed after the mark and not
	// deleted or erased, in order of commit, and returns the mark after the
	// last one. It sees what was committed before it was called. Damage does
	// not stop it: at the end it returns a *DamageError with a good mark.
	Walk(ctx context.Context, after Mark, f func(Location, Meta) error) (Mark, error)
	Close() error
}

// ObjectWriter takes the bytes of one new object. It is for one goroutine, and
// is ended by Commit or Abort; Abort after Commit does nothing.
type ObjectWriter interface {
	io.Writer
	// Commit makes the object durable: it is there after a crash or it returns
	// an error. Objects committed at about the same time share a sync.
	Commit(ctx context.Context, m Meta) (Location, Mark, error)
	Abort()
}

// Object is one vault object open for reading. Every byte that ReadAt returns
// has been authenticated; damage is an error, never other bytes.
type Object interface {
	io.ReaderAt
	io.Closer
	Meta() *Meta
}

// Level is a level of the query/retrieve information model (PS3.4 C.3).
type Level int

// The levels.
const (
	LevelPatient Level = iota + 1
	LevelStudy
	LevelSeries
	LevelInstance
)

// Query asks the catalog for entities of one level.
type Query struct {
	Level Level
	// Keys holds matching and return keys as an identifier does (PS3.4 C.2.2.2),
	// character set included. A key that the catalog does not support is
	// returned empty.
	Keys *dicom.DataSet
	// Negotiated changes of matching (PS3.4 C.5.1.1).
	DateTimeMatching bool // DA and TM ranges of a pair match as one
	FuzzyNames       bool
	EmptyValue       bool // "" in quotes matches empty values
	MultipleValue    bool // values separated by backslashes must all match
	TimezoneOffset   bool // (0008,0201) of the identifier shifts dates and times
	// Limit and Offset page through the answer; Limit 0 means all. Latest turns
	// its order around: what came into the catalog last is answered first.
	Limit, Offset int
	Latest        bool
	// How it was asked, for the trail alone: the SOP class of a C-FIND, or the
	// target of an HTTP request as received, without credentials.
	Model  dicom.UID
	Target string
}

// Entry is one instance as the catalog knows it, with what retrieval needs.
type Entry struct {
	Patient        string // Patient ID
	Study          dicom.UID
	Series         dicom.UID
	Instance       dicom.UID
	SOPClass       dicom.UID
	TransferSyntax dicom.UID
	Length         int64
	SHA256         [32]byte
	Location       Location
	Source         string
}

// Quarantined is an instance that waits for an administrator's choice: it came
// with other bytes under a SOP Instance UID that was taken.
type Quarantined struct {
	Entry
	Received time.Time
}

// Catalog is the index of patients, studies, series and instances. All that is
// in it can be made anew from the vault, so Add is visible but need not be
// durable on return; what is lost in a crash is a tail, mark and all.
// Its methods may be called at once from many goroutines.
type Catalog interface {
	// Add enters one object with its header (the data set without its bulk
	// values) and records mark, in one transaction that may be shared with
	// others. It is visible to every later call when Add returns. Adding what
	// is there already changes nothing. Meta.Kind decides whether it becomes an
	// instance or an entry of the quarantine.
	Add(ctx context.Context, l Location, m *Meta, header *dicom.DataSet, mark Mark) error
	// Mark returns the mark recorded last.
	Mark(ctx context.Context) (Mark, error)
	// Instance looks one instance up by its SOP Instance UID, whatever the
	// scope; ErrNotFound if there is none.
	Instance(ctx context.Context, uid dicom.UID) (Entry, error)
	// Find yields one data set for each match: the keys asked for, in UTF-8
	// (ISO_IR 192), in a stable order: that in which the entities came, or with
	// Latest its reverse. Rows outside the scope are never read.
	Find(ctx context.Context, scope policy.Scope, q Query) iter.Seq2[*dicom.DataSet, error]
	// Instances yields the instances below the entities that the unique keys
	// of q name (PS3.4 C.4.2.2.1: UIDs, lists of UIDs, Patient ID), within the
	// scope, series by series in order of instance number.
	Instances(ctx context.Context, scope policy.Scope, q Query) iter.Seq2[Entry, error]
	// Remove takes instances out; entities left without instances go with them.
	Remove(ctx context.Context, instances []dicom.UID) error
	// Quarantine lists what came under a SOP Instance UID that was taken: under
	// this one, or under any if it is empty.
	Quarantine(ctx context.Context, instance dicom.UID) iter.Seq2[Quarantined, error]
	// Release takes objects out of the quarantine; what is not there is passed over.
	Release(ctx context.Context, objects []Location) error
	// Reset empties the catalog, to be filled again from the vault.
	Reset(ctx context.Context) error
	Close() error
}
