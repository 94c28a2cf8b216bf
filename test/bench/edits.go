package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
)

// edits: annotation edits at a steady rate, spread over the revisions, whatever
// becomes of the earlier ones. Each names a target of its own, by which it is
// recognised in the ScaledObject.
func (b *bed) edits(ctx context.Context, n int, report *Report) error {
	result := &Result{Scenario: "edits", Revisions: n}
	if err := b.start(ctx); err != nil {
		return err
	}
	m, err := b.startMeter()
	if err != nil {
		return err
	}
	const first, firstOfFloor = 1000, 1000000
	result.Latency, result.Lost, err = b.edit(ctx, n, first, b.editAnnotation)
	if err != nil {
		return err
	}
	if err := m.stop(ctx, result); err != nil {
		return err
	}
	if err := b.stop(); err != nil {
		return err
	}
	floorCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := b.openWatches(floorCtx); err != nil {
		return err
	}
	result.FloorLatency, _, err = b.edit(floorCtx, n, firstOfFloor, b.editStraight)
	tell("edits: %+v, floor %+v", *result.Latency, *result.FloorLatency)
	report.add(result)
	return err
}

func (b *bed) editAnnotation(ctx context.Context, i, target int) error {
	return patch(ctx, b.of(gvr.pa), name(i), fields{"metadata": fields{"annotations": fields{
		"autoscaling.knative.dev/target": strconv.Itoa(target)}}})
}

func (b *bed) editStraight(ctx context.Context, i, target int) error {
	if err := b.editAnnotation(ctx, i, target); err != nil {
		return err
	}
	return patch(ctx, b.programOf(gvr.so), name(i), fields{"spec": fields{"triggers": triggers(name(i), target)}})
}

// editing is what is known of the edits under way.
type editing struct {
	lock      sync.Mutex
	pending   map[string]map[int]time.Time // by revision and target
	left      int
	latencies []time.Duration
	done      chan struct{}
}

func (e *editing) begin(revision string, target int) {
	e.lock.Lock()
	defer e.lock.Unlock()
	if e.pending[revision] == nil {
		e.pending[revision] = map[int]time.Time{}
	}
	e.pending[revision][target] = time.Now()
}

// seen notes that a ScaledObject has a target. An edit that a later one of the
// same revision overtook is done as well.
func (e *editing) seen(_ watch.EventType, so *unstructured.Unstructured) {
	now, have := time.Now(), thresholdOf(so)
	e.lock.Lock()
	defer e.lock.Unlock()
	for target, begin := range e.pending[so.GetName()] {
		if target > have {
			continue
		}
		delete(e.pending[so.GetName()], target)
		e.latencies = append(e.latencies, now.Sub(begin))
		if e.left--; e.left == 0 {
			close(e.done)
		}
	}
}

func thresholdOf(so *unstructured.Unstructured) int {
	triggers, _, _ := unstructured.NestedSlice(so.Object, "spec", "triggers")
	if len(triggers) == 0 {
		return -1
	}
	text, _, _ := unstructured.NestedString(triggers[0].(fields), "metadata", "threshold")
	threshold, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return threshold
}

// edit makes the edits and waits until their ScaledObjects show them. Those that
// do not for two minutes after the last edit count as lost.
func (b *bed) edit(ctx context.Context, n, first int,
	write func(ctx context.Context, i, target int) error) (*Latency, int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	count := int(b.options.edits.Seconds() * float64(b.rate))
	e := &editing{pending: map[string]map[int]time.Time{}, left: count, done: make(chan struct{})}
	failed := newFailure()
	if err := follow(ctx, b.of(gvr.so), e.seen, failed.tell); err != nil {
		return nil, 0, err
	}
	clock := time.NewTicker(time.Second / time.Duration(b.rate))
	defer clock.Stop()
	for k := range count {
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-clock.C:
		}
		go func() {
			e.begin(name(k%n), first+k)
			if err := write(ctx, k%n, first+k); err != nil {
				failed.tell(fmt.Errorf("edit %d: %w", k, err))
			}
		}()
	}
	select {
	case <-e.done:
	case err := <-failed.first:
		return nil, 0, err
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case <-time.After(2 * time.Minute):
	}
	e.lock.Lock()
	defer e.lock.Unlock()
	return latencyOf(e.latencies), e.left, nil
}
