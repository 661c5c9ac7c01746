//go:build unix

package survey

import (
	"os"
	"syscall"
)

// lock keeps two surveys from writing one state file; the system lets go of it
// when the process ends, however it ends.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
