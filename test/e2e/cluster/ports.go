package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports below the range that the kernel hands to outgoing connections: one
// found free stays free until its server binds it.
const (
	firstPort = 18000
	lastPort  = 31999
)

var (
	portsTaken = map[int]bool{}
	portsLock  sync.Mutex
)

// freePort finds a loopback port that nobody listens on and that it has not
// given out before.
func freePort() int {
	portsLock.Lock()
	defer portsLock.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if portsTaken[port] {
			continue
		}
		// Some of the servers listen on all addresses: try that too.
		listener, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		listener.Close()
		portsTaken[port] = true
		return port
	}
	panic("no free port found")
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
