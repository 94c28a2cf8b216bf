package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	corev1 "k8s.io/client-go/listers/core/v1"
)

// gateway sends requests as an ingress gateway would: to the addresses of the
// revision's public Service, in turn, with the headers by which an activator
// knows the revision. It tries nothing twice, so that a request lost is seen,
// and while the API server is away, what was heard last holds.
type gateway struct {
	c         *httpCase
	revision  string
	port      string // "http" or "http2", as the Service's ports are called
	client    *http.Client
	endpoints corev1.EndpointsNamespaceLister
	turn      atomic.Int64
}

func (c *httpCase) gateway(revision string, http2 bool) *gateway {
	transport := &http.Transport{MaxIdleConnsPerHost: 100, Protocols: new(http.Protocols)}
	port := "http"
	if http2 {
		port = "http2"
		transport.Protocols.SetUnencryptedHTTP2(true)
	} else {
		transport.Protocols.SetHTTP1(true)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(c.Typed, 0, informers.WithNamespace(c.namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.FieldSelector = "metadata.name=" + revision
		}))
	g := &gateway{c: c, revision: revision, port: port,
		client:    &http.Client{Transport: transport, Timeout: 2 * time.Minute},
		endpoints: factory.Core().V1().Endpoints().Lister().Endpoints(c.namespace)}
	factory.Start(c.Context().Done())
	factory.WaitForCacheSync(c.Context().Done())
	c.Cleanup(transport.CloseIdleConnections)
	return g
}

// address is the next of the Service's.
func (g *gateway) address() (string, error) {
	addrs, err := g.addresses()
	if err != nil {
		return "", err
	}
	if len(addrs) == 0 {
		return "", errors.New("the revision's Service has no addresses")
	}
	return addrs[g.turn.Add(1)%int64(len(addrs))], nil
}

func (g *gateway) addresses() ([]string, error) {
	endpoints, err := g.endpoints.Get(g.revision)
	if err != nil {
		return nil, err
	}
	var addrs []string
	for _, subset := range endpoints.Subsets {
		for _, port := range subset.Ports {
			if port.Name != g.port {
				continue
			}
			for _, address := range subset.Addresses {
				addrs = append(addrs, net.JoinHostPort(address.IP, fmt.Sprint(port.Port)))
			}
		}
	}
	return addrs, nil
}

// open sends a request and returns the answer when its head is there.
func (g *gateway) open(ctx context.Context, query string) (*http.Response, error) {
	address, err := g.address()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/?"+query, nil)
	if err != nil {
		return nil, err
	}
	request.Host = "app." + g.c.namespace + ".example.com"
	request.Header.Set("Knative-Serving-Namespace", g.c.namespace)
	request.Header.Set("Knative-Serving-Revision", g.revision)
	return g.client.Do(request)
}

// reply is what came back for one request.
type reply struct {
	sent time.Time
	took time.Duration
	text string
	err  error
}

// send sends a request and reads the whole answer; anything but a 200 is an error.
func (g *gateway) send(ctx context.Context, query string) reply {
	a := reply{sent: time.Now()}
	response, err := g.open(ctx, query)
	if err == nil {
		defer response.Body.Close()
		var body []byte
		body, err = io.ReadAll(response.Body)
		a.text = strings.TrimSpace(string(body))
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", response.Status, a.text)
		}
	}
	a.took, a.err = time.Since(a.sent), err
	return a
}

// replies collects what many senders get.
type replies struct {
	lock sync.Mutex
	all  []reply
}

func (s *replies) add(a reply) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.all = append(s.all, a)
}

// check fails the test for each answer that is no 200, and tells how long the
// others took.
func (s *replies) check(t testing.TB) {
	t.Helper()
	s.lock.Lock()
	defer s.lock.Unlock()
	var took []time.Duration
	failed := 0
	for _, a := range s.all {
		if a.err != nil {
			if failed++; failed <= 5 {
				t.Errorf("a request of %s, after %s: %v", a.sent.Format("15:04:05.000"), a.took, a.err)
			}
			continue
		}
		took = append(took, a.took)
	}
	if failed > 0 {
		t.Errorf("%d of %d requests failed", failed, len(s.all))
	}
	if len(took) == 0 {
		t.Error("no request was answered")
		return
	}
	slices.Sort(took)
	t.Logf("%d answers; median %s, slowest %s", len(took), took[len(took)/2].Round(time.Millisecond),
		took[len(took)-1].Round(time.Millisecond))
}

// atOnce sends many requests at once and waits for all answers.
func (g *gateway) atOnce(count int, query string) *replies {
	s := &replies{}
	var all sync.WaitGroup
	for range count {
		all.Go(func() { s.add(g.send(g.c.Context(), query)) })
	}
	all.Wait()
	return s
}

// load has clients that each send one request after the other, until the
// function that it returns is called. That waits for the last answers.
func (g *gateway) load(clients int, query string) func() *replies {
	s := &replies{}
	enough := make(chan struct{})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for {
				select {
				case <-enough:
					return
				case <-g.c.Context().Done(): // the test has failed elsewhere
					return
				default:
					s.add(g.send(g.c.Context(), query))
				}
			}
		})
	}
	return func() *replies { close(enough); all.Wait(); return s }
}

// every sends one request each period, however long answers take, until the
// function that it returns is called.
func (g *gateway) every(period time.Duration, query string) func() *replies {
	s := &replies{}
	enough := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-enough:
				return
			case <-g.c.Context().Done():
				return
			case <-tick.C:
				all.Go(func() { s.add(g.send(g.c.Context(), query)) })
			}
		}
	})
	return func() *replies { close(enough); all.Wait(); return s }
}
