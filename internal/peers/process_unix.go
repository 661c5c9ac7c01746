//go:build unix

package peers

import (
	"os/exec"
	"syscall"
)

// group makes the program the leader of a process group, so that the children
// it forks can be ended with it.
func group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func signalGroup(cmd *exec.Cmd, s syscall.Signal) { syscall.Kill(-cmd.Process.Pid, s) }
