package archive

import (
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
)

// locks lets one goroutine at a time work on a SOP Instance UID.
type locks struct {
	mu   sync.Mutex
	held map[dicom.UID]*hold
}

type hold struct {
	sync.Mutex
	users int
}

// lock waits until nobody works on the UID and returns what ends the work.
func (l *locks) lock(uid dicom.UID) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[dicom.UID]*hold{}
	}
	h := l.held[uid]
	if h == nil {
		h = new(hold)
		l.held[uid] = h
	}
	h.users++
	l.mu.Unlock()
	h.Lock()
	return func() {
		h.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if h.users--; h.users == 0 {
			delete(l.held, uid)
		}
	}
}
