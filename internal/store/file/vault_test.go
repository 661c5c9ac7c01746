package file

import (
	"bytes"
	"context"
	"io"
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

// TestNewReader reads parts of objects as streams.
func TestNewReader(t *testing.T) {
	d := newOnDisk(t, Options{})
	for _, size := range []int{0, 1000, 300_000, 3 << 20} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 31 >> 3)
		}
		o, err := d.Open(context.Background(), d.put("1.2.3", data))
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		if got, err := io.ReadAll(o.(*Object).NewReader()); err != nil || !bytes.Equal(got, data) {
			t.Errorf("size %d: %d bytes, %v", size, len(got), err)
		}
		for _, part := range [][2]int{{0, size}, {size / 3, size / 2}, {max(0, size-1), 10}} {
			r := o.(*Object).NewRangeReader(int64(part[0]), int64(part[1]))
			got, err := io.ReadAll(r)
			if want := data[part[0]:min(size, part[0]+part[1])]; err != nil || !bytes.Equal(got, want) {
				t.Errorf("size %d, part %v: %d bytes, %v", size, part, len(got), err)
			}
			r.Close()
		}
	}
}
