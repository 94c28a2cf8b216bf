// Package proxy stands between a client and an API server and does what
// networks, load balancers and servers in trouble do: it resets, falls
// silent, cuts, delays, loses replies and answers wrongly. It terminates TLS
// and speaks HTTP/2 on both sides, and keeps a journal of all requests.
package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
)

// Proxy forwards to one target, which may be exchanged while it runs.
type Proxy struct {
	URL     string
	Journal Journal
	// Faults counts what went wrong here: requests that met a rule, streams
	// and connections that were broken or silenced.
	Faults atomic.Int64

	server    *http.Server
	listener  *listener
	transport *http.Transport

	lock        sync.Mutex
	target      *url.URL
	certificate *tls.Certificate
	rules       []*Rule
	streams     map[*stream]struct{}
}

// stream is one request under way.
type stream struct {
	request *Request
	abort   context.CancelFunc
}

// connKey is where a request's context has its connection.
type connKey struct{}

// Start listens on a loopback address and forwards to target, which it
// trusts as upstream says.
func Start(address, target string, certificate tls.Certificate, upstream *tls.Config) (*Proxy, error) {
	where, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	tcp, err := listenPlain(address)
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		URL:         "https://" + tcp.Addr().String(),
		listener:    &listener{TCPListener: tcp, conns: map[*conn]struct{}{}},
		target:      where,
		certificate: &certificate,
		streams:     map[*stream]struct{}{},
		transport: &http.Transport{
			TLSClientConfig: upstream, ForceAttemptHTTP2: true, DisableCompression: true,
		},
	}
	p.server = &http.Server{
		Handler: http.HandlerFunc(p.serve),
		TLSConfig: &tls.Config{
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.serving(), nil },
			// A resumed session shows no certificate: each one is to be judged.
			SessionTicketsDisabled: true,
		},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c.(*tls.Conn).NetConn())
		},
		// Broken handshakes are what tests are about.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { _ = p.server.ServeTLS(p.listener, "", "") }()
	return p, nil
}

// Close ends everything at once.
func (p *Proxy) Close() {
	p.listener.each((*conn).release)
	_ = p.server.Close()
	p.transport.CloseIdleConnections()
}

func (p *Proxy) serving() *tls.Certificate {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.certificate
}

// SetCertificate is for the connections that come from now on.
func (p *Proxy) SetCertificate(certificate tls.Certificate) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.certificate = &certificate
}

// SetTarget forwards to another server what comes from now on.
func (p *Proxy) SetTarget(target string) error {
	where, err := url.Parse(target)
	if err != nil {
		return err
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	p.target = where
	return nil
}

// Reset breaks every connection (TCP RST), and with it all that is under way.
func (p *Proxy) Reset() {
	p.listener.each(func(c *conn) {
		c.reset()
		p.Faults.Add(1)
	})
}

// Connections are how many are open.
func (p *Proxy) Connections() int {
	count := 0
	p.listener.each(func(*conn) { count++ })
	return count
}

// AbortStreams ends what is under way (RST_STREAM) and leaves the
// connections open; it returns how many it were.
func (p *Proxy) AbortStreams(filter Filter) int {
	p.lock.Lock()
	defer p.lock.Unlock()
	count := 0
	for s := range p.streams {
		if filter.matches(s.request) {
			s.abort()
			count++
			p.Faults.Add(1)
		}
	}
	return count
}

// Watches are how many are under way.
func (p *Proxy) Watches() int {
	p.lock.Lock()
	defer p.lock.Unlock()
	count := 0
	for s := range p.streams {
		if s.request.watch {
			count++
		}
	}
	return count
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	request, err := readRequest(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	ctx, abort := context.WithCancel(r.Context())
	defer abort()
	request.Request = r.WithContext(ctx)
	s := &stream{request, abort}
	noted := &notingWriter{ResponseWriter: w}
	entry := p.Journal.begin(request)
	p.enter(s)
	// Also when a fault panics, which is how a stream is reset.
	defer func() {
		p.leave(s)
		p.Journal.end(entry, noted.status)
	}()
	if rule := p.take(request); rule != nil {
		rule.fault(noted, request, p.forward)
	} else {
		p.forward(noted, request)
	}
}

func (p *Proxy) enter(s *stream) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.streams[s] = struct{}{}
}

func (p *Proxy) leave(s *stream) {
	p.lock.Lock()
	defer p.lock.Unlock()
	delete(p.streams, s)
}

// forward asks the target and hands on what it says, as it comes. What
// breaks behind us breaks before us too.
func (p *Proxy) forward(w http.ResponseWriter, r *Request) {
	answer, err := p.transport.RoundTrip(r.outgoing(p.to()))
	if err != nil {
		if r.Context().Err() == nil {
			r.conn().reset()
		}
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	if err := copyAtOnce(w, answer.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (p *Proxy) to() *url.URL {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.target
}

// copyAtOnce copies and waits for nothing.
func copyAtOnce(w http.ResponseWriter, from io.Reader) error {
	buffer := make([]byte, 32<<10)
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			_ = flush.Flush()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
