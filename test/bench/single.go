package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"autoscaler-keda-hpa/e2e/cluster"
)

// settle is how long nothing is asked for between two latencies, so that each
// begins on an idle cluster.
const settle = 50 * time.Millisecond

// single: one revision at a time on an otherwise idle cluster, the program's
// turn and the floor's in alternation. The floor is a watcher that posts a
// fixed ScaledObject as soon as it sees the PodAutoscaler, and reports a fixed
// status as soon as it sees a ready ServerlessService: what the API itself
// takes for a watch event and a write.
func (b *bed) single(ctx context.Context, report *Report) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := b.start(ctx); err != nil {
		return err
	}
	s := &singles{bed: b, failed: newFailure(), waiting: map[string]chan time.Time{}}
	if err := s.open(ctx); err != nil {
		return err
	}
	for i := range b.singles {
		for floor := range s.written {
			if err := s.one(ctx, floor, i); err != nil {
				return err
			}
		}
	}
	created := &Result{Scenario: "single", Revisions: 1,
		Latency: latencyOf(s.written[0]), FloorLatency: latencyOf(s.written[1])}
	ready := &Result{Scenario: "single-ready", Revisions: 1,
		Latency: latencyOf(s.ready[0]), FloorLatency: latencyOf(s.ready[1])}
	tell("single: to ScaledObject %+v, floor %+v", *created.Latency, *created.FloorLatency)
	tell("single: to ready %+v, floor %+v", *ready.Latency, *ready.FloorLatency)
	report.add(created)
	report.add(ready)
	return nil
}

// singles is what single has measured so far: of the program [0] and of the floor [1].
type singles struct {
	*bed
	failed         *failure
	written, ready [2][]time.Duration

	lock    sync.Mutex
	waiting map[string]chan time.Time
}

// isFloors: revisions of the floor have a class that the program passes over.
func isFloors(object *unstructured.Unstructured) bool {
	return object.GetAnnotations()[classAnnotation] == floorClass
}

func (s *singles) open(ctx context.Context) error {
	for _, f := range []struct {
		what schema.GroupVersionResource
		each func(watch.EventType, *unstructured.Unstructured)
	}{
		{gvr.so, func(_ watch.EventType, o *unstructured.Unstructured) { s.happened("so " + o.GetName()) }},
		{gvr.sks, func(_ watch.EventType, o *unstructured.Unstructured) { s.happened("sks " + o.GetName()) }},
		{gvr.pa, func(_ watch.EventType, o *unstructured.Unstructured) {
			if cluster.ConditionOf(o, "Ready").Status == "True" {
				s.happened("ready " + o.GetName())
			}
		}},
		// The floor's own two watches.
		{gvr.pa, func(event watch.EventType, o *unstructured.Unstructured) {
			if event == watch.Added && isFloors(o) {
				so := plainScaledObject(o)
				so.SetAnnotations(nil) // with our class the program would take it for its own
				_, err := s.programOf(gvr.so).Create(ctx, so, metav1.CreateOptions{})
				s.check(ctx, err)
			}
		}},
		{gvr.sks, func(event watch.EventType, o *unstructured.Unstructured) {
			if event == watch.Modified && isFloors(o) {
				s.check(ctx, patchStatus(ctx, s.asProgram, gvr.pa, o.GetName(), paStatus(1)))
			}
		}},
	} {
		if err := follow(ctx, s.of(f.what), f.each, s.failed.tell); err != nil {
			return err
		}
	}
	return nil
}

func (s *singles) check(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.failed.tell(fmt.Errorf("floor: %w", err))
	}
}

func (s *singles) expect(what string) <-chan time.Time {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.waiting[what] = make(chan time.Time, 1)
	return s.waiting[what]
}

func (s *singles) happened(what string) {
	now := time.Now()
	s.lock.Lock()
	defer s.lock.Unlock()
	if waits, is := s.waiting[what]; is {
		waits <- now
		delete(s.waiting, what)
	}
}

func (s *singles) wait(ctx context.Context, what string, when <-chan time.Time) (time.Time, error) {
	select {
	case at := <-when:
		return at, nil
	case err := <-s.failed.first:
		return time.Time{}, err
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case <-time.After(time.Minute):
		return time.Time{}, fmt.Errorf("waited a minute for %s", what)
	}
}

// one takes one revision from its creation to ready.
func (s *singles) one(ctx context.Context, floor, i int) error {
	pa := podAutoscaler(i)
	if floor == 1 {
		pa = podAutoscaler(50000 + i)
		annotations := pa.GetAnnotations()
		annotations[classAnnotation] = floorClass
		pa.SetAnnotations(annotations)
	}
	so, sks, ready := s.expect("so "+pa.GetName()), s.expect("sks "+pa.GetName()), s.expect("ready "+pa.GetName())
	begin := time.Now()
	pa, err := s.of(gvr.pa).Create(ctx, pa, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	at, err := s.wait(ctx, "the ScaledObject", so)
	if err != nil {
		return err
	}
	s.written[floor] = append(s.written[floor], at.Sub(begin))
	if floor == 1 {
		plain := plainSKS(pa)
		plain.SetAnnotations(map[string]string{classAnnotation: floorClass})
		if _, err := s.of(gvr.sks).Create(ctx, plain, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if _, err := s.wait(ctx, "the ServerlessService", sks); err != nil {
		return err
	}
	return s.toReady(ctx, floor, pa.GetName(), ready)
}

// toReady brings the HPA and then, with the clock running, what was missing last.
func (s *singles) toReady(ctx context.Context, floor int, name string, ready <-chan time.Time) error {
	so, err := s.of(gvr.so).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := makeHPA(ctx, s.admin, so); err != nil {
		return err
	}
	sks, err := s.of(gvr.sks).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	time.Sleep(settle)
	begin := time.Now()
	if err := patchStatus(ctx, s.admin, gvr.sks, name, sksStatus(sks)); err != nil {
		return err
	}
	at, err := s.wait(ctx, "the PodAutoscaler to be ready", ready)
	s.ready[floor] = append(s.ready[floor], at.Sub(begin))
	time.Sleep(settle)
	return err
}
