package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The kinds that the tests look at.
var (
	ScaledObjects      = schema.GroupVersionResource{Group: "keda.sh", Version: "v1alpha1", Resource: "scaledobjects"}
	PodAutoscalers     = schema.GroupVersionResource{Group: "autoscaling.internal.knative.dev", Version: "v1alpha1", Resource: "podautoscalers"}
	ServerlessServices = schema.GroupVersionResource{Group: "networking.internal.knative.dev", Version: "v1alpha1", Resource: "serverlessservices"}
	Ingresses          = schema.GroupVersionResource{Group: "networking.internal.knative.dev", Version: "v1alpha1", Resource: "ingresses"}
	Services           = schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}
	Revisions          = schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "revisions"}
	HPAs               = schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}
	Deployments        = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	Events             = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	Namespaces         = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	ConfigMaps         = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	CRDs               = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	apiServices        = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
)

// Condition is one entry of status.conditions.
type Condition struct{ Status, Reason, Message string }

// ConditionOf reads a condition; a missing one reads as the zero value.
func ConditionOf(object *unstructured.Unstructured, kind string) Condition {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		fields, _ := entry.(map[string]any)
		if fields["type"] != kind {
			continue
		}
		text := func(key string) string { s, _ := fields[key].(string); return s }
		return Condition{text("status"), text("reason"), text("message")}
	}
	return Condition{}
}

// WantCondition is nil if the condition has that status, else says what it has.
func WantCondition(object *unstructured.Unstructured, kind, status string) error {
	have := ConditionOf(object, kind)
	if have.Status == status {
		return nil
	}
	return fmt.Errorf("%s %s: condition %s is %q (%s: %s), want %s",
		object.GetKind(), object.GetName(), kind, have.Status, have.Reason, have.Message, status)
}

// Poll calls check until it returns nil or the time is up, and then reports
// what it last complained of.
func Poll(ctx context.Context, limit time.Duration, what string, check func(context.Context) error) error {
	return PollEvery(ctx, 100*time.Millisecond, limit, what, check)
}

// PollEvery is Poll for what is to be seen soon.
func PollEvery(ctx context.Context, pause, limit time.Duration, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		// The error of a call that the deadline cut short says nothing.
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return fmt.Errorf("stopped waiting for %s: %w", what, last)
			}
			return fmt.Errorf("waited %s for %s: %w", limit, what, last)
		case <-time.After(pause):
		}
	}
}
