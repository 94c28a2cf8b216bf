package cluster

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// The pods of the HTTP set are processes with network namespaces of their own,
// joined by a bridge. All of it is inside one more namespace, which the test
// itself enters by running itself again: nothing of it has a name outside, and
// the kernel takes everything away with the last process, however that ended.

const (
	ownNetwork   = "E2E_OWN_NETWORK" // set for what runs in the namespace
	bridge       = "pods"
	bridgeIP     = "10.244.0.1"
	podPrefix    = "/16"
	firstPodIP   = "10.244.1.1"
	autoscalerIP = "10.244.0.10"
	activatorIP  = "10.244.0.%d" // from 11 on
)

// InOwnNetwork says whether this process was started by RunInOwnNetwork.
func InOwnNetwork() bool { return os.Getenv(ownNetwork) != "" }

// OwnNetworkAllowed is nil where network namespaces and bridges can be made.
func OwnNetworkAllowed() error {
	out, err := exec.Command("unshare", "--net", "--mount", "ip", "link", "add", bridge, "type", "bridge").CombinedOutput()
	if err != nil {
		return fmt.Errorf("no network namespace with a bridge can be made here: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// RunInOwnNetwork runs a program in a new network namespace and waits for it.
// Its mounts are its own too, for a file of its own with the names of hosts.
func RunInOwnNetwork(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), ownNetwork+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL,
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if err := startChild(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// podNetwork hands out what is on the bridge.
type podNetwork struct {
	logs string
	lock sync.Mutex
	next netip.Addr
	used int
}

func newPodNetwork(logs string) *podNetwork {
	return &podNetwork{logs: logs, next: netip.MustParseAddr(firstPodIP)}
}

// hosts are the names that somebody looks up: there is no DNS in here.
const hosts = "127.0.0.1 localhost\n" + autoscalerIP + " autoscaler." + SystemNamespace + ".svc.cluster.local\n"

// SetUpOwnNetwork brings loopback and the bridge up, once, before anything is
// started in a namespace that RunInOwnNetwork has made.
func SetUpOwnNetwork(dir string) error {
	file := filepath.Join(dir, "hosts")
	if err := os.WriteFile(file, []byte(hosts), 0o644); err != nil {
		return err
	}
	// Private first: what is mounted here is to be seen nowhere else.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := syscall.Mount(file, "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting hosts: %w", err)
	}
	return configureNetwork(nil, "link set lo up", "link add "+bridge+" type bridge",
		"addr add "+bridgeIP+podPrefix+" dev "+bridge, "link set "+bridge+" up")
}

// configureNetwork runs commands of ip, behind those words if any.
func configureNetwork(before []string, commands ...string) error {
	words := append(before, "ip", "-batch", "-")
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w %s", strings.Join(commands, "; "), err, out)
	}
	return nil
}

// sandbox is the network of one pod. It lasts as long as a process is in it.
type sandbox struct {
	IP     string
	holder *Process
	logs   string
	name   string
}

// newSandbox makes one, with that address or, if it is "", one that no
// sandbox has had before.
func (n *podNetwork) newSandbox(name, ip string) (*sandbox, error) {
	n.lock.Lock()
	n.used++
	veth := fmt.Sprintf("veth%d", n.used)
	if ip == "" {
		ip = n.next.String()
		n.next = n.next.Next()
	}
	n.lock.Unlock()
	holder, err := startApart(n.logs, name+"-pause", syscall.CLONE_NEWNET, nil, "sleep", "infinity")
	if err != nil {
		return nil, err
	}
	s := &sandbox{IP: ip, holder: holder, logs: n.logs, name: name}
	err = configureNetwork(nil,
		fmt.Sprintf("link add %s type veth peer name eth0 netns %d", veth, holder.Pid()),
		fmt.Sprintf("link set %s master %s up", veth, bridge))
	if err == nil {
		err = configureNetwork(s.enter(), "link set lo up", "addr add "+ip+podPrefix+" dev eth0", "link set eth0 up")
	}
	if err != nil {
		holder.Kill()
		return nil, err
	}
	return s, nil
}

// enter are the words before a command that is to run in the sandbox.
func (s *sandbox) enter() []string {
	return []string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", s.holder.Pid())}
}

// start runs a program in the sandbox.
func (s *sandbox) start(name string, env []string, program string, args ...string) (*Process, error) {
	words := append(s.enter(), program)
	return start(s.logs, s.name+"-"+name, env, words[0], append(words[1:], args...)...)
}

// close gives the network up; the processes in it must have ended.
func (s *sandbox) close() { s.holder.Kill() }
