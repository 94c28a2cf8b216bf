package main

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// statusWrites a revision: the first tells its service name and what it waits
// for, as soon as each is known; the second that it is ready.
const statusWrites = 2

// inParallel calls do for 0 to count-1 and returns the first error.
func inParallel(ctx context.Context, count, workers int, do func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < count && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// createFloor does the writes of create straight: for each revision one after
// the other, as many revisions at a time as there are workers, and two status
// writes each, with the watches of the program, the stand-in and waitReady open.
func (b *bed) createFloor(ctx context.Context, result *Result) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := b.openWatches(ctx); err != nil {
		return err
	}
	failed := newFailure()
	for _, what := range []schema.GroupVersionResource{gvr.sks, gvr.so, gvr.pa} {
		nothing := func(watch.EventType, *unstructured.Unstructured) {}
		if err := follow(ctx, b.of(what), nothing, failed.tell); err != nil {
			return err
		}
	}
	begin := time.Now()
	if err := inParallel(ctx, result.Revisions, b.workers, b.writeStraight); err != nil {
		return err
	}
	floor := time.Since(begin).Seconds()
	tell("create, %d revisions: floor %.1f s", result.Revisions, floor)
	result.Floors = append(result.Floors, floor)
	return nil
}

func (b *bed) writeStraight(ctx context.Context, i int) error {
	pa, err := b.of(gvr.pa).Create(ctx, podAutoscaler(i), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	sks, err := b.programOf(gvr.sks).Create(ctx, plainSKS(pa), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	so, err := b.programOf(gvr.so).Create(ctx, plainScaledObject(pa), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err := patchStatus(ctx, b.admin, gvr.sks, sks.GetName(), sksStatus(sks)); err != nil {
		return err
	}
	if err := makeHPA(ctx, b.admin, so); err != nil {
		return err
	}
	for n := range statusWrites {
		if err := patchStatus(ctx, b.asProgram, gvr.pa, pa.GetName(), paStatus(n)); err != nil {
			return err
		}
	}
	return nil
}

func plainSKS(pa *unstructured.Unstructured) *unstructured.Unstructured {
	target, _, _ := unstructured.NestedMap(pa.Object, "spec", "scaleTargetRef")
	return &unstructured.Unstructured{Object: fields{
		"apiVersion": "networking.internal.knative.dev/v1alpha1",
		"kind":       "ServerlessService",
		"metadata": fields{
			"name": pa.GetName(), "namespace": namespace, "ownerReferences": ownedBy(pa),
			"labels":      pa.Object["metadata"].(fields)["labels"],
			"annotations": fields{"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev"},
		},
		"spec": fields{"mode": "Serve", "protocolType": "http1", "objectRef": target},
	}}
}

func plainScaledObject(pa *unstructured.Unstructured) *unstructured.Unstructured {
	target, _, _ := unstructured.NestedMap(pa.Object, "spec", "scaleTargetRef")
	return &unstructured.Unstructured{Object: fields{
		"apiVersion": "keda.sh/v1alpha1",
		"kind":       "ScaledObject",
		"metadata": fields{
			"name": pa.GetName(), "namespace": namespace, "ownerReferences": ownedBy(pa),
			"labels":      pa.Object["metadata"].(fields)["labels"],
			"annotations": fields{"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev"},
		},
		"spec": fields{
			"scaleTargetRef": target, "minReplicaCount": int64(1), "maxReplicaCount": int64(10),
			"advanced": fields{"horizontalPodAutoscalerConfig": fields{"name": pa.GetName()}},
			"triggers": triggers(pa.GetName(), 5),
		},
	}}
}

func triggers(revision string, target int) []any {
	return []any{fields{
		"type": "prometheus", "name": "default-trigger-custom", "metricType": "AverageValue",
		"metadata": fields{
			"serverAddress": "http://prometheus-operated.default.svc:9090", "threshold": strconv.Itoa(target),
			"query": "sum(rate(http_requests_total{revision=\"" + revision + "\"}[1m]))", "namespace": namespace,
		},
	}}
}

// paStatus differs with n, so that the API server really writes each.
func paStatus(n int) fields {
	condition := func(kind string) fields {
		return fields{"type": kind, "status": "True", "lastTransitionTime": now()}
	}
	return fields{"status": fields{
		"observedGeneration": int64(1), "serviceName": "s", "metricsServiceName": "m",
		"desiredScale": int64(n), "actualScale": int64(n),
		"conditions": []any{
			condition("Active"), condition("Ready"), condition("SKSReady"), condition("ScaleTargetInitialized"),
		},
	}}
}
