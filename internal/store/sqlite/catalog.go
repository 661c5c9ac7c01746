package sqlite

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/batch"
)

// KeySize is the length of the key that seals the pages, in bytes.
const KeySize = 32

// Catalog is the index on SQLite. Several processes may have it open; one of
// them should write.
type Catalog struct {
	fileSystem string
	readers    *pool
	now        func() time.Time
	seed       maphash.Seed

	writer  *conn                  // nil if read-only
	changes *batch.Queue[*request] // nil if read-only
	known   knownSeries

	writing sync.Mutex // held while the writer's connection is used
	closed  bool       // guarded by writing
}

var _ archive.Catalog = (*Catalog)(nil)

const (
	writerCache = 16 << 10 // KiB
	readerCache = 24 << 10 // KiB, of each; a search by a frequent name touches 20 MB
	// walPages is the size of the write-ahead log at which its pages move into
	// the database, which syncs both: the larger, the rarer.
	walPages = 4000
)

// Open opens the catalog in the file at path, or makes it. The key, of KeySize
// bytes, seals its pages; with another key than that of the file it fails.
func Open(path string, key []byte) (*Catalog, error) {
	c, path, err := prepare(path, key)
	if err != nil {
		return nil, fmt.Errorf("open the catalog: %w", err)
	}
	// SQLite would make the file readable by all.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		c.writer, err = openWriter(path, c.fileSystem)
	}
	if err != nil {
		vfs.Unregister(c.fileSystem)
		return nil, fmt.Errorf("open the catalog: %w", explain(err))
	}
	c.changes = batch.New(c.commit, func(batch []*request, _ *request) bool { return len(batch) < maxBatch })
	return c, nil
}

// OpenReadOnly opens a catalog to read it, beside the process that writes. What
// would change it returns an error.
func OpenReadOnly(path string, key []byte) (*Catalog, error) {
	c, _, err := prepare(path, key)
	if err != nil {
		return nil, fmt.Errorf("open the catalog: %w", err)
	}
	err = c.readers.do(context.Background(), func(r *conn) error {
		version, err := userVersion(r.Conn)
		if err == nil && version != len(migrations) {
			err = fmt.Errorf("it has schema version %d, this program needs %d", version, len(migrations))
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the catalog: %w", explain(err)), c.Close())
	}
	return c, nil
}

// prepare makes a catalog that is not connected yet.
func prepare(path string, key []byte) (*Catalog, string, error) {
	if len(key) != KeySize {
		return nil, "", fmt.Errorf("the key has %d bytes, not %d", len(key), KeySize)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	c := &Catalog{fileSystem: register(key), now: time.Now, seed: maphash.MakeSeed()}
	c.readers = newPool(max(4, min(runtime.NumCPU(), 8)), func() (*conn, error) {
		return openConn(path, c.fileSystem, sqlite3.OPEN_READONLY, readerCache)
	})
	return c, path, nil
}

func openWriter(path, fileSystem string) (*conn, error) {
	w, err := openConn(path, fileSystem, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE, writerCache)
	if err != nil {
		return nil, err
	}
	err = w.Exec(fmt.Sprintf(`PRAGMA page_size = %d; PRAGMA journal_mode = wal; PRAGMA synchronous = normal;
		PRAGMA wal_autocheckpoint = %d; PRAGMA journal_size_limit = %d`, pageSize, walPages, 2*walPages*pageSize))
	if err == nil {
		err = migrate(w.Conn, migrations)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// explain says what it means that a file is no database.
func explain(err error) error {
	if errors.Is(err, sqlite3.NOTADB) {
		return fmt.Errorf("the file is damaged, no catalog, or sealed with another key: %w", err)
	}
	return err
}

// Close waits for what is under way and closes the catalog.
func (c *Catalog) Close() error {
	if c.changes != nil {
		c.changes.Close()
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	err := c.readers.close()
	if c.writer != nil {
		err = errors.Join(err, c.writer.close())
	}
	vfs.Unregister(c.fileSystem)
	if err != nil {
		return fmt.Errorf("close the catalog: %w", err)
	}
	return nil
}

// Mark implements archive.Catalog.
func (c *Catalog) Mark(ctx context.Context) (mark archive.Mark, err error) {
	err = c.readers.do(ctx, func(r *conn) error {
		return r.query("SELECT mark FROM mark", nil, func(s *sqlite3.Stmt) bool {
			mark = archive.Mark(s.ColumnText(0))
			return false
		})
	})
	if err != nil {
		return "", fmt.Errorf("read the catalog's mark: %w", err)
	}
	return mark, nil
}
