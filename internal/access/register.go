package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/seal"
)

const (
	stateFile = "access.sealed"
	spentFile = "spent.sealed"
	lockFile  = "access.lock"
	maxState  = 256 << 20 // bytes of a sealed file
)

// state is the content of the file. Version grows by one with each change.
type state struct {
	Version  uint64             `json:"version"`
	Grants   []Grant            `json:"grants,omitempty"`
	Limits   map[string]Budget  `json:"limits,omitempty"` // by account: in place of the default
	Pauses   map[string]Pause   `json:"pauses,omitempty"` // by account
	Lifts    map[string]int64   `json:"lifts,omitempty"`  // by account: how often it was lifted
	Shares   []Share            `json:"shares,omitempty"`
	Erasures []Erasure          `json:"erasures,omitempty"`
	Erased   map[string]Tomb    `json:"erased,omitempty"` // by study
	Holds    []LegalHold        `json:"holds,omitempty"`
	Orders   []Order            `json:"orders,omitempty"`  // about the quarantine
	Settled  map[string]Settled `json:"settled,omitempty"` // by location in the quarantine
}

// Options for Open; the zero value is what an archive uses.
type Options struct {
	// Budgets are the limits of roles, and of "device" and "share"; what is
	// missing has the default.
	Budgets map[string]Budget
	Poll    time.Duration    // how often changes of others are looked for; 0: 200 ms
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: slog.Default
}

// Register is the state of one archive. Its methods may be called at once from
// many goroutines.
type Register struct {
	dir     string
	box     seal.Box
	now     func() time.Time
	log     *slog.Logger
	budgets map[string]Budget
	current atomic.Pointer[state]
	adopts  sync.Mutex // held while current changes
	changed chan struct{}
	meter   meter

	stop chan struct{}
	once sync.Once
	done sync.WaitGroup
}

// Open opens the state in dir, which it makes if there is none, and follows
// changes by other processes until Close.
func Open(dir string, box seal.Box, o Options) (*Register, error) {
	r := &Register{dir: dir, box: box, now: o.Now, log: o.Log, budgets: o.Budgets,
		changed: make(chan struct{}, 1), stop: make(chan struct{})}
	if r.now == nil {
		r.now = time.Now
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	if o.Poll <= 0 {
		o.Poll = 200 * time.Millisecond
	}
	if err := durable.MkdirAll(durable.OS, dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of access: %w", err)
	}
	seen, err := r.begin()
	if err != nil {
		return nil, fmt.Errorf("open the state of access: %w", err)
	}
	r.done.Go(func() { r.poll(o.Poll, seen) })
	return r, nil
}

// begin reads the file, which it makes if there is none.
func (r *Register) begin() (fs.FileInfo, error) {
	lock, err := r.lock()
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	seen, err := r.stat()
	if errors.Is(err, fs.ErrNotExist) {
		if err := r.write(stateFile, &state{}); err != nil {
			return nil, err
		}
		seen, err = r.stat()
	}
	if err != nil {
		return nil, err
	}
	s := new(state)
	if err := r.read(stateFile, s); err != nil {
		return nil, err
	}
	r.current.Store(s)
	return seen, nil
}

func (r *Register) lock() (interface{ Close() error }, error) {
	return durable.OS.Lock(filepath.Join(r.dir, lockFile), true)
}

func (r *Register) stat() (fs.FileInfo, error) { return os.Stat(filepath.Join(r.dir, stateFile)) }

func (r *Register) write(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return durable.WriteFile(durable.OS, filepath.Join(r.dir, name), r.box.Seal(b, []byte("tresor/access/1 "+name)), 0o600)
}

func (r *Register) read(name string, v any) error {
	b, err := durable.ReadFile(durable.OS, filepath.Join(r.dir, name), maxState)
	if err == nil {
		b, err = r.box.Open(b, []byte("tresor/access/1 "+name))
	}
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// errOlder says that the file went back in time: an erasure, a revocation or a
// pause must not be undone by an old copy.
var errOlder = errors.New("the state of access was replaced by an older one")

// update changes the state: f gets the newest one. On return the change is
// durable and in force in this process.
func (r *Register) update(f func(s *state) error) error {
	lock, err := r.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	s := new(state)
	if err := r.read(stateFile, s); err != nil {
		return err
	}
	if s.Version < r.current.Load().Version {
		return errOlder
	}
	if err := f(s); err != nil {
		return err
	}
	s.Version++
	if err := r.write(stateFile, s); err != nil {
		return err
	}
	return r.adopt(s)
}

// adopt makes s the current state if it is newer, and tells Changed.
func (r *Register) adopt(s *state) error {
	r.adopts.Lock()
	defer r.adopts.Unlock()
	switch old := r.current.Load(); {
	case s.Version < old.Version:
		return errOlder
	case s.Version > old.Version:
		r.current.Store(s)
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
	return nil
}

// Changed receives when the state has changed since the last time.
func (r *Register) Changed() <-chan struct{} { return r.changed }

// poll takes over what other processes change. A file that cannot be read, or
// is older, is reported and changes nothing.
func (r *Register) poll(every time.Duration, seen fs.FileInfo) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
		}
		now, err := r.stat()
		if err == nil && seen != nil && os.SameFile(now, seen) && now.ModTime().Equal(seen.ModTime()) && now.Size() == seen.Size() {
			continue
		}
		if err == nil {
			s := new(state)
			if err = r.read(stateFile, s); err == nil {
				err = r.adopt(s)
			}
		}
		if err != nil && seen != nil {
			r.log.Error("the state of access cannot be read; the last one stays in force", "error", err)
		}
		seen = now
	}
}

// Close ends the watch of the file and writes down what was spent.
func (r *Register) Close() error {
	r.once.Do(func() { close(r.stop) })
	r.done.Wait()
	return r.KeepSpent()
}

func (r *Register) second() time.Time { return r.now().UTC().Truncate(time.Second) }
