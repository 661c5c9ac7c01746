//go:build !unix

package peers

import (
	"os/exec"
	"syscall"
)

func group(*exec.Cmd) {}

func signalGroup(cmd *exec.Cmd, s syscall.Signal) {
	if s == syscall.SIGKILL {
		cmd.Process.Kill()
	}
}
