package proxy

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Silence is a way in which a connection dies without a word.
type Silence int

const (
	// Stuck: the peer's kernel acknowledges all, and nobody reads or answers
	// (a process that hangs, a load balancer that lost its way).
	Stuck Silence = iota
	// Lost: no packet arrives any more (a cable, a dropped NAT entry).
	Lost
)

type listener struct {
	*net.TCPListener
	lock  sync.Mutex
	conns map[*conn]struct{}
}

// listenPlain listens without Multipath TCP, Go's default, whose listeners
// take no packet filter.
func listenPlain(address string) (*net.TCPListener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	listening, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return listening.(*net.TCPListener), nil
}

func (l *listener) Accept() (net.Conn, error) {
	tcp, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	c := &conn{TCPConn: tcp, listener: l, closed: make(chan struct{})}
	l.lock.Lock()
	defer l.lock.Unlock()
	l.conns[c] = struct{}{}
	return c, nil
}

func (l *listener) each(do func(*conn)) {
	l.lock.Lock()
	conns := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.lock.Unlock()
	for _, c := range conns {
		do(c)
	}
}

// conn is one of the client's, which may be silenced.
type conn struct {
	*net.TCPConn
	listener *listener
	once     sync.Once
	closed   chan struct{}
	lock     sync.Mutex
	thawed   chan struct{} // nil: not silent
}

// wait waits while the connection is silent.
func (c *conn) wait() {
	c.lock.Lock()
	thawed := c.thawed
	c.lock.Unlock()
	if thawed == nil {
		return
	}
	select {
	case <-thawed:
	case <-c.closed:
	}
}

func (c *conn) Read(data []byte) (int, error) {
	n, err := c.TCPConn.Read(data)
	c.wait()
	return n, err
}

func (c *conn) Write(data []byte) (int, error) {
	c.wait()
	return c.TCPConn.Write(data)
}

func (c *conn) Close() error {
	c.release()
	c.listener.lock.Lock()
	delete(c.listener.conns, c)
	c.listener.lock.Unlock()
	return c.TCPConn.Close()
}

// release lets go of who waits here.
func (c *conn) release() { c.once.Do(func() { close(c.closed) }) }

func (c *conn) reset() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

func (c *conn) silence() {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.thawed == nil {
		c.thawed = make(chan struct{})
	}
}

func (c *conn) thaw() {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.thawed != nil {
		close(c.thawed)
	}
	c.thawed = nil
}

// dropAll is a program for the kernel's packet filter: keep 0 bytes of each.
var dropAll = []syscall.SockFilter{{Code: syscall.BPF_RET | syscall.BPF_K, K: 0}}

// control does something to a socket.
func control(socket syscall.Conn, do func(fd int) error) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}

func dropPackets(socket syscall.Conn) error {
	return control(socket, func(fd int) error { return syscall.AttachLsf(fd, dropAll) })
}

func passPackets(socket syscall.Conn) error {
	return control(socket, syscall.DetachLsf)
}

// Silence makes the connections that are open now silent; new ones work. The
// function that it returns ends it, as far as they still live.
func (p *Proxy) Silence(how Silence) (end func(), err error) {
	var silenced []*conn
	p.listener.each(func(c *conn) {
		c.silence()
		p.Faults.Add(1)
		if how == Lost && err == nil {
			err = dropPackets(c)
		}
		silenced = append(silenced, c)
	})
	return func() {
		for _, c := range silenced {
			_ = passPackets(c)
			c.thaw()
		}
	}, err
}

// Partition loses all packets, those of new connections too, until end.
func (p *Proxy) Partition() (end func(), err error) {
	if err := dropPackets(p.listener); err != nil {
		return nil, err
	}
	endSilence, err := p.Silence(Lost)
	return func() {
		_ = passPackets(p.listener)
		endSilence()
	}, err
}
