package supervise

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is one running component.
type process struct {
	name string
	cmd  *exec.Cmd
	// ended is closed when the process is gone.
	ended chan struct{}
	// asked says that its end was asked for; any other end is a failure.
	asked bool
}

// spawn starts this same program under another name. The child is killed with
// the thread that started it, therefore only the locked main thread may call
// this. It leads a process group, so that Ctrl-C in a terminal reaches the
// supervisor alone.
func spawn(program, name string, arguments []string, log, home string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd := &exec.Cmd{
		Path:        program,
		Args:        append([]string{name}, arguments...),
		Dir:         home,
		Env:         environment(home),
		Stdout:      output,
		Stderr:      output,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true},
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the state is read from cmd.ProcessState
		close(p.ended)
	}()
	return p, nil
}

// environment passes on what tunes the Go runtime and nothing else: no ambient
// KUBECONFIG, proxy or cloud credential reaches a component.
func environment(home string) []string {
	passed := []string{"HOME=" + home}
	for _, name := range []string{"PATH", "TMPDIR", "GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG"} {
		if value, ok := os.LookupEnv(name); ok {
			passed = append(passed, name+"="+value)
		}
	}
	return passed
}

func (p *process) running() bool { return !closed(p.ended) }

func closed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

// stop asks the process to end, and makes it end when the grace is over.
func (p *process) stop(grace time.Duration) {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(grace):
		p.kill()
	}
}

func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

func (p *process) signal(signal syscall.Signal) {
	p.asked = true
	_ = p.cmd.Process.Signal(signal) // fails only when it has ended, which is what is wanted
}

// tail returns the end of a log, for the message that says why nothing works.
func tail(log string) string {
	const lines = 15
	content, err := os.ReadFile(log)
	if err != nil {
		return ""
	}
	all := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
