package grpc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
)

// pair is a certificate for 127.0.0.1, signed by another or by itself, and its key.
type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	tls         tls.Certificate
	certFile    string
	keyFile     string
}

func newPair(t *testing.T, name string, signer *pair) *pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: signer == nil,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	parent, parentKey := template, key
	if signer != nil {
		parent, parentKey = signer.certificate, signer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{certificate: certificate, key: key, tls: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}
	p.certFile = writePEM(t, name+".crt", "CERTIFICATE", der)
	p.keyFile = writePEM(t, name+".key", "PRIVATE KEY", keyDER)
	return p
}

func writePEM(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTLS(t *testing.T) {
	authority := newPair(t, "authority", nil)
	server := newPair(t, "server", authority)
	signed := newPair(t, "signed", authority)
	stranger := newPair(t, "stranger", nil)
	s := startServer(t, server.certFile, server.keyFile, authority.certFile)
	for _, row := range []struct {
		name         string
		trust        *pair
		certificates []tls.Certificate
		version      uint16
		want         codes.Code
	}{
		{"signed", authority, []tls.Certificate{signed.tls}, 0, codes.OK},
		{"signed, TLS 1.2", authority, []tls.Certificate{signed.tls}, tls.VersionTLS12, codes.OK},
		{"nobody", authority, nil, 0, codes.Unavailable},
		{"a stranger", authority, []tls.Certificate{stranger.tls}, 0, codes.Unavailable},
		{"who trusts others", stranger, []tls.Certificate{signed.tls}, 0, codes.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			roots := x509.NewCertPool()
			roots.AddCert(row.trust.certificate)
			config := &tls.Config{RootCAs: roots, Certificates: row.certificates, MaxVersion: row.version}
			c := s.connect(t, grpc.WithTransportCredentials(credentials.NewTLS(config)))
			_, err := invoke(t.Context(), c, "Echo", make([]byte, 65536))
			wantCode(t, err, row.want)
		})
	}
}
