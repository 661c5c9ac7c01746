package storetest

import (
	"testing"

	"github.com/tresor-pacs/tresor/internal/archive"
)

func TestMemoryVault(t *testing.T) {
	TestVault(t, func(*testing.T) OpenVault {
		v := NewVault()
		return func() (archive.Vault, error) {
			v = v.Reopen()
			return v, nil
		}
	})
}
