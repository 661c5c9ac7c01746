package storetest

import (
	"testing"

	"github.com/tresor-pacs/tresor/internal/archive"
)

func TestMemoryCatalog(t *testing.T) {
	TestCatalog(t, func(*testing.T) archive.Catalog { return NewCatalog() })
}
