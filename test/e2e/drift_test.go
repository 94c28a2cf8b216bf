package e2e

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// A ScaledObject that somebody deletes comes back; the Revision stays Ready.
func TestScaledObjectDeleted(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	c.waitReady("app-00001")
	c.staysReady("app-00001")
	before := c.must(cluster.ScaledObjects, "app-00001")
	err := c.Dynamic.Resource(cluster.ScaledObjects).Namespace(c.namespace).
		Delete(c.Context(), "app-00001", metav1.DeleteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The old HPA goes first: by the garbage collector, which takes half a
	// minute to learn of CRDs that are as new as those of this cluster.
	c.eventually(60*time.Second, "a new ScaledObject and its HPA", func(ctx context.Context) error {
		so, err := c.get(ctx, cluster.ScaledObjects, "app-00001")
		if err != nil {
			return err
		}
		if so.GetUID() == before.GetUID() {
			return fmt.Errorf("still the old one")
		}
		hpa, err := c.get(ctx, cluster.HPAs, "app-00001")
		if err != nil {
			return err
		}
		if owner := metav1.GetControllerOf(hpa); owner == nil || owner.UID != so.GetUID() {
			return fmt.Errorf("the HPA's owner is %v, want %s", owner, so.GetUID())
		}
		return nil
	})
	after := c.must(cluster.ScaledObjects, "app-00001")
	if have, want := normal(after.Object["spec"]), normal(before.Object["spec"]); !reflect.DeepEqual(have, want) {
		t.Errorf("the new one's spec is %v, want %v", have, want)
	}
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, "app-00001", "Ready", "True", "")
}

// What somebody changes in a ScaledObject is put right.
func TestScaledObjectEdited(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	c.waitReady("app-00001")
	c.staysReady("app-00001")
	before := c.must(cluster.ScaledObjects, "app-00001")
	for what, patch := range map[string]map[string]any{
		"a value changed":    {"spec": map[string]any{"maxReplicaCount": int64(77)}},
		"a field added":      {"spec": map[string]any{"cooldownPeriod": int64(7)}},
		"a field removed":    {"spec": map[string]any{"pollingInterval": nil}},
		"a label removed":    {"metadata": map[string]any{"labels": map[string]any{"serving.knative.dev/service": nil}}},
		"a label changed":    {"metadata": map[string]any{"labels": map[string]any{"serving.knative.dev/revision": "other"}}},
		"the class removed":  {"metadata": map[string]any{"annotations": map[string]any{prefix + "class": nil}}},
		"a trigger replaced": {"spec": map[string]any{"triggers": []any{map[string]any{"type": "cron", "metadata": map[string]any{"start": "0 0 1 1 *", "end": "0 0 2 1 *", "timezone": "UTC", "desiredReplicas": "1"}}}}},
	} {
		c.mergePatch(cluster.ScaledObjects, "app-00001", patch)
		c.eventually(10*time.Second, what+": put right", func(ctx context.Context) error {
			after, err := c.get(ctx, cluster.ScaledObjects, "app-00001")
			if err != nil {
				return err
			}
			return sameScaledObject(after, before)
		})
	}
	if after := c.must(cluster.ScaledObjects, "app-00001"); after.GetUID() != before.GetUID() {
		t.Errorf("the ScaledObject was made anew")
	}
}

func sameScaledObject(have, want *unstructured.Unstructured) error {
	for what, pair := range map[string][2]any{
		"spec":        {normal(have.Object["spec"]), normal(want.Object["spec"])},
		"labels":      {have.GetLabels(), want.GetLabels()},
		"annotations": {have.GetAnnotations(), want.GetAnnotations()},
		"owners":      {have.GetOwnerReferences(), want.GetOwnerReferences()},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			return fmt.Errorf("%s: %v, want %v", what, pair[0], pair[1])
		}
	}
	return nil
}

const foreign = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: %[1]s}
spec:
  replicas: 1
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: app, image: ko.local/app}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: app-00001, namespace: %[1]s, labels: {whose: somebody-else}}
spec:
  scaleTargetRef: {name: other}
  minReplicaCount: 1
  triggers:
  - {type: cron, metadata: {start: 0 0 1 1 *, end: 0 0 2 1 *, timezone: UTC, desiredReplicas: "1"}}
`

// A ScaledObject of the name that we need, but not ours: told, not touched.
func TestForeignScaledObject(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	if err := c.ApplyYAML(t.Context(), fmt.Sprintf(foreign, c.namespace)); err != nil {
		t.Fatal(err)
	}
	// KEDA has its say first, so that what changes later is not KEDA's.
	c.waitCondition(30*time.Second, cluster.ScaledObjects, "app-00001", "Ready", "True", "")
	before := c.must(cluster.ScaledObjects, "app-00001")

	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	active := c.waitCondition(60*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "False", "NotOwned")
	c.wantText("Active", active.Message, `There is an existing ScaledObject "app-00001" that we do not own.`)
	c.wantTold(20*time.Second, "NotOwned", "app", "app-00001", "app-00001")
	after := c.must(cluster.ScaledObjects, "app-00001")
	if err := sameScaledObject(after, before); err != nil || after.GetUID() != before.GetUID() {
		t.Errorf("the foreign ScaledObject was touched: %v", err)
	}

	if err := c.Dynamic.Resource(cluster.ScaledObjects).Namespace(c.namespace).
		Delete(t.Context(), "app-00001", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.waitCondition(60*time.Second, cluster.PodAutoscalers, "app-00001", "Ready", "True", "")
	c.waitReady("app-00001")
}
