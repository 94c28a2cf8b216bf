package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// traffic counts the bytes on the program's connections to the API server, TLS
// included, by asking the kernel for each socket's own count (TCP_INFO). That
// costs the program nothing, where a relay between the two would cost latency
// and CPU. It takes a look a second, so that of a connection that closes only
// the last second's bytes are missed. Needs root: the program lets nobody else
// look at its descriptors.
type traffic struct {
	pid, port int
	lock      sync.Mutex
	sockets   map[string][2]uint64 // in, out, by inode
	base      map[string][2]uint64
	stopped   chan struct{}
	err       error
}

func countTraffic(pid int, port string) *traffic {
	t := &traffic{pid: pid, sockets: map[string][2]uint64{}, stopped: make(chan struct{})}
	t.port, t.err = strconv.Atoi(port)
	t.look()
	t.base = t.sockets
	t.sockets = map[string][2]uint64{}
	go func() {
		for {
			select {
			case <-t.stopped:
				return
			case <-time.After(time.Second):
				t.look()
			}
		}
	}()
	return t
}

// stop returns the bytes in and out since countTraffic, or nil if they cannot be known.
func (t *traffic) stop() *[2]uint64 {
	close(t.stopped)
	t.look()
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.err != nil {
		return nil
	}
	var sum [2]uint64
	for inode, bytes := range t.sockets {
		for i := range sum {
			sum[i] += bytes[i] - t.base[inode][i]
		}
	}
	return &sum
}

func (t *traffic) look() {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.err != nil {
		return
	}
	t.err = t.readSockets()
}

func (t *traffic) readSockets() error {
	process, err := unix.PidfdOpen(t.pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(process)
	dir := fmt.Sprintf("/proc/%d/fd", t.pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		// A descriptor may be closed between two of these calls.
		target, err := os.Readlink(dir + "/" + entry.Name())
		if err != nil || !strings.HasPrefix(target, "socket:") {
			continue
		}
		number, err := strconv.Atoi(entry.Name())
		if err != nil {
			return err
		}
		if err := t.readSocket(process, number, target); err != nil {
			return err
		}
	}
	return nil
}

func (t *traffic) readSocket(process, number int, inode string) error {
	fd, err := unix.PidfdGetfd(process, number, 0)
	if err == unix.EBADF {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	peer, err := unix.Getpeername(fd)
	if err != nil {
		return nil // a listener
	}
	if address, isInet := peer.(*unix.SockaddrInet4); !isInet || address.Port != t.port {
		return nil
	}
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err == nil {
		t.sockets[inode] = [2]uint64{info.Bytes_received, info.Bytes_acked}
	}
	return err
}
