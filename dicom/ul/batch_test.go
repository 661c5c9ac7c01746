package ul

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
)

// counter counts writes and fails the n-th, if n is not 0.
type counter struct {
	net.Conn
	written bytes.Buffer
	writes  int
	fail    int
}

var errWire = errors.New("wire cut")

func (c *counter) Write(b []byte) (int, error) {
	if c.writes++; c.writes == c.fail {
		return 0, errWire
	}
	return c.written.Write(b)
}

func TestBatch(t *testing.T) {
	data := randomBytes(3*batchSize + 10<<10)
	for _, fail := range []int{0, 1, 3, 4} {
		c := &counter{fail: fail}
		b := NewBatch(c)
		err := b.collect(func() error {
			for rest := data; len(rest) > 0; {
				n := min(len(rest), 10<<10)
				if _, err := b.Write(rest[:n]); err != nil {
					return err
				}
				rest = rest[n:]
			}
			return nil
		})
		if fail == 0 && (err != nil || c.writes != 4 || !bytes.Equal(c.written.Bytes(), data)) {
			t.Errorf("%d writes of %d bytes, %v", c.writes, c.written.Len(), err)
		}
		if fail != 0 && !errors.Is(err, errWire) {
			t.Errorf("write %d failed: %v", fail, err)
		}
	}
	c := &counter{}
	b := NewBatch(c)
	b.Write(data[:10])
	if c.writes != 1 {
		t.Error("a write was held back")
	}
	b = NewBatch(&stream{r: bytes.NewReader(data)})
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}
