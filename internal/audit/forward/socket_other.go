//go:build !linux

package forward

import (
	"syscall"
	"time"
)

// limitUnacknowledged does nothing where the kernel has no such limit: there a
// connection that died without a word is noticed when its buffers are full, or
// by keep-alives, and records sent meanwhile may need a longer time to settle.
func limitUnacknowledged(time.Duration) func(network, address string, c syscall.RawConn) error {
	return nil
}
