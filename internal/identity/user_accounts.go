package identity

import (
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
)

// usersFile is the registry of users and their tokens; it lies beside that of
// the devices and has a lock of its own.
const (
	usersFile = "users.sealed"
	usersLock = "users.lock"
)

// accounts is the content of the file. Version grows by one with each change.
type accounts struct {
	Version     uint64       `json:"version"`
	Users       []User       `json:"users"`
	Tokens      []Token      `json:"tokens"`
	Invitations []Invitation `json:"invitations,omitempty"`
	Factors     []factors    `json:"factors,omitempty"`
}

// accountSnapshot is a registry that does not change any more, with its indexes.
type accountSnapshot struct {
	accounts
	byName   map[string]*User
	byHash   map[string]*Token
	byFactor map[string]*factors // by the user's name
}

func newAccountSnapshot(r *accounts) *accountSnapshot {
	s := &accountSnapshot{accounts: *r, byName: map[string]*User{}, byHash: map[string]*Token{}, byFactor: map[string]*factors{}}
	for i := range s.Users {
		s.byName[s.Users[i].Name] = &s.Users[i]
	}
	for i := range s.Tokens {
		s.byHash[s.Tokens[i].Hash] = &s.Tokens[i]
	}
	for i := range s.Factors {
		s.byFactor[s.Factors[i].User] = &s.Factors[i]
	}
	return s
}

// Accounts is the registry of users of one archive. Its methods may be called at
// once from many goroutines.
type Accounts struct {
	dir     string
	box     Box
	now     func() time.Time
	log     *slog.Logger
	current atomic.Pointer[accountSnapshot]
	adopts  sync.Mutex
	changed chan struct{} // closed when the snapshot changes; under adopts
	stop    chan struct{}
	once    sync.Once
	done    chan struct{}
}

// OpenAccounts opens the registry below dir and makes it at the first start; of
// the options it takes Poll, Now and Log. It follows changes by other processes
// until Close.
func OpenAccounts(dir string, box Box, o Options) (*Accounts, error) {
	if box == nil {
		return nil, errors.New("identity: a key is needed")
	}
	a := &Accounts{dir: filepath.Join(dir, folder), box: box, now: o.Now, log: o.Log,
		changed: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{})}
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	if o.Poll <= 0 {
		o.Poll = 200 * time.Millisecond
	}
	seen, err := a.begin()
	if err != nil {
		return nil, fmt.Errorf("identity: open the accounts: %w", err)
	}
	go a.poll(o.Poll, seen)
	return a, nil
}

func (a *Accounts) begin() (fs.FileInfo, error) {
	if err := durable.MkdirAll(durable.OS, a.dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := a.lock()
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	seen, err := a.stat()
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeSealed(a.dir, a.box, usersFile, &accounts{}); err != nil {
			return nil, err
		}
		seen, err = a.stat()
	}
	if err != nil {
		return nil, err
	}
	r, err := a.load()
	if err != nil {
		return nil, err
	}
	a.current.Store(newAccountSnapshot(r))
	return seen, nil
}

func (a *Accounts) lock() (interface{ Close() error }, error) {
	return durable.OS.Lock(filepath.Join(a.dir, usersLock), true)
}

func (a *Accounts) stat() (fs.FileInfo, error) { return os.Stat(filepath.Join(a.dir, usersFile)) }

func (a *Accounts) load() (*accounts, error) {
	r := new(accounts)
	if err := readSealed(a.dir, a.box, usersFile, r); err != nil {
		return nil, err
	}
	return r, r.check()
}

func (r *accounts) check() error {
	if len(r.Users) > maxUsers || len(r.Tokens) > maxTokens {
		return fmt.Errorf("more than %d users or %d tokens", maxUsers, maxTokens)
	}
	return nil
}

// Close ends the watch of the registry.
func (a *Accounts) Close() error {
	a.once.Do(func() { close(a.stop) })
	<-a.done
	return nil
}

// poll looks at the file as the registry of devices does.
func (a *Accounts) poll(every time.Duration, seen fs.FileInfo) {
	defer close(a.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-a.stop:
			return
		case <-tick.C:
			now, err := a.stat()
			if err == nil && seen != nil && os.SameFile(now, seen) && now.ModTime().Equal(seen.ModTime()) && now.Size() == seen.Size() {
				continue
			}
			if err == nil || seen != nil {
				a.refresh(err)
			}
			seen = now
		}
	}
}

// refresh takes over the newest state. A damaged or older one is reported, and
// the state before stays in force: a revocation must not be undone by an old file.
func (a *Accounts) refresh(err error) {
	var r *accounts
	if err == nil {
		r, err = a.load()
	}
	if err == nil {
		err = a.adopt(r)
	}
	if err != nil {
		a.log.Error("the registry of users cannot be read; its last state stays in force", "error", err)
	}
}

var errOlderAccounts = errors.New("the registry of users was replaced by an older one")

func (a *Accounts) adopt(r *accounts) error {
	a.adopts.Lock()
	defer a.adopts.Unlock()
	switch old := a.current.Load(); {
	case r.Version < old.Version:
		return errOlderAccounts
	case r.Version > old.Version:
		a.current.Store(newAccountSnapshot(r))
		close(a.changed)
		a.changed = make(chan struct{})
	}
	return nil
}

// Changed returns a channel that is closed at the next change. Whoever must not
// miss one asks for the channel first and looks then.
func (a *Accounts) Changed() <-chan struct{} {
	a.adopts.Lock()
	defer a.adopts.Unlock()
	return a.changed
}

// update changes the registry: f gets the newest state. On return the change is
// durable and in force in this process; others follow within a second.
func (a *Accounts) update(f func(r *accounts) error) error {
	lock, err := a.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	r, err := a.load()
	if err != nil {
		return err
	}
	if r.Version < a.current.Load().Version {
		return errOlderAccounts
	}
	if err := f(r); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	r.Version++
	if err := writeSealed(a.dir, a.box, usersFile, r); err != nil {
		return err
	}
	return a.adopt(r)
}
