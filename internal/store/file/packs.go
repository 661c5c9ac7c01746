package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable"
)

const (
	packMagic      = "TRESPACK"
	packVersion    = 2
	packHeaderSize = batchAlign
	// maxPacks is how many packs are kept open for reading when nobody reads them.
	maxPacks = 64
)

// packHeader is the first block of a pack.
func packHeader(n uint32) []byte {
	b := make([]byte, packHeaderSize)
	copy(b, packMagic)
	binary.BigEndian.PutUint32(b[8:], packVersion)
	binary.BigEndian.PutUint32(b[12:], n)
	binary.BigEndian.PutUint32(b[headerSize-4:], checksum(b[:headerSize-4]))
	return b
}

// listPacks returns the numbers of the packs in ascending order.
func (v *Vault) listPacks() ([]uint32, error) {
	names, err := v.fsys.ReadDir(v.path(packsName))
	if err != nil {
		return nil, fmt.Errorf("list packs: %w", err)
	}
	var packs []uint32
	for _, name := range names {
		if n, ok := packNumber(name); ok {
			packs = append(packs, n)
		}
	}
	slices.Sort(packs)
	return packs, nil
}

// pack is an open pack with those who use it.
type pack struct {
	durable.File
	number uint32
	users  int
}

// packCache keeps packs open for reading.
type packCache struct {
	vault *Vault
	mu    sync.Mutex
	open  map[uint32]*pack
}

// get opens a pack for one user; put gives it back.
func (c *packCache) get(n uint32) (*pack, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.open[n]; p != nil {
		p.users++
		return p, nil
	}
	f, err := c.openPack(n)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, archive.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open pack %d: %w", n, err)
	}
	c.shrink()
	p := &pack{File: f, number: n, users: 1}
	c.open[n] = p
	return p, nil
}

func (c *packCache) openPack(n uint32) (durable.File, error) {
	f, err := c.vault.fsys.OpenFile(c.vault.packPath(n), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	if err := checkPack(f, n); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkPack reads the header of pack n.
func checkPack(f durable.File, n uint32) error {
	var head [packHeaderSize]byte
	if err := readFull(f, head[:], 0); err != nil {
		return err
	}
	if version := binary.BigEndian.Uint32(head[8:]); string(head[:8]) == packMagic && version != packVersion && version != 0 {
		return fmt.Errorf("it has format version %d, this program reads version %d", version, packVersion)
	}
	if string(head[:]) != string(packHeader(n)) {
		return ErrDamaged
	}
	return nil
}

// shrink closes packs that nobody uses until there is room for one more.
func (c *packCache) shrink() {
	for n, p := range c.open {
		if len(c.open) < maxPacks {
			return
		}
		if p.users == 0 {
			p.Close()
			delete(c.open, n)
		}
	}
}

func (c *packCache) put(p *pack) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.users--
}

func (c *packCache) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for n, p := range c.open {
		errs = append(errs, p.Close())
		delete(c.open, n)
	}
	return errors.Join(errs...)
}
