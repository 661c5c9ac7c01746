//go:build !unix

package file

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
