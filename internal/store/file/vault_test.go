package file

import (
	"path/filepath"
	"testing"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable/durabletest"
	"github.com/tresor-pacs/tresor/internal/seal"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

func testRing(t testing.TB, dir string) *seal.Keyring {
	t.Helper()
	ring, err := seal.OpenKeyring(filepath.Join(dir, "keys"), seal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// opener returns how to open the vault of a directory.
func opener(t testing.TB, dir string, o Options) storetest.OpenVault {
	ring := testRing(t, dir)
	return func() (archive.Vault, error) { return Open(filepath.Join(dir, "vault"), ring, o) }
}

func TestVault(t *testing.T) {
	storetest.TestVault(t, func(t *testing.T) storetest.OpenVault { return opener(t, t.TempDir(), Options{}) })
}

func TestVaultOfSmallPacks(t *testing.T) {
	storetest.TestVault(t, func(t *testing.T) storetest.OpenVault {
		fsys := durabletest.New()
		return func() (archive.Vault, error) {
			ring, err := seal.OpenKeyring("/keys", seal.Options{FS: fsys})
			if err != nil {
				return nil, err
			}
			return Open("/vault", ring, Options{PackSize: 300 << 10, FS: fsys})
		}
	})
}
