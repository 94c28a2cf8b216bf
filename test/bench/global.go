package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// A default that no revision overrides, and one that all do.
const (
	// looksASecond is how many revisions the program looks at after a change of
	// defaults (PARADE_KEYS_A_SECOND).
	looksASecond = 100

	pollingInterval      = 17
	floorPollingInterval = 18

	configThatMatters = `
apiVersion: v1
kind: ConfigMap
metadata: {name: config-autoscaler-keda, namespace: ` + cluster.SystemNamespace + `}
data: {autoscaler.keda.polling-interval: 17s}
`
	configThatDoesNot = `
apiVersion: v1
kind: ConfigMap
metadata: {name: config-autoscaler, namespace: ` + cluster.SystemNamespace + `}
data: {min-scale: "2", max-scale: "20"}
`
)

// global: a default changes in a ConfigMap, which every ScaledObject must
// follow; then one that changes none.
func (b *bed) global(ctx context.Context, n int, report *Report) error {
	if err := b.start(ctx); err != nil {
		return err
	}
	result := &Result{Scenario: "global", Revisions: n}
	change := func() error { return b.ApplyYAML(ctx, configThatMatters) }
	if err := b.changeAll(ctx, result, change); err != nil {
		return err
	}
	if err := b.changeNothing(ctx, n, report); err != nil {
		return fmt.Errorf("a default that changes nothing: %w", err)
	}
	if err := b.stop(); err != nil {
		return err
	}
	if err := b.globalFloor(ctx, result); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	tell("global: followed after %.1f s, floor %.1f s", result.Wall, result.Floors[0])
	report.add(result)
	return nil
}

func (b *bed) changeAll(ctx context.Context, result *Result, change func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wait, err := b.watchInterval(ctx, pollingInterval, result.Revisions)
	if err != nil {
		return err
	}
	m, err := b.startMeter()
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	if err := wait(); err != nil {
		return err
	}
	result.Wall = time.Since(m.begin).Seconds()
	return m.stop(ctx, result)
}

// watchInterval opens a watch; what it returns waits until count ScaledObjects
// have that pollingInterval.
func (b *bed) watchInterval(ctx context.Context, seconds int64, count int) (wait func() error, err error) {
	return watchUntil(ctx, b.of(gvr.so), "changed", count, newFailure(), func(so *unstructured.Unstructured) bool {
		have, _, _ := unstructured.NestedInt64(so.Object, "spec", "pollingInterval")
		return have == seconds
	})
}

// changeNothing: each revision is looked at anew, and nothing written. There is
// no wall time: the looks are spread over time on purpose.
func (b *bed) changeNothing(ctx context.Context, n int, report *Report) error {
	before, _, err := b.looks(ctx)
	if err != nil {
		return err
	}
	if _, err := b.quiet(ctx); err != nil {
		return err
	}
	result := &Result{Scenario: "nothing", Revisions: n}
	m, err := b.startMeter()
	if err != nil {
		return err
	}
	if err := b.ApplyYAML(ctx, configThatDoesNot); err != nil {
		return err
	}
	// Not by asking, which costs more than the looks do.
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(n)*time.Second/looksASecond + time.Second):
	}
	if err := m.stop(ctx, result); err != nil {
		return err
	}
	// The two questions are in there.
	result.Memory = Memory{}
	tell("global, nothing to change: %.2f s of CPU, %d writes", result.CPU, result.Writes)
	report.add(result)
	return b.confirmLooks(ctx, before+float64(n))
}

// globalFloor patches all ScaledObjects straight.
func (b *bed) globalFloor(ctx context.Context, result *Result) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := b.openWatches(ctx); err != nil {
		return err
	}
	wait, err := b.watchInterval(ctx, floorPollingInterval, result.Revisions)
	if err != nil {
		return err
	}
	begin := time.Now()
	err = inParallel(ctx, result.Revisions, b.workers, func(ctx context.Context, i int) error {
		return patch(ctx, b.programOf(gvr.so), name(i), fields{"spec": fields{"pollingInterval": floorPollingInterval}})
	})
	if err != nil {
		return err
	}
	err = wait()
	result.Floors = append(result.Floors, time.Since(begin).Seconds())
	return err
}
