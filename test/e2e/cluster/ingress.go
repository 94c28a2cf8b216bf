package cluster

import (
	"context"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// startIngressStandIn stands in for a networking layer: it says of every
// Knative Ingress that it is ready, so that Routes and Services become ready.
// This is the only thing here that is not the real one.
func (c *Cluster) startIngressStandIn(ctx context.Context) error {
	informers := dynamicinformer.NewDynamicSharedInformerFactory(c.Dynamic, 10*time.Second)
	informer := informers.ForResource(Ingresses).Informer()
	handle := func(object any) {
		if ingress, ok := object.(*unstructured.Unstructured); ok {
			c.markIngressReady(ctx, ingress)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    handle,
		UpdateFunc: func(_, object any) { handle(object) },
	})
	informers.Start(ctx.Done())
	return err
}

func (c *Cluster) markIngressReady(ctx context.Context, ingress *unstructured.Unstructured) {
	if ingress.GetDeletionTimestamp() != nil {
		return
	}
	balancer := map[string]any{"ingress": []any{
		map[string]any{"domainInternal": "gateway." + SystemNamespace + ".svc.cluster.local"},
	}}
	ready := ingress.DeepCopy()
	ready.Object["status"] = map[string]any{
		"observedGeneration":  ingress.GetGeneration(),
		"publicLoadBalancer":  balancer,
		"privateLoadBalancer": balancer,
	}
	var conditions []any
	for _, kind := range []string{"LoadBalancerReady", "NetworkConfigured", "Ready"} {
		conditions = append(conditions, map[string]any{
			"type": kind, "status": "True",
			// Fixed, so that a second look finds nothing to write.
			"lastTransitionTime": ingress.GetCreationTimestamp().UTC().Format(time.RFC3339),
		})
	}
	ready.Object["status"].(map[string]any)["conditions"] = conditions
	if reflect.DeepEqual(ready.Object["status"], ingress.Object["status"]) {
		return
	}
	_, err := c.Dynamic.Resource(Ingresses).Namespace(ingress.GetNamespace()).
		UpdateStatus(ctx, ready, metav1.UpdateOptions{})
	// Whatever fails here is tried again at the informer's next resync.
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		c.options.Progress("ingress %s: %v", ingress.GetName(), err)
	}
}
