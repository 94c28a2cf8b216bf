package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"autoscaler-keda-hpa/e2e/proxy"
)

// PutProxyBefore starts a proxy before the API server, and makes a kubeconfig
// for the program that leads through it: with the program's token and the
// proxy's authority in files, which may change.
func (c *Cluster) PutProxyBefore(ctx context.Context) (*proxy.Proxy, error) {
	certificate, authority, err := c.NewServing("proxy-first")
	if err != nil {
		return nil, err
	}
	if err := c.TrustForProgram(authority); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(c.pki.cert)
	p, err := proxy.Start(loopback(freePort()), c.APIServerURL(), certificate, &tls.Config{RootCAs: pool})
	if err != nil {
		return nil, err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["e2e"] = &clientcmdapi.Cluster{Server: p.URL, CertificateAuthority: c.path("config", "program-ca.crt")}
	config.AuthInfos["e2e"] = &clientcmdapi.AuthInfo{TokenFile: c.path("config", "program.token")}
	config.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: "e2e"}
	config.CurrentContext = "e2e"
	c.ProgramKubeconfig = c.path("config", "proxied.kubeconfig")
	return p, clientcmd.WriteToFile(*config, c.ProgramKubeconfig)
}

// APIServerURL is where the API server itself listens.
func (c *Cluster) APIServerURL() string { return "https://" + loopback(c.ports.apiserver) }

// NewServing makes an authority and a certificate of it for a server here.
func (c *Cluster) NewServing(name string) (tls.Certificate, []byte, error) {
	made, err := newAuthority(name + "-authority")
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	if err := made.issue(c.path("pki"), name); err != nil {
		return tls.Certificate{}, nil, err
	}
	certificate, err := tls.LoadX509KeyPair(c.path("pki", name+".crt"), c.path("pki", name+".key"))
	return certificate, made.pem, err
}

// TrustForProgram changes the authority that the program trusts, as a
// kubelet does: by renaming a new file over the old one.
func (c *Cluster) TrustForProgram(authority []byte) error {
	return replaceFile(c.path("config", "program-ca.crt"), authority)
}

func replaceFile(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// StartEtcd starts etcd on what data there is.
func (c *Cluster) StartEtcd() error {
	_, err := c.tool("etcd", nil, "--data-dir="+c.path("data", "etcd"),
		"--client-url=http://"+loopback(c.ports.etcd), "--peer-url=http://"+loopback(c.ports.etcdPeer))
	return err
}

// StopEtcd ends etcd; its data stay.
func (c *Cluster) StopEtcd() { c.killServer("etcd") }

// StopKEDA ends KEDA's three servers.
func (c *Cluster) StopKEDA() {
	for _, name := range []string{"keda-operator", "keda-adapter", "keda-webhooks"} {
		c.killServer(name)
	}
}

// StartKEDA starts them again, and waits until the operator works.
func (c *Cluster) StartKEDA(ctx context.Context) error {
	if err := c.startKEDAServers(); err != nil {
		return err
	}
	return c.Wait(ctx, "KEDA's operator", func(ctx context.Context) error {
		return httpOK(ctx, "http://"+loopback(c.ports.kedaHealth)+"/readyz")
	})
}

func (c *Cluster) killServer(name string) {
	if p := c.server(name); p != nil {
		c.forget(p)
		p.Kill()
	}
}

// server is the last one started by that name, if it is still to run.
func (c *Cluster) server(name string) *Process {
	c.lock.Lock()
	defer c.lock.Unlock()
	var found *Process
	for _, p := range c.processes {
		if p.Name == name {
			found = p
		}
	}
	return found
}

// Laggard is a second API server on the same etcd, which can be kept from
// hearing of it.
type Laggard struct {
	*proxy.Relay
	URL     string
	cluster *Cluster
	process *Process
}

// StartLaggard starts one and waits until it is ready.
func (c *Cluster) StartLaggard(ctx context.Context) (*Laggard, error) {
	relay, err := proxy.StartRelay(loopback(freePort()), loopback(c.ports.etcd))
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	defer func() { c.Audit.starting(begin) }()
	port := freePort()
	process, err := c.run("laggard", nil, c.Bin+"/kube-apiserver", c.apiServerArgs(relay.Address, port)...)
	if err != nil {
		relay.Close()
		return nil, err
	}
	l := &Laggard{Relay: relay, URL: "https://" + loopback(port), cluster: c, process: process}
	client, err := rest.HTTPClientFor(c.Config)
	if err != nil {
		l.Stop()
		return nil, err
	}
	err = c.Wait(ctx, "the second API server", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL+"/readyz", nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("its /readyz says %s", answer.Status)
		}
		return nil
	})
	if err != nil {
		l.Stop()
	}
	return l, err
}

// Stop ends it.
func (l *Laggard) Stop() {
	l.cluster.forget(l.process)
	l.process.Kill()
	l.Relay.Close()
}
