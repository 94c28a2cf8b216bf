package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// httpSet shows that the set carries requests, without any autoscaler: a
// class that nobody knows, with the SKS and the pods by hand.
func httpSet(c *httpCase) {
	revision := c.deployHTTP("app", "", map[string]string{"class": "by-hand"})
	c.serveByHand(revision)
	c.waitReplicas(time.Minute, revision, 1)
	g := c.gateway(revision, false)
	c.eventually(time.Minute, "an address to send to", func(context.Context) error {
		_, err := g.address()
		return err
	})
	g.atOnce(1, "").check(c)

	scale := func(replicas int) {
		c.mergePatch(cluster.Deployments, revision+"-deployment", map[string]any{"spec": map[string]any{"replicas": replicas}})
	}
	scale(0)
	c.waitZero(revision)
	waiting := g.load(1, "ms=10")
	c.eventually(30*time.Second, "a request to wait in an activator",
		func(context.Context) error { return c.queued(revision) })
	scale(1)
	c.waitReplicas(time.Minute, revision, 1)
	waiting().check(c)
}

// queued is nil if an activator says that a request of a revision waits in it.
func (c *httpCase) queued(revision string) error {
	c.Helper()
	for _, activator := range c.set.Activators {
		for line := range strings.Lines(c.metricsAt(activator.MetricsURL())) {
			if strings.HasPrefix(line, "kn_revision_request_queued") && strings.Contains(line, strconv.Quote(c.namespace)) &&
				strings.Contains(line, strconv.Quote(revision)) && strings.HasSuffix(strings.TrimSpace(line), "} 1") {
				return nil
			}
		}
	}
	return fmt.Errorf("kn_revision_request_queued of %s is 1 nowhere", revision)
}

// serveByHand makes the SKS that an autoscaler would.
func (c *httpCase) serveByHand(revision string) {
	c.Helper()
	var pa *unstructured.Unstructured
	c.eventually(time.Minute, "the PodAutoscaler", func(ctx context.Context) (err error) {
		pa, err = c.get(ctx, cluster.PodAutoscalers, revision)
		return err
	})
	sks := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "networking.internal.knative.dev/v1alpha1", "kind": "ServerlessService",
		"spec": map[string]any{
			"mode": "Proxy", "numActivators": int64(2), "protocolType": "http1",
			"objectRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": revision + "-deployment"},
		},
	}}
	sks.SetName(revision)
	sks.SetNamespace(c.namespace)
	sks.SetLabels(pa.GetLabels())
	if _, err := c.Dynamic.Resource(cluster.ServerlessServices).Namespace(c.namespace).
		Create(c.Context(), sks, metav1.CreateOptions{}); err != nil {
		c.Fatal(err)
	}
}

// httpZero wakes a revision with one request, twice.
func httpZero(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, revision, "Active", "False", "NoTraffic")
	c.checkProxied(revision)
	g := c.gateway(revision, false)
	for _, query := range []string{"ms=500", "ms=10"} {
		g.atOnce(1, query).check(c)
		c.waitCondition(30*time.Second, cluster.PodAutoscalers, revision, "Active", "True", "")
		c.waitZero(revision)
		c.waitCondition(30*time.Second, cluster.PodAutoscalers, revision, "Active", "False", "NoTraffic")
	}
}

// checkProxied wants activators, at least two, in front of a revision.
func (c *httpCase) checkProxied(revision string) {
	c.Helper()
	sks := c.must(cluster.ServerlessServices, revision)
	mode, _, _ := unstructured.NestedString(sks.Object, "spec", "mode")
	activators, _, _ := unstructured.NestedInt64(sks.Object, "spec", "numActivators")
	if mode != "Proxy" || activators < 2 {
		c.Errorf("SKS mode %q with %d activators, want Proxy with 2 or more", mode, activators)
	}
}

// httpBurst sends 100 requests at once to a revision at zero.
func httpBurst(c *httpCase) {
	revision := c.deployAtZero("concurrency", map[string]string{"target": "20"})
	c.gateway(revision, false).atOnce(100, "ms=200").check(c)
	c.waitZero(revision)
}

// httpLoad goes up to five pods and back to none under requests, and loses none.
func httpLoad(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	most := c.highest(revision)
	heavy := g.load(8, "ms=500")
	c.waitReplicas(2*time.Minute, revision, 5)
	c.checkProxied(revision)
	// One client goes on while pods are taken away.
	light := g.load(1, "ms=100")
	heavy().check(c)
	c.waitReplicas(3*time.Minute, revision, 1)
	light().check(c)
	c.waitZero(revision)
	if highest := most(); highest != 5 {
		c.Errorf("at most %d pods were ready, want 5", highest)
	}
}

// httpShort keeps a revision up with requests so short that most readings of
// the activators fall between them.
func httpShort(c *httpCase) {
	revision := c.deployAtZero("concurrency", map[string]string{"target": "10"})
	g := c.gateway(revision, false)
	g.atOnce(1, "ms=10").check(c)
	// Well within the cooldown of 6 s, for four times as long.
	requests := g.every(3*time.Second, "ms=10")
	for begin := time.Now(); time.Since(begin) < 24*time.Second; time.Sleep(200 * time.Millisecond) {
		if wanted, _, err := c.replicas(c.Context(), revision); err != nil || wanted == 0 {
			c.Errorf("%d pods wanted %.1fs after the first request (%v)", wanted, time.Since(begin).Seconds(), err)
			break
		}
	}
	requests().check(c)
	c.waitZero(revision)
}

