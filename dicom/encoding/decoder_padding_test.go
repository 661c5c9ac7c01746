package encoding

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
)

// TestPaddingAfterAnOddValue has the byte that fragments of even length add to
// a data set whose last value is of odd length.
func TestPaddingAfterAnOddValue(t *testing.T) {
	for _, c := range []struct {
		data string
		good bool
	}{
		{"10002000 4C4F0300 313233", true},
		{"10002000 4C4F0300 313233 00", true},
		{"10002000 4C4F0300 313233 20", false},
		{"10002000 4C4F0300 313233 0000", false},
		{"10002000 4C4F0200 3132 00", false},
	} {
		b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(c.data), []byte(" "), nil)))
		if err != nil {
			t.Fatal(err)
		}
		ds, err := Parse(b, ExplicitLE, Options{})
		stream := new(dicom.DataSet)
		streamErr := NewDecoder(bytes.NewReader(b), ExplicitLE, Options{}).ReadAll(stream)
		if (err == nil) != c.good || (streamErr == nil) != c.good {
			t.Errorf("%s: %v, %v", c.data, err, streamErr)
		}
		if c.good && (ds.String(0x00100020) != "123" || stream.String(0x00100020) != "123") {
			t.Errorf("%s: %q", c.data, ds.String(0x00100020))
		}
		if !c.good && errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", c.data, err)
		}
	}
}
