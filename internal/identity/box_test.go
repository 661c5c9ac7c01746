package identity

import (
	"testing"

	"github.com/tresor-pacs/tresor/internal/seal"
)

func testBox(t testing.TB, key byte) Box {
	t.Helper()
	k := make([]byte, seal.KeySize)
	k[0] = key
	box, err := seal.NewAEAD(k)
	if err != nil {
		t.Fatal(err)
	}
	return box
}
