package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// echo answers with what it is sent.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	return listener.Addr().String()
}

func TestRelay(t *testing.T) {
	relay, err := StartRelay("127.0.0.1:0", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	c, err := net.Dial("tcp", relay.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	read := func(limit time.Duration) (string, error) {
		buffer := make([]byte, 10)
		_ = c.SetReadDeadline(time.Now().Add(limit))
		n, err := c.Read(buffer)
		return string(buffer[:n]), err
	}
	_, _ = c.Write([]byte("one"))
	if text, err := read(5 * time.Second); text != "one" || err != nil {
		t.Fatalf("have %q, %v", text, err)
	}
	relay.Stall()
	_, _ = c.Write([]byte("two"))
	if text, err := read(200 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("stalled, and still: %q, %v", text, err)
	}
	relay.Resume()
	if text, err := read(5 * time.Second); text != "two" || err != nil {
		t.Fatalf("resumed: %q, %v", text, err)
	}
	relay.Close()
	if _, err := read(5 * time.Second); !errors.Is(err, io.EOF) {
		t.Fatalf("closed: %v", err)
	}
}

// A certificate that the client has no trust in is seen by the next
// connection, however many sessions it has had before.
func TestSetCertificate(t *testing.T) {
	b := newBench(t)
	if _, _, err := b.ask("GET", "/a", ""); err != nil {
		t.Fatal(err)
	}
	b.SetCertificate(strange(t))
	if _, _, err := b.ask("GET", "/a", ""); err != nil {
		t.Fatalf("the connection at hand: %v", err)
	}
	b.client = &http.Client{Transport: b.client.Transport.(*http.Transport).Clone()}
	_, _, err := b.ask("GET", "/a", "")
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Fatalf("a new connection: %v", err)
	}
}

func strange(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestSetTarget(t *testing.T) {
	b, other := newBench(t), newBench(t)
	if err := b.SetTarget(other.target.URL); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.ask("POST", "/a", "body"); err != nil {
		t.Fatal(err)
	}
	b.want("the first target has it", b.taken(), 0)
	b.want("the other target has it", other.taken(), 1)
}

// A target that is gone shows as a connection that breaks.
func TestTargetGone(t *testing.T) {
	b := newBench(t)
	b.target.Close()
	if status, _, err := b.ask("GET", "/a", ""); err == nil {
		t.Errorf("answered %d", status)
	}
}
