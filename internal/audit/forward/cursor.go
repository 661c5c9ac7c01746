package forward

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// cursor is the file that says up to which record the trail has arrived.
type cursor struct {
	name string
	id   string // of the trail
	at   uint64
}

const cursorMagic = "tresor-cursor/1"

// openCursor reads the cursor of the trail id; that of another trail, or none,
// means the beginning.
func openCursor(name, id string) (*cursor, error) {
	c := &cursor{name: name, id: id}
	b, err := durable.ReadFile(durable.OS, name, 512)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the cursor: %w", err)
	}
	var of string
	var at uint64
	if _, err := fmt.Sscanf(string(b), cursorMagic+" %s %d\n", &of, &at); err != nil {
		return nil, fmt.Errorf("the cursor %s is damaged; remove it to send the whole trail again", name)
	}
	if of == id {
		c.at = at
	}
	return c, nil
}

// set moves the cursor, durably.
func (c *cursor) set(at uint64) error {
	b := fmt.Appendf(nil, cursorMagic+" %s %d\n", c.id, at)
	if err := durable.WriteFile(durable.OS, c.name, b, 0o600); err != nil {
		return fmt.Errorf("write the cursor: %w", err)
	}
	c.at = at
	return nil
}
