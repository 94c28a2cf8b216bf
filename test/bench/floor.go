package main

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"autoscaler-keda-hpa/e2e/cluster"
)

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

// openWatches opens the watches that the program, the stand-in and waitReady
// have open, and drops what they bring: serving them is a cost of the API
// server's that the floor must bear too.
func openWatches(ctx context.Context, client dynamic.Interface) error {
	for _, what := range []schema.GroupVersionResource{
		gvr.pa, gvr.sks, gvr.so, gvr.hpa, // the program
		gvr.sks, gvr.so, // the stand-in
		gvr.pa, // waitReady
	} {
		stream, err := client.Resource(what).Watch(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		go func() {
			for range stream.ResultChan() {
			}
		}()
	}
	return nil
}

// measureFloor does the same writes straight: for each revision one after the
// other, as many revisions at a time as there are workers, and as many status
// writes as the program made, with the same watches open.
func measureFloor(ctx context.Context, c *cluster.Cluster, result *Result) error {
	client, err := unlimited(c)
	if err != nil {
		return err
	}
	if err := prepareNamespace(ctx, client); err != nil {
		return err
	}
	if err := openWatches(ctx, client); err != nil {
		return err
	}
	statuses := max(1, int(math.Round(result.Statuses)))
	begin := time.Now()
	err = inParallel(ctx, result.Revisions, result.Workers, func(ctx context.Context, i int) error {
		return writeStraight(ctx, client, i, statuses)
	})
	result.Floor = time.Since(begin).Seconds()
	return err
}

func writeStraight(ctx context.Context, client dynamic.Interface, i, statuses int) error {
	pa, err := client.Resource(gvr.pa).Namespace(namespace).Create(ctx, podAutoscaler(i), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	sks, err := client.Resource(gvr.sks).Namespace(namespace).Create(ctx, plainSKS(pa), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	so, err := client.Resource(gvr.so).Namespace(namespace).Create(ctx, plainScaledObject(pa), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err := patchStatus(ctx, client, gvr.sks, sks.GetName(), sksStatus(sks)); err != nil {
		return err
	}
	if err := makeHPA(ctx, client, so); err != nil {
		return err
	}
	for n := range statuses {
		if err := patchStatus(ctx, client, gvr.pa, pa.GetName(), paStatus(n)); err != nil {
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
			"triggers": []any{fields{
				"type": "prometheus", "name": "default-trigger-custom", "metricType": "AverageValue",
				"metadata": fields{
					"serverAddress": "http://prometheus-operated.default.svc:9090", "threshold": "5",
					"query": "sum(rate(http_requests_total{revision=\"" + pa.GetName() + "\"}[1m]))", "namespace": namespace,
				},
			}},
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
