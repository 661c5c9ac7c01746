package survey

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Line is one line of a state file: how a run began, that an endpoint is about
// to be looked at, or what was found there. A state file is only appended to.
type Line struct {
	Run   *RunInfo        `json:"run,omitempty"`
	Begin *netip.AddrPort `json:"begin,omitempty"`
	Done  *Envelope       `json:"done,omitempty"`
}

// RunInfo is how a run began.
type RunInfo struct {
	Started time.Time `json:"started"`
	Scope   string    `json:"scope"`
	Owner   string    `json:"owner,omitempty"`
	Contact string    `json:"contact,omitempty"`
	Level   string    `json:"level"`
}

// maxLine bounds a line of a state file.
const maxLine = 1 << 20

// StateFile is an open state file. It may be used by several goroutines.
type StateFile struct {
	mu    sync.Mutex
	f     *os.File
	begun map[netip.AddrPort]bool
}

// OpenState opens or makes a state file. What it says was begun will not be
// begun again, whether it was finished or cut off: no host is asked twice.
func OpenState(path string) (*StateFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("another survey uses the state file: %w", err), f.Close())
	}
	s := &StateFile{f: f, begun: map[netip.AddrPort]bool{}}
	torn, err := readLines(f, func(l Line) error {
		if l.Begin != nil {
			s.begun[*l.Begin] = true
		}
		if l.Done != nil {
			s.begun[netip.AddrPortFrom(l.Done.IP, uint16(l.Done.Port))] = true
		}
		return nil
	})
	if err == nil && torn { // what a dead process left of a line is closed off
		_, err = f.Write([]byte("\n"))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read state: %w", err), f.Close())
	}
	return s, nil
}

// ReadState reads a state file for a report. Lines that a crash cut are skipped.
func ReadState(r io.Reader, each func(Line) error) error {
	_, err := readLines(r, each)
	return err
}

// readLines reports whether the last line has no end.
func readLines(r io.Reader, each func(Line) error) (torn bool, err error) {
	b := bufio.NewReaderSize(r, maxLine)
	for {
		text, err := b.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		var l Line
		if len(bytes.TrimSpace(text)) > 0 && json.Unmarshal(text, &l) == nil {
			if e := each(l); e != nil {
				return false, e
			}
		}
		if err != nil {
			return len(text) > 0, nil
		}
	}
}

// Begun reports whether an endpoint was begun before.
func (s *StateFile) Begun(a netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun[a]
}

// Append writes a line. It is with the system on return, so that it outlives
// this process, and on disk after Sync.
func (s *StateFile) Append(l Line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.Begin != nil {
		s.begun[*l.Begin] = true
	}
	if _, err := s.f.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

// Close syncs and closes the file.
func (s *StateFile) Close() error { return errors.Join(s.f.Sync(), s.f.Close()) }
