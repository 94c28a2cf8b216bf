package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// wantTold waits for the Warning on the PodAutoscaler, and then wants it on
// the Revision and the Service too, where people look.
func (c *testCase) wantTold(limit time.Duration, reason, app, revision string, parts ...string) {
	c.Helper()
	message := c.waitEvent(limit, "PodAutoscaler", revision, "Warning", reason)
	c.wantText("event "+reason, message, parts...)
	c.waitEvent(10*time.Second, "Revision", revision, "Warning", reason)
	c.waitEvent(10*time.Second, "Service", app, "Warning", reason)
}

// wantNoScaledObject fails the test if there is one of that name.
func (c *testCase) wantNoScaledObject(name string) {
	c.Helper()
	if _, err := c.get(c.Context(), cluster.ScaledObjects, name); !apierrors.IsNotFound(err) {
		c.Errorf("ScaledObject %s: want it not found, have %v", name, err)
	}
}

// A dead Prometheus must not hold back a revision whose pods run.
func TestPrometheusUnreachable(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	// Port 1 of loopback: the connection is refused at once.
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "prometheus-address": "http://127.0.0.1:1",
	})})
	c.waitReady("app-00001")
	c.staysReady("app-00001")
	c.waitCondition(20*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "True", "")
	c.wantTold(150*time.Second, "ScalingDegraded", "app", "app-00001")
	if text := c.metrics(); strings.Contains(text, "\nautoscaler_keda_hpa_scaling_degraded 0\n") ||
		!strings.Contains(text, "\nautoscaler_keda_hpa_scaling_degraded ") {
		t.Error("the metric of degraded revisions does not count it")
	}
	c.waitCondition(time.Second, cluster.PodAutoscalers, "app-00001", "Active", "True", "")
}

// An annotation that only we can judge. Mended on the Revision itself.
func TestRefusedAnnotation(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "metric-type": "Foo",
	})})
	active := c.waitCondition(60*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "False", "InvalidAnnotation")
	c.wantText("Active", active.Message, prefix+"metric-type", "Foo")
	c.wantTold(20*time.Second, "InvalidAnnotation", "app", "app-00001", prefix+"metric-type", "Foo")
	c.wantNoScaledObject("app-00001")
	c.waitCondition(20*time.Second, cluster.Revisions, "app-00001", "Active", "False", "InvalidAnnotation")
	// The SKS is kept even so: without it the Revision would never say why.
	c.must(cluster.ServerlessServices, "app-00001")

	c.annotate("app-00001", map[string]any{"metric-type": "Value"})
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, "app-00001", "Ready", "True", "")
	c.waitReady("app-00001")
}

// KEDA's webhook refuses a cpu trigger beside a container without a cpu
// request. Mended as people do: by deploying the Service anew.
func TestRefusedByKEDA(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	app := service{name: "app", noRequests: true, annotations: map[string]string{"target": "80"}}
	c.deploy(app)
	active := c.waitCondition(60*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "False", "ScaledObjectRejected")
	c.wantText("Active", active.Message, "doesn't have the cpu request defined")
	c.wantTold(20*time.Second, "ScaledObjectRejected", "app", "app-00001", "doesn't have the cpu request defined")
	c.wantNoScaledObject("app-00001")

	app.noRequests = false
	c.deploy(app)
	c.waitReady("app-00002")
	c.waitCondition(30*time.Second, cluster.Services, "app", "Ready", "True", "")
}

// A field that the installed KEDA does not know is refused by the API server
// and not dropped in silence. Changes a CRD, so it runs beside no other test.
func TestUnknownField(t *testing.T) {
	w := sharedWorld(t)
	c := newCase(t, w)
	c.setMetric(5)
	restore := c.hideField("initialCooldownPeriod")
	defer restore()
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "keda-initial-cooldown-period": "5",
	})})
	active := c.waitCondition(60*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "False", "ScaledObjectRejected")
	c.wantText("Active", active.Message, `unknown field "spec.initialCooldownPeriod"`)
	c.wantTold(20*time.Second, "ScaledObjectRejected", "app", "app-00001", `unknown field "spec.initialCooldownPeriod"`)
	c.wantNoScaledObject("app-00001")

	c.annotate("app-00001", map[string]any{"keda-initial-cooldown-period": nil})
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, "app-00001", "Ready", "True", "")
	c.waitReady("app-00001")
}

// hideField makes KEDA's CRD one of an older KEDA, which lacks a field of
// spec. The function that it returns undoes it.
func (c *testCase) hideField(field string) func() {
	c.Helper()
	change := func(ctx context.Context, edit func(map[string]any)) error {
		crds := c.Dynamic.Resource(cluster.CRDs)
		return cluster.Poll(ctx, 30*time.Second, "changing KEDA's CRD", func(ctx context.Context) error {
			crd, err := crds.Get(ctx, "scaledobjects.keda.sh", metav1.GetOptions{})
			if err != nil {
				return err
			}
			versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
			version := versions[0].(map[string]any)
			path := []string{"schema", "openAPIV3Schema", "properties", "spec", "properties"}
			properties, _, _ := unstructured.NestedMap(version, path...)
			edit(properties)
			_ = unstructured.SetNestedMap(version, properties, path...)
			_ = unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions")
			_, err = crds.Update(ctx, crd, metav1.UpdateOptions{})
			return err
		})
	}
	var hidden any
	if err := change(c.Context(), func(properties map[string]any) {
		hidden = properties[field]
		delete(properties, field)
	}); err != nil {
		c.Fatal(err)
	}
	restore := func() {
		ctx := context.Background()
		if err := change(ctx, func(properties map[string]any) { properties[field] = hidden }); err != nil {
			c.Error(err)
		}
		c.waitStrict(ctx, field, true)
	}
	c.waitStrict(c.Context(), field, false)
	return restore
}

// waitStrict waits until the API server goes by the changed CRD, which it
// does a moment after having taken it.
func (c *testCase) waitStrict(ctx context.Context, field string, known bool) {
	c.Helper()
	probe := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
		"metadata": map[string]any{"name": "probe"},
		"spec": map[string]any{
			"scaleTargetRef": map[string]any{"name": "probe"}, field: int64(1),
			"triggers": []any{map[string]any{"type": "cron", "metadata": map[string]any{"start": "0 0 1 1 *"}}},
		},
	}}
	err := cluster.Poll(ctx, 30*time.Second, "the changed CRD to be in force", func(ctx context.Context) error {
		_, err := c.Dynamic.Resource(cluster.ScaledObjects).Namespace(c.namespace).Create(ctx, probe,
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
		// Known, it gets as far as KEDA's webhook, which misses the Deployment.
		if refused := apierrors.IsBadRequest(err); refused == known {
			return fmt.Errorf("the probe was answered: %v", err)
		}
		return nil
	})
	if err != nil {
		c.Error(err)
	}
}
