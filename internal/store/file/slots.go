package file

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// A slot holds the wrapped key of one study. See docs/formats.md.
const (
	slotSize   = 128
	slotsMagic = "TRESKEYS"

	slotFree    = 0
	slotLive    = 1
	slotErased  = 2
	slotDamaged = 0xFF // in memory only: its checksum is wrong

	tagSize = 16
	// slotPlain is what is wrapped: the key and the packed study UID.
	slotPlain = seal.KeySize + packedUID
	slotWrap  = seal.RingOverhead + slotPlain
)

var slotLabel = []byte("tresor vault study key\x00")

// studyTag stands for a study in the slot file without telling its UID.
type studyTag [tagSize]byte

// slots is the slot file: which study has which key.
type slots struct {
	fsys durable.FS
	path string
	box  *seal.RingBox // wraps study keys
	name []byte        // key of the tags

	mu    sync.RWMutex
	file  durable.File
	state []byte              // of every slot
	live  map[studyTag]uint32 // slots of studies that are not erased
	dirty bool                // written since the last sync
}

func (s *slots) tag(study dicom.UID) (t studyTag) {
	h := hmac.New(sha256.New, s.name)
	h.Write([]byte(study))
	copy(t[:], h.Sum(nil))
	return t
}

func slotOffset(n uint32) int64 { return slotSize * (1 + int64(n)) }

// open reads the slot file, which it makes if it is absent and may be made.
func (s *slots) open(readOnly bool) error {
	flag := os.O_RDWR
	if readOnly {
		flag = os.O_RDONLY
	}
	f, err := s.fsys.OpenFile(s.path, flag, 0)
	if errors.Is(err, fs.ErrNotExist) && !readOnly {
		if err := durable.WriteFile(s.fsys, s.path, slotsHeader(), 0o600); err != nil {
			return err
		}
		f, err = s.fsys.OpenFile(s.path, flag, 0)
	}
	if err != nil {
		return err
	}
	s.file = f
	return s.load()
}

func slotsHeader() []byte {
	b := make([]byte, slotSize)
	copy(b, slotsMagic)
	binary.BigEndian.PutUint32(b[8:], 1)
	binary.BigEndian.PutUint32(b[slotSize-4:], checksum(b[:slotSize-4]))
	return b
}

// load reads all slots. A slot at the end that a crash cut off was never
// relied on; it counts as damaged and is not used again.
func (s *slots) load() error {
	size, err := s.file.Size()
	if err != nil {
		return err
	}
	b := make([]byte, size)
	if err := readFull(s.file, b, 0); err != nil {
		return err
	}
	if len(b) < slotSize || string(b[:slotSize]) != string(slotsHeader()) {
		return errors.New("not a slot file")
	}
	n := (len(b) - 1) / slotSize
	s.state, s.live = make([]byte, n), make(map[studyTag]uint32, n)
	for i := range s.state {
		one := b[slotOffset(uint32(i)):]
		s.state[i] = slotDamaged
		if len(one) < slotSize {
			break
		}
		state, tag, _ := parseSlot(one[:slotSize])
		s.state[i] = state
		if state == slotLive {
			s.live[tag] = uint32(i)
		}
	}
	return nil
}

// reload reads all slots again, for a vault that is open for reading only: the
// file may be another one by now.
func (s *slots) reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.file
	if err := s.open(true); err != nil {
		return err
	}
	return old.Close()
}

func parseSlot(b []byte) (state uint8, tag studyTag, wrapped []byte) {
	sum := binary.BigEndian.Uint32(b[slotSize-4:])
	switch {
	case allZero(b):
		return slotFree, tag, nil
	case sum != checksum(b[:slotSize-4]) || b[0] != slotLive && b[0] != slotErased:
		return slotDamaged, tag, nil
	}
	return b[0], studyTag(b[4 : 4+tagSize]), b[4+tagSize : 4+tagSize+slotWrap]
}

func putSlot(b []byte, state uint8, tag studyTag, wrapped []byte) {
	clear(b)
	b[0] = state
	copy(b[4:], tag[:])
	copy(b[4+tagSize:], wrapped)
	binary.BigEndian.PutUint32(b[slotSize-4:], checksum(b[:slotSize-4]))
}

