package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is one child: in a process group of its own, its output in a file,
// killed by the kernel when this program dies in whatever way.
type Process struct {
	Name string
	Log  string
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

type startRequest struct {
	cmd    *exec.Cmd
	answer chan error
}

var (
	startOnce     sync.Once
	startRequests chan startRequest
)

// startChild starts cmd from one thread that never ends: the kernel sends a
// child its parent-death signal when the *thread* that started it ends, and
// Go ends threads as it likes.
func startChild(cmd *exec.Cmd) error {
	startOnce.Do(func() {
		startRequests = make(chan startRequest)
		go func() {
			runtime.LockOSThread()
			for request := range startRequests {
				request.answer <- request.cmd.Start()
			}
		}()
	})
	answer := make(chan error)
	startRequests <- startRequest{cmd, answer}
	return <-answer
}

// start runs a program with its output appended to logs/NAME.log. env is
// added to a minimal environment, so that no variable of the caller leaks in.
func start(logs, name string, env []string, program string, args ...string) (*Process, error) {
	return startApart(logs, name, 0, env, program, args...)
}

// startApart is start with new namespaces for the child: CLONE_NEWNET and the like.
func startApart(logs, name string, apart uintptr, env []string, program string, args ...string) (*Process, error) {
	log := filepath.Join(logs, name+".log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + logs}, env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: apart}
	if err := startChild(cmd); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &Process{Name: name, Log: log, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Pid is the child's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Exited says whether the child has ended, and how.
func (p *Process) Exited() (bool, error) {
	select {
	case <-p.done:
		return true, p.err
	default:
		return false, nil
	}
}

// Kill ends the child at once (kill -9) and waits for it.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	<-p.done
}

// Stop asks the child to end, and kills it if it has not after the grace.
// It returns how the child ended.
func (p *Process) Stop(grace time.Duration) error {
	_ = syscall.Kill(-p.Pid(), syscall.SIGTERM)
	select {
	case <-p.done:
		return p.err
	case <-time.After(grace):
		p.Kill()
		return fmt.Errorf("%s did not end within %s of SIGTERM", p.Name, grace)
	}
}

// Tail returns the last lines of the child's log.
func (p *Process) Tail(lines int) string { return tail(p.Log, lines) }

func tail(path string, lines int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return strings.Join(all, "\n")
}
