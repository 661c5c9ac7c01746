package audit

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// The head file has two slots of one disk sector each. They are written in
// turn, so that one is whole whatever a loss of power does to the other.
const (
	headName = "head"
	slotSize = 512
	slots    = 2
)

// position is a place in the trail: after record seq, whose chain is chain, at
// an offset of a file. Turn counts the heads ever written.
type position struct {
	id     trailID
	turn   uint64
	file   uint64
	offset int64
	seq    uint64
	chain  hash
}

// text is what a head says: MAGIC ID TURN FILE OFFSET SEQ CHAIN. Every batch
// passes through here, so it does without fmt.
func (p position) text() []byte {
	b := make([]byte, 0, slotSize)
	b = append(b, headMagic+" "...)
	b = hex.AppendEncode(b, p.id[:])
	for _, n := range [...]uint64{p.turn, p.file, uint64(p.offset), p.seq} {
		b = append(b, ' ')
		b = strconv.AppendUint(b, n, 10)
	}
	b = append(b, ' ')
	return b64.AppendEncode(b, p.chain[:])
}

func parsePosition(b []byte) (position, error) {
	var p position
	words := bytes.Split(b, []byte{' '})
	if len(words) != 7 || string(words[0]) != headMagic {
		return p, errSyntax
	}
	var err error
	if p.id, err = parseID(words[1]); err != nil {
		return p, err
	}
	var offset uint64
	for i, n := range []*uint64{&p.turn, &p.file, &offset, &p.seq} {
		if *n, err = parseUint(words[2+i]); err != nil {
			return p, err
		}
	}
	if p.offset = int64(offset); p.offset < 0 {
		return p, errSyntax
	}
	p.chain, err = parseHash(words[6])
	return p, err
}

// slot makes the slot for p: its text, a tag that only the key's holder can
// make, spaces, and a line feed.
func (p position) slot(box Box) []byte {
	text := p.text()
	tag := box.Seal(nil, text)
	b := append(text, ' ')
	b = b64.AppendEncode(b, tag)
	for len(b) < slotSize-1 {
		b = append(b, ' ')
	}
	return append(b, '\n')
}

// parseSlot reads a slot; without a box the tag is not checked.
func parseSlot(b []byte, box Box) (position, error) {
	if len(b) != slotSize || b[slotSize-1] != '\n' {
		return position{}, errSyntax
	}
	b = bytes.TrimRight(b[:slotSize-1], " ")
	cut := bytes.LastIndexByte(b, ' ')
	if cut < 0 {
		return position{}, errSyntax
	}
	p, err := parsePosition(b[:cut])
	if err != nil || box == nil {
		return p, err
	}
	tag, err := b64.AppendDecode(nil, b[cut+1:])
	if err != nil {
		return p, errSyntax
	}
	if _, err := box.Open(tag, b[:cut]); err != nil {
		return p, errors.New("tag is wrong")
	}
	return p, nil
}

// errNoHead says that no slot of the head can be trusted.
var errNoHead = errors.New("no head that can be trusted")

// parseHead returns the newest position of a head file's content, and how many
// slots could not be used.
func parseHead(b []byte, box Box) (p position, bad int, err error) {
	found := false
	for i := range slots {
		q, err := position{}, errSyntax
		if len(b) >= (i+1)*slotSize {
			q, err = parseSlot(b[i*slotSize:(i+1)*slotSize], box)
		}
		switch {
		case err != nil:
			bad++
		case !found || q.turn > p.turn:
			p, found = q, true
		}
	}
	if !found {
		return p, bad, errNoHead
	}
	return p, bad, nil
}

// headFile is the open head file and its content as last read or written here.
type headFile struct {
	f     durable.File
	bytes []byte
}

func openHead(fsys durable.FS, dir string) (*headFile, error) {
	f, err := fsys.OpenFile(filepath.Join(dir, headName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the head: %w", err)
	}
	return &headFile{f: f}, nil
}

// changed reads the head and reports whether others wrote it since.
func (h *headFile) changed() (bool, error) {
	var b [slots * slotSize]byte
	n, err := h.f.ReadAt(b[:], 0)
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("read the head: %w", err)
	}
	if n == len(b) && bytes.Equal(b[:], h.bytes) {
		return false, nil
	}
	h.bytes = bytes.Clone(b[:n])
	return true, nil
}

// write puts p into the slot of its turn. It is not synced: a crash of the
// process leaves it, and after a loss of power the head is behind the records,
// never before them.
func (h *headFile) write(p position, box Box) error {
	at := int(p.turn%slots) * slotSize
	slot := p.slot(box)
	if _, err := h.f.WriteAt(slot, int64(at)); err != nil {
		return fmt.Errorf("write the head: %w", err)
	}
	copy(h.bytes[at:], slot)
	return nil
}

// begin writes both slots of a new head, syncs it and returns what it says.
func (h *headFile) begin(p position, box Box) (position, error) {
	if n := len(p.slot(box)); n != slotSize {
		return p, fmt.Errorf("a head takes %d bytes, more than its %d", n, slotSize)
	}
	h.bytes = make([]byte, slots*slotSize)
	for range slots {
		p.turn++
		if err := h.write(p, box); err != nil {
			return p, err
		}
	}
	if err := h.f.Sync(); err != nil {
		return p, fmt.Errorf("sync the head: %w", err)
	}
	return p, nil
}

// readHead reads the head of a trail that is only looked at. A slot that is
// being written just then is read again.
func readHead(fsys durable.FS, dir string, box Box) (p position, bad int, err error) {
	for range 3 {
		var b []byte
		b, err = durable.ReadFile(fsys, filepath.Join(dir, headName), slots*slotSize)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, durable.ErrTooLarge) {
			return position{}, slots, errNoHead
		}
		if err != nil {
			return position{}, 0, fmt.Errorf("read the head: %w", err)
		}
		if p, bad, err = parseHead(b, box); bad == 0 {
			return p, bad, err
		}
		time.Sleep(time.Millisecond)
	}
	return p, bad, err
}
