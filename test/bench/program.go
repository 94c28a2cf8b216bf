package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// meter measures the program over a span of time.
type meter struct {
	bed     *bed
	begin   time.Time
	cpu     time.Duration
	traffic *traffic
}

func (b *bed) startMeter() (*meter, error) {
	pid := b.program.Pid()
	resetPeak(pid)
	cpu, err := cpuTime(pid)
	address, _ := url.Parse(b.Config.Host)
	return &meter{b, time.Now(), cpu, countTraffic(pid, address.Port())}, err
}

// stop waits until the program is quiet, so that nothing it still has to do is
// left out of the figures, and fills them in, but for the wall time.
func (m *meter) stop(ctx context.Context, result *Result) error {
	if _, err := m.bed.quiet(ctx); err != nil {
		return err
	}
	pid := m.bed.program.Pid()
	cpu, err := cpuTime(pid)
	if err != nil {
		return err
	}
	result.CPU = (cpu - m.cpu).Seconds()
	if result.Memory, err = memoryOf(pid); err != nil {
		return err
	}
	if bytes := m.traffic.stop(); bytes != nil {
		result.MBIn, result.MBOut = float64(bytes[0])/1e6, float64(bytes[1])/1e6
	}
	return m.bed.countRequests(m.begin, result)
}

// create: n PodAutoscalers at once, until all are ready.
func (b *bed) create(ctx context.Context, result *Result) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := b.start(ctx); err != nil {
		return err
	}
	idle, err := memoryOf(b.program.Pid())
	if err != nil {
		return err
	}
	result.Before = idle
	standIn, err := startStandIn(ctx, b.admin, b.workers)
	if err != nil {
		return err
	}
	ready, err := b.watchReady(ctx, standIn.failed, result.Revisions)
	if err != nil {
		return err
	}
	m, err := b.startMeter()
	if err != nil {
		return err
	}
	if err := b.createAll(ctx, result.Revisions); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	result.Wall = time.Since(m.begin).Seconds()
	tell("create, %d revisions: ready after %.1f s", result.Revisions, result.Wall)
	return m.stop(ctx, result)
}

func (b *bed) createAll(ctx context.Context, count int) error {
	return inParallel(ctx, count, b.workers, func(ctx context.Context, i int) error {
		_, err := b.of(gvr.pa).Create(ctx, podAutoscaler(i), metav1.CreateOptions{})
		return err
	})
}

// watchReady opens a watch; what it returns waits until count PodAutoscalers are ready.
func (b *bed) watchReady(ctx context.Context, failed *failure, count int) (wait func() error, err error) {
	return watchUntil(ctx, b.of(gvr.pa), "ready", count, failed, func(object *unstructured.Unstructured) bool {
		return cluster.ConditionOf(object, "Ready").Status == "True"
	})
}

// countRequests reads from the API server's own log what the program asked for.
func (b *bed) countRequests(begin time.Time, result *Result) error {
	type key struct {
		uri string
		at  time.Time
	}
	seen := map[key]bool{} // a watch is logged when it starts and when it ends
	requests, err := b.Audit.Requests(func(r cluster.Request) bool {
		k := key{r.URI, r.Received}
		if seen[k] || r.Received.Before(begin) || !strings.HasPrefix(r.UserAgent, cluster.ProgramName) {
			return false
		}
		seen[k] = true
		return true
	})
	if err != nil {
		return err
	}
	result.Requests = map[string]int{}
	for _, r := range requests {
		what := r.Verb + " " + r.ObjectRef.Resource
		if r.ObjectRef.Subresource != "" {
			what += "/" + r.ObjectRef.Subresource
		}
		result.Requests[what]++
		if r.IsWrite() {
			result.Writes++
		}
		if r.ResponseStatus.Code >= 400 {
			result.Refused++
		}
	}
	return nil
}
