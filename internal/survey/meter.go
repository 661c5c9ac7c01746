package survey

import (
	"errors"
	"net"
	"sync"
)

// maxReceived is how many bytes are read from a port in one run, in all its
// connections together. An answer to all that is asked takes a few kilobytes,
// and 2,000 matches that are counted some 600.
const maxReceived = 1 << 20

var errTooMuch = errors.New("the host sends too much")

// meter bounds what is read from a port.
type meter struct {
	mu       sync.Mutex
	left     int64
	received int64
	free     bool // the owner has signed for counting every answer
}

// lift permits any number of bytes to be read.
func (m *meter) lift() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = true
}

// may returns how many bytes of b may be read now.
func (m *meter) may(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.free {
		return n
	}
	return int(min(int64(n), m.left))
}

func (m *meter) count(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left -= int64(n)
	m.received += int64(n)
}

func (m *meter) total() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.received
}

// metered is a connection whose bytes are counted.
type metered struct {
	net.Conn
	m *meter
}

// Read reads as much as the meter permits.
func (c metered) Read(b []byte) (int, error) {
	n := c.m.may(len(b))
	if n == 0 && len(b) > 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(b[:n])
	c.m.count(n)
	return n, err
}
