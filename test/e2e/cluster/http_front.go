package cluster

import (
	"io"
	"net"
	"sync"
	"time"
)

// Front is what a Service with a cluster address is to its clients: each new
// connection goes to one of the backends that take it, in turn.
type Front struct {
	Address string

	listener net.Listener
	lock     sync.Mutex
	backends []string
	turn     int
}

// NewFront listens on loopback.
func NewFront(backends ...string) (*Front, error) {
	listener, err := net.Listen("tcp", loopback(freePort()))
	if err != nil {
		return nil, err
	}
	f := &Front{Address: listener.Addr().String(), listener: listener, backends: backends}
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go f.carry(from)
		}
	}()
	return f, nil
}

// Set gives it other backends; connections that are there stay.
func (f *Front) Set(backends ...string) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.backends = backends
}

// Close stops listening.
func (f *Front) Close() { _ = f.listener.Close() }

// order is the backends, another one first each time.
func (f *Front) order() []string {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.turn++
	first := f.turn % max(1, len(f.backends))
	return append(append([]string{}, f.backends[first:]...), f.backends[:first]...)
}

func (f *Front) carry(from net.Conn) {
	defer from.Close()
	for _, backend := range f.order() {
		to, err := net.DialTimeout("tcp", backend, time.Second)
		if err != nil {
			continue
		}
		defer to.Close()
		go func() {
			_, _ = io.Copy(to, from)
			to.Close()
		}()
		_, _ = io.Copy(from, to)
		return
	}
}
