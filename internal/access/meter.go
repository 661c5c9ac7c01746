package access

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

// meter counts what accounts spend. It is in memory, and written down every few
// seconds: a crash forgets that much.
type meter struct {
	mu       sync.RWMutex
	accounts map[string]*account
}

// studyHash stands for a study in the count: the file names none.
type studyHash [8]byte

func hashStudy(u dicom.UID) (h studyHash) {
	sum := sha256.Sum256([]byte(u))
	copy(h[:], sum[:])
	return h
}

// account is what one account has spent.
type account struct {
	paused atomic.Pointer[string] // why, in this process
	mu     sync.Mutex
	lifts  int64                   // how often a pause was lifted, as far as is taken into account
	read   map[studyHash]time.Time // when a study was read first, within the hour
	hours  [24]int64               // bytes, by hour of the day
	hour   int64                   // since 1970, the one counted last
	dirty  bool
}

func (m *meter) account(name string) *account {
	m.mu.RLock()
	a := m.accounts[name]
	m.mu.RUnlock()
	if a != nil {
		return a
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if a = m.accounts[name]; a == nil {
		if m.accounts == nil {
			m.accounts = map[string]*account{}
		}
		a = &account{}
		m.accounts[name] = a
	}
	return a
}

// follow starts from nothing again if an administrator has lifted a pause since.
func (a *account) follow(lifts int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lifts < lifts {
		a.lifts, a.read, a.hours, a.dirty = lifts, nil, [24]int64{}, true
		a.paused.Store(nil)
	}
}

// forget drops studies that were read more than an hour ago.
func (a *account) forget(now time.Time) {
	for h, at := range a.read {
		if now.Sub(at) >= time.Hour {
			delete(a.read, h)
		}
	}
}

// fetch counts studies, up to the limit, and returns how many are beyond it.
func (a *account) fetch(studies []dicom.UID, now time.Time, limit int) (beyond int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, u := range studies {
		h := hashStudy(u)
		if at, ok := a.read[h]; ok && now.Sub(at) < time.Hour {
			continue
		}
		if limit > 0 && len(a.read) >= limit {
			if a.forget(now); len(a.read) >= limit {
				beyond++
				continue
			}
		}
		if len(a.read) >= maxStudies {
			continue // without a limit, counting is for show
		}
		if a.read == nil {
			a.read = map[studyHash]time.Time{}
		}
		a.read[h], a.dirty = now, true
	}
	return beyond
}

// fresh returns how many of the studies are not counted yet.
func (a *account) fresh(studies []dicom.UID, now time.Time) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, u := range studies {
		if at, ok := a.read[hashStudy(u)]; !ok || now.Sub(at) >= time.Hour {
			n++
		}
	}
	return n
}

// count returns how many studies were read within the hour.
func (a *account) count(now time.Time) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(now)
	return len(a.read)
}

// send counts bytes and returns how many it were within 24 hours, this one and
// the 23 before it.
func (a *account) send(n int64, now time.Time) (sum int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn(now)
	if n > 0 {
		a.hours[a.hour%24] += n
		a.dirty = true
	}
	for _, h := range a.hours {
		sum += h
	}
	return sum
}

// turn empties the hours that have come since the last count.
func (a *account) turn(now time.Time) {
	hour := now.Unix() / 3600
	for h := max(a.hour+1, hour-23); h <= hour; h++ {
		a.hours[h%24] = 0
	}
	a.hour = max(a.hour, hour)
}

// spent is the meter as it is written down.
type spent map[string]spentAccount

type spentAccount struct {
	Lifts int64            `json:"lifts,omitempty"`
	Read  map[string]int64 `json:"read,omitempty"` // seconds since 1970
	Hours [24]int64        `json:"hours"`
	Hour  int64            `json:"hour"`
}

// take returns the meter to be written down; changed is false if it was already.
func (m *meter) take(now time.Time) (s spent, changed bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s = spent{}
	for name, a := range m.accounts {
		a.mu.Lock()
		changed = changed || a.dirty
		a.dirty = false
		a.forget(now)
		kept := spentAccount{Lifts: a.lifts, Hours: a.hours, Hour: a.hour, Read: map[string]int64{}}
		for h, at := range a.read {
			kept.Read[hexStudy(h)] = at.Unix()
		}
		a.mu.Unlock()
		s[name] = kept
	}
	return s, changed
}

// give takes what was written down over.
func (m *meter) give(s spent) {
	for name, kept := range s {
		a := m.account(name)
		a.mu.Lock()
		a.lifts, a.hours, a.hour, a.read = kept.Lifts, kept.Hours, kept.Hour, map[studyHash]time.Time{}
		for text, at := range kept.Read {
			if h, ok := parseStudy(text); ok {
				a.read[h] = time.Unix(at, 0)
			}
		}
		a.mu.Unlock()
	}
}

func (m *meter) standings(now time.Time) map[string]Standing {
	m.mu.RLock()
	defer m.mu.RUnlock()
	list := map[string]Standing{}
	for name, a := range m.accounts {
		list[name] = Standing{Account: name, Studies: a.count(now), Bytes: a.send(0, now)}
	}
	return list
}

// RestoreSpent takes over what the last server counted. It is for the server.
func (r *Register) RestoreSpent() { r.meter.give(r.readSpentFile()) }

// KeepSpent writes down what was spent, if that has changed.
func (r *Register) KeepSpent() error {
	s, changed := r.meter.take(r.now())
	if !changed {
		return nil
	}
	return r.write(spentFile, s)
}

// readSpent returns a meter of what the server wrote down last.
func (r *Register) readSpent() *meter {
	m := &meter{}
	m.give(r.readSpentFile())
	return m
}

func (r *Register) readSpentFile() spent {
	var s spent
	if _, err := os.Stat(filepath.Join(r.dir, spentFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := r.read(spentFile, &s); err != nil {
		r.log.Error("what was spent cannot be read: budgets begin anew", "error", err)
		return nil
	}
	return s
}

func hexStudy(h studyHash) string { return hex.EncodeToString(h[:]) }

func parseStudy(text string) (h studyHash, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, false
	}
	return studyHash(b), true
}
