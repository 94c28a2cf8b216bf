package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// autoscalers are what is compared: each way to scale on requests from zero.
var autoscalers = []struct {
	name        string
	title       string
	annotations map[string]string
}{
	{"scaler", "this scaler", nil},
	{"prometheus", "KEDA's Prometheus trigger", map[string]string{
		"metric": "requests", "keda-polling-interval": "1",
		// The second family is missing until a request was let through.
		"prometheus-query": `sum({__name__=~"kn_revision_request_(queued|active)",k8s_namespace_name=%q,kn_revision_name=%q})`,
	}},
	{"kpa", "Knative's own autoscaler", map[string]string{
		"class": "kpa.autoscaling.knative.dev", "target-burst-capacity": "-1",
	}},
}

// sample is one request to a revision at zero.
type sample struct{ scaled, answered time.Duration }

// httpFigures measures, for each autoscaler in turn in one run, from a request
// reaching an activator to the Deployment being scaled, and to the answer.
// $HTTP_ROUNDS is how often each of three revisions is woken (2).
func httpFigures(c *httpCase) {
	rounds, err := strconv.Atoi(os.Getenv("HTTP_ROUNDS"))
	if err != nil {
		rounds = 2
	}
	if err := c.set.StartKPA(c.Context()); err != nil {
		c.Fatal(err)
	}
	if err := c.set.ScrapeActivators(c.Context()); err != nil {
		c.Fatal(err)
	}
	revisions := map[string][]string{}
	for _, by := range autoscalers {
		for i := range 3 {
			revisions[by.name] = append(revisions[by.name], c.deployFor(by.name, by.annotations, i))
		}
	}
	samples := map[string][]sample{}
	for range rounds {
		for _, by := range autoscalers {
			for _, revision := range revisions[by.name] {
				c.waitReady(revision)
				c.waitZero(revision)
			}
		}
		for i := range 3 {
			for _, by := range autoscalers {
				samples[by.name] = append(samples[by.name], c.wake(revisions[by.name][i]))
			}
		}
	}
	for _, by := range autoscalers {
		c.tell(by.title, samples[by.name])
	}
}

// deployFor deploys the number-th service of an autoscaler.
func (c *httpCase) deployFor(autoscaler string, annotations map[string]string, number int) string {
	name := fmt.Sprintf("%s-%d", autoscaler, number)
	own := maps.Clone(annotations)
	if query, ok := own["prometheus-query"]; ok {
		own["prometheus-query"] = fmt.Sprintf(query, c.namespace, name+"-00001")
	}
	all := onRequests("concurrency", own)
	if autoscaler == "kpa" {
		for _, ours := range []string{"keda-polling-interval", "keda-cooldown-period"} {
			delete(all, ours)
		}
	}
	return c.deployHTTP(name, "", all)
}

// wake sends one request to a revision at zero.
func (c *httpCase) wake(revision string) sample {
	c.Helper()
	g := c.gateway(revision, false)
	if _, err := g.address(); err != nil {
		c.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Minute)
	defer cancel()
	watch, err := c.Dynamic.Resource(cluster.Deployments).Namespace(c.namespace).Watch(ctx,
		metav1.ListOptions{FieldSelector: "metadata.name=" + revision + "-deployment"})
	if err != nil {
		c.Fatal(err)
	}
	defer watch.Stop()
	var scaled time.Time
	var seen sync.WaitGroup
	seen.Go(func() {
		for event := range watch.ResultChan() {
			deployment, ok := event.Object.(*unstructured.Unstructured)
			if !ok {
				continue
			}
			if replicas, _, _ := unstructured.NestedInt64(deployment.Object, "spec", "replicas"); replicas > 0 {
				scaled = time.Now()
				return
			}
		}
	})
	r := g.send(ctx, "ms=1")
	seen.Wait()
	if r.err != nil {
		c.Errorf("%s: a request from zero: %v", revision, r.err)
	}
	if scaled.IsZero() {
		c.Errorf("%s: the Deployment was not scaled", revision)
	}
	return sample{scaled.Sub(r.sent), r.took}
}

func (c *httpCase) tell(title string, samples []sample) {
	column := func(of func(sample) time.Duration) string {
		var all []time.Duration
		for _, s := range samples {
			all = append(all, of(s).Round(time.Millisecond))
		}
		slices.Sort(all)
		return fmt.Sprintf("median %-7s slowest %-7s", all[len(all)/2], all[len(all)-1])
	}
	c.Logf("%-26s %3d requests from zero: Deployment scaled after %s  answered after %s", title, len(samples),
		column(func(s sample) time.Duration { return s.scaled }),
		column(func(s sample) time.Duration { return s.answered }))
}
