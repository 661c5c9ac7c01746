package file

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// RotateKeys makes a new key that wraps the keys of the studies, wraps them all
// anew, and destroys the older ones. No object is touched. Durable on return; a
// crash in between leaves the old slot file or the new one, and both open.
//
// After it, not even a copy of the old slot file gives an erased key back to
// someone who has the keyring of today.
func (v *Vault) RotateKeys(ctx context.Context) error {
	if err := v.writable(ctx); err != nil {
		return fmt.Errorf("rotate vault keys: %w", err)
	}
	version, err := v.ring.Rotate(purposeKeys)
	if err != nil {
		return fmt.Errorf("rotate vault keys: %w", err)
	}
	if err := v.note(v.slots.rewrap()); err != nil {
		return fmt.Errorf("rotate vault keys: %w", err)
	}
	return v.ring.Retire(purposeKeys, version)
}

// rewrap replaces the slot file by one whose keys are wrapped by the newest key.
func (s *slots) rewrap() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := make([]byte, slotOffset(uint32(len(s.state))))
	if err := readFull(s.file, b, 0); err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	for n := range uint32(len(s.state)) {
		one := b[slotOffset(n):][:slotSize]
		state, tag, _ := parseSlot(one)
		if state == slotDamaged && s.state[n] == slotLive {
			return fmt.Errorf("slot %d: %w", n, ErrDamaged) // older keys must stay
		}
		if state != slotLive {
			continue
		}
		key, study, err := s.unwrap(n, one)
		if err != nil {
			return err
		}
		uid, err := packUID(study)
		if err != nil {
			return err
		}
		putSlot(one, slotLive, tag, s.box.Seal(append(key, uid[:]...), s.ad(n, tag)))
	}
	// Some systems do not replace a file that is open.
	if err := s.file.Close(); err != nil {
		return &fatalError{err}
	}
	err := durable.WriteFile(s.fsys, s.path, b, 0o600)
	f, openErr := s.fsys.OpenFile(s.path, os.O_RDWR, 0)
	if openErr == nil { // the new file, or still the old one
		s.file = f
	}
	if err = errors.Join(err, openErr); err != nil {
		return &fatalError{err}
	}
	s.dirty = false
	return nil
}
