package main

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"autoscaler-keda-hpa/e2e/cluster"
)

const namespace = "bench"

type fields = map[string]any

const (
	classAnnotation = "autoscaling.knative.dev/class"
	ourClass        = "hpa.autoscaling.knative.dev"
	floorClass      = "kpa.autoscaling.knative.dev" // the program passes it over
)

func now() string { return time.Now().UTC().Format(time.RFC3339) }

func name(i int) string { return fmt.Sprintf("app-%05d-00001", i) }

// podAutoscaler is as Knative makes one for a ksvc with a Prometheus query.
func podAutoscaler(i int) *unstructured.Unstructured {
	service := fmt.Sprintf("app-%05d", i)
	return &unstructured.Unstructured{Object: fields{
		"apiVersion": "autoscaling.internal.knative.dev/v1alpha1",
		"kind":       "PodAutoscaler",
		"metadata": fields{
			"name": name(i), "namespace": namespace,
			"labels": fields{
				"app":                                  name(i),
				"serving.knative.dev/configuration":    service,
				"serving.knative.dev/configurationUID": fmt.Sprintf("3d1f6c1e-0000-4000-8000-%012d", i),
				"serving.knative.dev/revision":         name(i),
				"serving.knative.dev/revisionUID":      fmt.Sprintf("5b2b3b0a-0000-4000-8000-%012d", i),
				"serving.knative.dev/service":          service,
				"serving.knative.dev/serviceUID":       fmt.Sprintf("9c0e7a55-0000-4000-8000-%012d", i),
			},
			"annotations": fields{
				"autoscaling.knative.dev/class":            "hpa.autoscaling.knative.dev",
				"autoscaling.knative.dev/metric":           "requests",
				"autoscaling.knative.dev/min-scale":        "1",
				"autoscaling.knative.dev/max-scale":        "10",
				"autoscaling.knative.dev/target":           "5",
				"autoscaling.knative.dev/prometheus-query": `sum(rate(http_requests_total{revision="{{ .revisionName }}"}[1m]))`,
			},
		},
		"spec": fields{
			"protocolType": "http1", "reachability": "Reachable", "containerConcurrency": int64(0),
			"scaleTargetRef": fields{"apiVersion": "apps/v1", "kind": "Deployment", "name": name(i) + "-deployment"},
		},
	}}
}

func ownedBy(owner *unstructured.Unstructured) []any {
	return []any{fields{
		"apiVersion": owner.GetAPIVersion(), "kind": owner.GetKind(), "name": owner.GetName(),
		"uid": string(owner.GetUID()), "controller": true, "blockOwnerDeletion": true,
	}}
}

// hpa is as KEDA makes one of a ScaledObject.
func hpa(so *unstructured.Unstructured) *unstructured.Unstructured {
	target, _, _ := unstructured.NestedString(so.Object, "spec", "scaleTargetRef", "name")
	return &unstructured.Unstructured{Object: fields{
		"apiVersion": "autoscaling/v2",
		"kind":       "HorizontalPodAutoscaler",
		"metadata": fields{
			"name": so.GetName(), "namespace": so.GetNamespace(),
			"annotations":     fields{"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev"},
			"ownerReferences": ownedBy(so),
		},
		"spec": fields{
			"minReplicas": int64(1), "maxReplicas": int64(10),
			"scaleTargetRef": fields{"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
			"metrics": []any{fields{
				"type": "External",
				"external": fields{
					"metric": fields{"name": "s0-prometheus"},
					"target": fields{"type": "AverageValue", "averageValue": "5"},
				},
			}},
		},
	}}
}

func hpaStatus() fields {
	condition := func(kind, reason string) fields {
		return fields{"type": kind, "status": "True", "reason": reason, "message": "-", "lastTransitionTime": now()}
	}
	return fields{"status": fields{
		"currentReplicas": int64(1), "desiredReplicas": int64(1),
		"conditions": []any{condition("AbleToScale", "ReadyForNewScale"), condition("ScalingActive", "ValidMetricFound")},
	}}
}

func sksStatus(sks *unstructured.Unstructured) fields {
	ready := func(kind string) fields {
		return fields{"type": kind, "status": "True", "lastTransitionTime": now()}
	}
	return fields{"status": fields{
		"observedGeneration": sks.GetGeneration(),
		"serviceName":        sks.GetName(), "privateServiceName": sks.GetName() + "-private",
		"conditions": []any{ready("EndpointsPopulated"), ready("Ready")},
	}}
}

// gvr names what the benchmark writes.
var gvr = struct{ pa, sks, so, hpa schema.GroupVersionResource }{
	cluster.PodAutoscalers, cluster.ServerlessServices, cluster.ScaledObjects, cluster.HPAs,
}
