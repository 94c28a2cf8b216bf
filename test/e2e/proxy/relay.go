package proxy

import (
	"net"
	"sync"
)

// Relay is a TCP relay that can be stalled: between an API server and etcd it
// makes the server lag, which a server that is merely stopped does not (it
// catches up before it answers).
type Relay struct {
	Address string

	target   string
	listener net.Listener
	lock     sync.Mutex
	stalled  chan struct{} // closed when it goes on; nil: it runs
	conns    map[net.Conn]struct{}
	closed   bool
}

// StartRelay listens on a loopback address.
func StartRelay(address, target string) (*Relay, error) {
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	r := &Relay{Address: tcp.Addr().String(), target: target, listener: tcp, conns: map[net.Conn]struct{}{}}
	go r.accept()
	return r, nil
}

func (r *Relay) accept() {
	for {
		from, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.relay(from)
	}
}

func (r *Relay) relay(from net.Conn) {
	r.wait()
	to, err := net.Dial("tcp", r.target)
	if err != nil {
		_ = from.Close()
		return
	}
	if !r.keep(from, to) {
		return
	}
	go r.pump(to, from)
	r.pump(from, to)
	r.drop(from, to)
}

// pump copies one way; the end of one way ends both.
func (r *Relay) pump(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		r.wait()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (r *Relay) keep(conns ...net.Conn) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, c := range conns {
		if r.closed {
			_ = c.Close()
		} else {
			r.conns[c] = struct{}{}
		}
	}
	return !r.closed
}

func (r *Relay) drop(conns ...net.Conn) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, c := range conns {
		delete(r.conns, c)
	}
}

func (r *Relay) wait() {
	r.lock.Lock()
	stalled := r.stalled
	r.lock.Unlock()
	if stalled != nil {
		<-stalled
	}
}

// Stall lets nothing through, and closes nothing, until Resume.
func (r *Relay) Stall() {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.stalled == nil {
		r.stalled = make(chan struct{})
	}
}

// Resume goes on with what has waited.
func (r *Relay) Resume() {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.stalled != nil {
		close(r.stalled)
	}
	r.stalled = nil
}

// Close ends everything at once.
func (r *Relay) Close() {
	r.Resume()
	_ = r.listener.Close()
	r.lock.Lock()
	defer r.lock.Unlock()
	r.closed = true
	for c := range r.conns {
		_ = c.Close()
	}
}
