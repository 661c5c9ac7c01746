package dicomweb

import "io"

// behind passes on what is written to it from a goroutine of its own, so that
// the next bytes are read and opened while those before are sealed for the wire
// and sent. Stop has to be called before anybody else writes to the writer below.
type behind struct {
	now  []byte      // being filled
	full chan []byte // to be written
	free chan []byte // to be filled
	err  error       // of the writer below; read after ended
	done chan struct{}
}

const (
	behindSize  = 256 << 10
	behindCount = 3
)

func newBehind(w io.Writer) *behind {
	b := &behind{full: make(chan []byte, behindCount), free: make(chan []byte, behindCount), done: make(chan struct{})}
	for range behindCount {
		b.free <- nil // made when first needed
	}
	go func() {
		defer close(b.done)
		for p := range b.full {
			if b.err == nil {
				_, b.err = w.Write(p)
			}
			b.free <- p[:0]
		}
	}()
	return b
}

// Write implements io.Writer. An error of the writer below comes with Stop at
// the latest.
func (b *behind) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if b.now == nil {
			if b.now = <-b.free; b.now == nil {
				b.now = make([]byte, 0, behindSize)
			}
		}
		k := min(len(p), behindSize-len(b.now))
		b.now, p = append(b.now, p[:k]...), p[k:]
		if len(b.now) == behindSize {
			b.full <- b.now
			b.now = nil
		}
	}
	return n, nil
}

// Stop writes what is left and returns what went wrong.
func (b *behind) Stop() error {
	if b.now != nil {
		b.full <- b.now
	}
	close(b.full)
	<-b.done
	return b.err
}
