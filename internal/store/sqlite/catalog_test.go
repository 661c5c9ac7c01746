package sqlite

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

// key is a key for tests.
var key = bytes.Repeat([]byte{7}, KeySize)

func TestCatalog(t *testing.T) {
	storetest.TestCatalog(t, func(t *testing.T) archive.Catalog {
		c, err := Open(filepath.Join(t.TempDir(), "catalog.db"), key)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}
