package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"autoscaler-keda-hpa/e2e/cluster"
)

// httpCrowd measures what reading three activators for many revisions costs the
// program, and an activator: while all are at zero, and while some have
// requests. Each has had one before, so that the activators tell them all.
// $HTTP_REVISIONS is how many there are; 20 and shortly, if it is not set.
func httpCrowd(c *httpCase) {
	during := time.Minute
	count, err := strconv.Atoi(os.Getenv("HTTP_REVISIONS"))
	if err != nil {
		count, during = 20, 5*time.Second
	}
	if err := c.set.AddActivator(c.Context()); err != nil {
		c.Fatal(err)
	}
	// Else so many pods would begin at once.
	if err := c.set.AllowZeroInitialScale(c.Context()); err != nil {
		c.Fatal(err)
	}
	crowd := make([]string, count)
	for i := range crowd {
		crowd[i] = fmt.Sprintf("crowd-%04d", i)
	}
	limit := time.Minute + time.Duration(count)*time.Second
	annotations := onRequests("concurrency", map[string]string{"initial-scale": "0", "keda-polling-interval": "10"})
	c.eachOf(crowd, 16, func(name string) error { return c.tryDeploy(service{name: name, annotations: annotations}) })
	c.waitAll(limit, cluster.Services, count, func(service *unstructured.Unstructured) bool {
		return cluster.ConditionOf(service, "Ready").Status == "True"
	})
	c.waitAll(limit, cluster.Deployments, count, atZero)
	c.eachOf(crowd, 8, func(name string) error { return c.wakeByActivator(name + "-00001") })
	c.waitAll(limit, cluster.Deployments, count, atZero)
	c.measure(fmt.Sprintf("%d revisions, all at zero", count), during)
	var ends []func() *replies
	for _, name := range crowd[:min(20, count)] {
		ends = append(ends, c.gateway(name+"-00001", false).every(500*time.Millisecond, "ms=100"))
	}
	c.measure(fmt.Sprintf("%d revisions, %d with requests", count, len(ends)), during)
	together := &replies{}
	for _, end := range ends {
		together.all = append(together.all, end().all...)
	}
	together.check(c)
}

// eachOf does something with each name, some at once.
func (c *httpCase) eachOf(names []string, atOnce int, do func(string) error) {
	c.Helper()
	left := make(chan string)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for name := range left {
				if err := do(name); err != nil {
					c.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	for _, name := range names {
		left <- name
	}
	close(left)
	all.Wait()
	if c.Failed() {
		c.FailNow()
	}
}

// waitAll waits until as many objects of a kind are as they should be.
func (c *httpCase) waitAll(limit time.Duration, kind schema.GroupVersionResource, count int, good func(*unstructured.Unstructured) bool) {
	c.Helper()
	c.eventually(limit, fmt.Sprintf("%d %s", count, kind.Resource), func(ctx context.Context) error {
		list, err := c.Dynamic.Resource(kind).Namespace(c.namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		reached := 0
		for i := range list.Items {
			if good(&list.Items[i]) {
				reached++
			}
		}
		if reached < count {
			return fmt.Errorf("%d are", reached)
		}
		return nil
	})
}

func atZero(deployment *unstructured.Unstructured) bool {
	wanted, _, _ := unstructured.NestedInt64(deployment.Object, "spec", "replicas")
	there, _, _ := unstructured.NestedInt64(deployment.Object, "status", "replicas")
	return wanted == 0 && there == 0
}

// wakeByActivator sends a request to the activators in turn, which tell of it
// from then on.
func (c *httpCase) wakeByActivator(revision string) error {
	for _, activator := range c.set.Activators {
		request, err := http.NewRequestWithContext(c.Context(), http.MethodGet, "http://"+activator.IP+":8012/?ms=1", nil)
		if err != nil {
			return err
		}
		request.Header.Set("Knative-Serving-Namespace", c.namespace)
		request.Header.Set("Knative-Serving-Revision", revision)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err == nil && answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", answer.Status, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// measure tells what the program and an activator take of a core.
func (c *httpCase) measure(what string, during time.Duration) {
	c.Helper()
	type reading struct{ program, activator, pages, bytes float64 }
	read := func() (r reading) {
		var errs [4]error
		r.program, errs[0] = cpuSeconds(c.program.Pid())
		r.activator, errs[1] = cpuSeconds(c.set.Activators[0].Pid())
		r.pages, errs[2] = c.counter(`autoscaler_keda_hpa_activator_pages_total{outcome="ok"}`)
		r.bytes, errs[3] = c.counter("autoscaler_keda_hpa_activator_bytes_total")
		if err := errors.Join(errs[:]...); err != nil {
			c.Fatal(err)
		}
		return r
	}
	begin, before := time.Now(), read()
	time.Sleep(during)
	after, took := read(), time.Since(begin).Seconds()
	pages := after.pages - before.pages
	c.Logf("%s, %d activators: %.1f %% of a core, %.0f pages of %.0f KB; an activator %.1f %% of a core",
		what, len(c.set.Activators), 100*(after.program-before.program)/took, pages,
		(after.bytes-before.bytes)/pages/1000, 100*(after.activator-before.activator)/took)
}

// cpuSeconds is what a process has used of processors.
func cpuSeconds(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name, which may hold anything, ends at the last parenthesis.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	const ticks = 100 // a second, on every Linux that Go knows
	return float64(user+system) / ticks, err
}

// counter is one of the program's own metrics.
func (c *httpCase) counter(series string) (float64, error) {
	for line := range strings.Lines(c.metrics()) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("the program's metrics have no %s", series)
}
