package audit

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// setAside moves what lies behind the last record into a file of its own.
func (t *Trail) setAside() (*entry, error) {
	size, err := t.file.Size()
	if err != nil || size == t.at.offset {
		return nil, err
	}
	rest := make([]byte, min(size-t.at.offset, 64<<20))
	if _, err := t.file.ReadAt(rest, t.at.offset); err != nil && err != io.EOF {
		return nil, err
	}
	name := "torn-" + strconv.FormatUint(t.at.seq+1, 10)
	for i := 0; ; i++ {
		if _, err := t.fsys.Stat(filepath.Join(t.dir, name)); errors.Is(err, fs.ErrNotExist) {
			break
		}
		name = "torn-" + strconv.FormatUint(t.at.seq+1, 10) + "-" + strconv.Itoa(i+2)
	}
	if err := durable.WriteFile(t.fsys, filepath.Join(t.dir, name), rest, 0o600); err != nil {
		return nil, err
	}
	if err := t.file.Truncate(t.at.offset); err != nil {
		return nil, err
	}
	if err := t.file.Sync(); err != nil {
		return nil, err
	}
	return t.note(Event{Code: TrailRecovered, Outcome: MinorFailure, Details: []Detail{
		{"file", fileName(t.at.file)}, {"moved to", name}, {"bytes", strconv.FormatInt(size-t.at.offset, 10)}}})
}

// note makes an event of the trail's own.
func (t *Trail) note(e Event) (*entry, error) {
	e.Time = t.now().UTC()
	e.PrincipalKind, e.Principal = "system", "trail"
	if err := e.check(); err != nil {
		return nil, err
	}
	return &entry{time: e.Time, payload: appendEvent(nil, &e)}, nil
}
