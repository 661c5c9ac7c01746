package forward

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzCursor: a file that is no cursor is an error or stands for the beginning.
func FuzzCursor(f *testing.F) {
	f.Add([]byte(cursorMagic + " aa 17\n"))
	f.Add([]byte(cursorMagic + " aa -1\n"))
	f.Add([]byte(cursorMagic + " bb 99999999999999999999\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "cursor")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := openCursor(name, "aa"); err == nil && c.id != "aa" {
			t.Errorf("%+v", c)
		}
	})
}
