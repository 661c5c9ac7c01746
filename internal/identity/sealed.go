package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// Box seals small pieces of data with a key: Open returns what was sealed with
// the same associated data, or an error.
type Box interface {
	Seal(plaintext, ad []byte) []byte
	Open(sealed, ad []byte) ([]byte, error)
}

// ErrTampered says that a file was edited, damaged, or sealed by another key.
var ErrTampered = errors.New("the file was changed by something other than tresor, or belongs to other keys")

const (
	sealedMagic = "tresor-sealed/1 "
	maxSealed   = 256 << 20 // bytes of a sealed file
)

// sealedAD binds a file to its use.
func sealedAD(name string) []byte { return []byte("tresor/identity/1 " + name) }

// writeSealed replaces the file name by v, durably, as one line of text: a
// magic word and the sealed JSON in base64.
func (s *Store) writeSealed(name string, v any) error { return writeSealed(s.dir, s.box, name, v) }

func writeSealed(dir string, box Box, name string, v any) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	b := []byte(sealedMagic)
	b = base64.StdEncoding.AppendEncode(b, box.Seal(plain, sealedAD(name)))
	return durable.WriteFile(durable.OS, filepath.Join(dir, name), append(b, '\n'), 0o600)
}

// readSealed reads what writeSealed wrote.
func (s *Store) readSealed(name string, v any) error { return readSealed(s.dir, s.box, name, v) }

func readSealed(dir string, box Box, name string, v any) error {
	b, err := durable.ReadFile(durable.OS, filepath.Join(dir, name), maxSealed)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	plain, err := openSealed(box, name, b)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func openSealed(box Box, name string, b []byte) ([]byte, error) {
	b, ok := bytes.CutPrefix(b, []byte(sealedMagic))
	if !ok {
		return nil, ErrTampered
	}
	b, ok = bytes.CutSuffix(b, []byte{'\n'})
	if !ok || bytes.ContainsAny(b, "\r\n") { // base64 passes over these
		return nil, ErrTampered
	}
	sealed, err := base64.StdEncoding.Strict().AppendDecode(nil, b)
	if err != nil {
		return nil, ErrTampered
	}
	plain, err := box.Open(sealed, sealedAD(name))
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}
