package peers

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process and those it started have used, as Linux counts it.
type Usage struct {
	CPU  time.Duration // user and system, ended children included
	Peak int64         // the most memory the process itself has had, in bytes (VmHWM)
	Now  int64         // memory of all of them now, shared pages counted by share (PSS)
	Open int           // open descriptors of the process itself
}

// ticks is how often the kernel counts a second (USER_HZ), the same everywhere.
const ticks = 100

// UsageOf reads the counters of a process and its descendants.
func UsageOf(pid int) (Usage, error) {
	var u Usage
	if err := u.add(pid, true); err != nil {
		return Usage{}, err
	}
	if fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)); err == nil {
		u.Open = len(fds)
	}
	return u, nil
}

func (u *Usage) add(pid int, top bool) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return err
	}
	// Behind the name in brackets: field 14 utime, 15 stime, 16 and 17 those of
	// children that have ended (proc(5)).
	_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return fmt.Errorf("process %d: its stat line is short", pid)
	}
	for _, f := range fields[11:15] {
		n, _ := strconv.ParseInt(f, 10, 64)
		u.CPU += time.Duration(n) * time.Second / ticks
	}
	if top {
		u.Peak = kilobytes(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:")
	}
	u.Now += kilobytes(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, t := range tasks {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		for _, c := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(c); err == nil {
				u.add(n, false) // one that has just ended is not an error
			}
		}
	}
	return nil
}

// kilobytes returns the value of a line of a file such as "Pss:  123 kB", in bytes.
func kilobytes(file, label string) int64 {
	b, _ := os.ReadFile(file)
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, label); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}