// ad binds a wrapped key to its slot, its study and its purpose.
func (s *slots) ad(n uint32, tag studyTag) []byte {
	b := append([]byte(nil), slotLabel...)
	return append(binary.BigEndian.AppendUint32(b, n), tag[:]...)
}

// find returns the live slot of a study.
func (s *slots) find(study dicom.UID) (uint32, bool) {
	tag := s.tag(study)
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, ok := s.live[tag]
	return n, ok
}

// findOrMake returns the slot of a study; a new one has a new key. A new slot
// is durable after the next sync.
func (s *slots) findOrMake(study dicom.UID) (uint32, error) {
	if n, ok := s.find(study); ok {
		return n, nil
	}
	tag := s.tag(study)
	uid, err := packUID(study)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.live[tag]; ok {
		return n, nil
	}
	n := uint32(len(s.state))
	plain := append(newKey(), uid[:]...)
	if err := s.write(n, slotLive, tag, s.box.Seal(plain, s.ad(n, tag))); err != nil {
		return 0, err
	}
	s.state = append(s.state, slotLive)
	s.live[tag] = n
	return n, nil
}

func (s *slots) write(n uint32, state uint8, tag studyTag, wrapped []byte) error {
	var b [slotSize]byte
	putSlot(b[:], state, tag, wrapped)
	if _, err := s.file.WriteAt(b[:], slotOffset(n)); err != nil {
		return &fatalError{fmt.Errorf("write slot %d: %w", n, err)}
	}
	s.dirty = true
	return nil
}

// sync makes new and changed slots durable.
func (s *slots) sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty {
		return nil
	}
	s.dirty = false
	if err := s.file.Sync(); err != nil {
		return &fatalError{fmt.Errorf("sync slots: %w", err)}
	}
	return nil
}

// stateOf returns a slot's state; slotFree if there is no such slot.
func (s *slots) stateOf(n uint32) uint8 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if int64(n) >= int64(len(s.state)) {
		return slotFree
	}
	return s.state[n]
}

// key unwraps the key of a slot and returns the study that it belongs to.
func (s *slots) key(n uint32) ([]byte, dicom.UID, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var b [slotSize]byte
	if err := readFull(s.file, b[:], slotOffset(n)); err != nil {
		return nil, "", fmt.Errorf("read slot %d: %w", n, err)
	}
	return s.unwrap(n, b[:])
}

func (s *slots) unwrap(n uint32, b []byte) ([]byte, dicom.UID, error) {
	state, tag, wrapped := parseSlot(b)
	switch state {
	case slotErased:
		return nil, "", archive.ErrNotFound
	case slotLive:
	default:
		return nil, "", fmt.Errorf("slot %d: %w", n, seal.ErrDamaged)
	}
	plain, err := s.box.Open(wrapped, s.ad(n, tag))
	if err != nil {
		return nil, "", fmt.Errorf("slot %d: %w", n, err)
	}
	if len(plain) != slotPlain {
		return nil, "", fmt.Errorf("slot %d: %w", n, seal.ErrDamaged)
	}
	study := unpackUID([packedUID]byte(plain[seal.KeySize:]))
	return plain[:seal.KeySize:seal.KeySize], study, nil
}

// unerased reports whether a slot that a tombstone names has still to be
// erased: it has the study's key, or half of it, or is not there, so that
// another key could come into its place.
func (s *slots) unerased(n uint32, tag studyTag) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for int64(n) >= int64(len(s.state)) {
		s.state = append(s.state, slotFree)
	}
	live, ok := s.live[tag]
	return ok && live == n || s.state[n] == slotFree || s.state[n] == slotDamaged
}

// erase overwrites a slot; durable on return.
func (s *slots) erase(n uint32, tag studyTag) error {
	s.mu.Lock()
	err := s.write(n, slotErased, tag, nil)
	if err == nil {
		s.state[n] = slotErased
		if s.live[tag] == n {
			delete(s.live, tag)
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.sync()
}
