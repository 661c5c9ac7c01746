package dicomweb

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// TestBehind: what is written comes whole and in order, and an error of the
// writer below is not lost.
func TestBehind(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, behindSize - 1, behindSize, 5*behindSize + 7} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		var got bytes.Buffer
		b := newBehind(&got)
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(200_000))
			if k, err := b.Write(rest[:n]); k != n || err != nil {
				t.Fatal(k, err)
			}
			rest = rest[n:]
		}
		if err := b.Stop(); err != nil || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("%d of %d bytes, %v", got.Len(), size, err)
		}
	}
	broken := errors.New("the client has gone")
	b := newBehind(failing{broken})
	b.Write(make([]byte, 10*behindSize))
	if err := b.Stop(); err != broken {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
