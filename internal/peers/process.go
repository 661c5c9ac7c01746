package peers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Process is a program that runs until Stop.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
	once sync.Once
}

// startProcess starts a program; what it prints goes to the file log.
func startProcess(log, tool string, args ...string) (*Process, error) {
	path, err := Find(tool)
	if err != nil {
		return nil, fmt.Errorf("%s: needs the Debian package %s", tool, packageOf(tool))
	}
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, environment()
	cmd.Dir = filepath.Dir(log)
	group(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// environment is ours with Nagle's algorithm switched off in DCMTK, which
// otherwise waits 40 ms in many an exchange.
func environment() []string { return append(os.Environ(), "TCP_NODELAY=1") }

// PID returns the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns what the program has printed.
func (p *Process) Log() string {
	b, _ := os.ReadFile(p.log)
	return string(b)
}

// Stop ends the program and its children and waits for them.
func (p *Process) Stop() {
	p.once.Do(func() {
		signalGroup(p.cmd, syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(500 * time.Millisecond): // its storage is thrown away
		}
		signalGroup(p.cmd, syscall.SIGKILL)
		<-p.done
	})
}

// waitFor waits until the program accepts connections on a port of the loopback
// address.
func (p *Process) waitFor(port int) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", Address(port), time.Second)
		if err == nil {
			conn.Close()
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended at once:\n%s", p.cmd.Path, p.Log())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not listen on port %d:\n%s", p.cmd.Path, port, p.Log())
		}
	}
}

// Address returns the loopback address with a port.
func Address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// FreePort returns a port of the loopback address that nobody listened on a
// moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// orFree returns the port, or a free one if it is 0.
func orFree(port int) (int, error) {
	if port != 0 {
		return port, nil
	}
	return FreePort()
}