// httpLastSecond sends requests around the moment at which the last pod goes.
func httpLastSecond(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	for _, after := range []time.Duration{0, 300 * time.Millisecond, time.Second} {
		g.atOnce(1, "ms=10").check(c)
		c.eventually(2*time.Minute, "the Deployment to be told 0", func(ctx context.Context) error {
			wanted, _, err := c.replicas(ctx, revision)
			if err == nil && wanted != 0 {
				err = fmt.Errorf("it is told %d", wanted)
			}
			return err
		})
		time.Sleep(after)
	}
	// When exactly it goes varies with when KEDA looks: from before it, in
	// small steps, until it was too late for several.
	const step = 250 * time.Millisecond
	before, late := 0, 0
	g.atOnce(1, "ms=10").check(c)
	for after := 5 * time.Second; late < 4; after += step {
		if after > 30*time.Second {
			c.Fatalf("of requests up to %s apart %d found no pod wanted", after, late)
		}
		time.Sleep(after)
		wanted, _, err := c.replicas(c.Context(), revision)
		if err != nil {
			c.Fatal(err)
		}
		if wanted > 0 {
			before++
		} else {
			late++
		}
		g.atOnce(1, "ms=10").check(c)
	}
	if before == 0 {
		c.Error("each request found no pod wanted, the first of them too")
	}
	c.waitZero(revision)
}

// httpTwoActivators has two requests in flight in each of two activators,
// which is the load of four pods only if both are counted.
func httpTwoActivators(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	addrs, err := g.addresses()
	if err != nil || len(addrs) != 2 {
		c.Fatalf("the revision's Service has addresses %v, want two (%v)", addrs, err)
	}
	most := c.highest(revision)
	requests := g.load(4, "ms=2000")
	c.waitReplicas(2*time.Minute, revision, 4)
	requests().check(c)
	c.waitZero(revision)
	if highest := most(); highest != 4 {
		c.Errorf("at most %d pods were ready, want 4", highest)
	}
	for _, activator := range c.set.Activators {
		if !strings.Contains(c.metricsAt(activator.MetricsURL()), fmt.Sprintf("k8s_namespace_name=%q", c.namespace)) {
			c.Errorf("activator %s had no request", activator.IP)
		}
	}
}

// httpH2C wakes a revision by HTTP/2 without TLS, and reads an answer that
// comes in pieces while it comes.
func httpH2C(c *httpCase) {
	revision := c.deployHTTP("app", "h2c", onRequests("concurrency", nil))
	c.waitReady(revision)
	c.waitZero(revision)
	sks := c.must(cluster.ServerlessServices, revision)
	if protocol, _, _ := unstructured.NestedString(sks.Object, "spec", "protocolType"); protocol != "h2c" {
		c.Errorf("the SKS's protocol is %q, want h2c", protocol)
	}
	g := c.gateway(revision, true)
	response, err := g.open(c.Context(), "ms=1000&pieces=12")
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		c.Fatalf("%s by %s, want a 200 by HTTP/2", response.Status, response.Proto)
	}
	var first time.Time
	pieces := 0
	for lines := bufio.NewScanner(response.Body); lines.Scan(); pieces++ {
		if !strings.HasSuffix(lines.Text(), "HTTP/2.0") {
			c.Errorf("the app was asked by %q, want HTTP/2.0", lines.Text())
		}
		if pieces == 0 {
			first = time.Now()
		}
	}
	// It lasted longer than the cooldown, which must not have cut it; and the
	// app was not done for 11 s when the first piece was here.
	if took := time.Since(first); pieces != 12 || took < 6*time.Second {
		c.Errorf("%d of 12 pieces came, in %s from the first to the end, want them while they are made", pieces, took)
	}
	c.waitZero(revision)
}

// httpRPS scales on requests per second: 30 of them at a target of 10.
func httpRPS(c *httpCase) {
	revision := c.deployAtZero("rps", map[string]string{"target": "10"})
	g := c.gateway(revision, false)
	// Up first: those that wait for a pod are answered at once, which is a
	// higher rate for a while.
	g.atOnce(1, "ms=20").check(c)
	most := c.highest(revision)
	// A little less than 30, so that no rounding asks for a fourth pod.
	requests := g.every(36*time.Millisecond, "ms=20")
	c.waitReplicas(2*time.Minute, revision, 3)
	requests().check(c)
	c.waitZero(revision)
	if highest := most(); highest != 3 {
		c.Errorf("at most %d pods were ready, want 3", highest)
	}
}

// httpCron has a second trigger beside, which keeps two pods while it is time.
func httpCron(c *httpCase) {
	now := time.Now().UTC()
	at := func(t time.Time) string { return fmt.Sprintf("%d %d * * *", t.Minute(), t.Hour()) }
	triggers := fmt.Sprintf(`[{"type": "cron", "metadata": {"timezone": "UTC", "start": %q, "end": %q, "desiredReplicas": "2"}}]`,
		at(now.Add(-time.Hour)), at(now.Add(time.Hour)))
	revision := c.deployHTTP("app", "", onRequests("concurrency", map[string]string{"extra-prometheus-triggers": triggers}))
	c.waitReady(revision)
	c.waitReplicas(2*time.Minute, revision, 2)
	g := c.gateway(revision, false)
	requests := g.load(4, "ms=500")
	c.waitReplicas(2*time.Minute, revision, 4)
	least := c.lowest(revision)
	requests().check(c)
	// No requests at all, and yet not to zero.
	c.waitReplicas(2*time.Minute, revision, 2)
	time.Sleep(beyondCooldown)
	if lowest := least(); lowest != 2 {
		c.Errorf("without requests it went down to %d pods, want 2", lowest)
	}
}
