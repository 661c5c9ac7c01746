//go:build linux || darwin

package server

import "syscall"

// diskSpace returns the free and all bytes of the disk that a folder lies on,
// zero if they are not known.
func diskSpace(dir string) (free, total int64) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize)
}
