package e2e

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"autoscaler-keda-hpa/e2e/cluster"
)

// A cpu revision: the ScaledObject and the HPA, field by field.
func TestCPU(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.deploy(service{name: "app", annotations: map[string]string{
		"target": "79.5", "min-scale": "2", "max-scale": "5", "window": "30s",
	}})
	c.waitReady("app-00001")
	c.waitCondition(30*time.Second, cluster.Services, "app", "Ready", "True", "")

	pa := c.must(cluster.PodAutoscalers, "app-00001")
	so := c.must(cluster.ScaledObjects, "app-00001")
	c.same("ScaledObject spec", so.Object["spec"], `
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app-00001-deployment}
minReplicaCount: 2
maxReplicaCount: 5
advanced:
  horizontalPodAutoscalerConfig:
    name: app-00001
    behavior:
      scaleUp: {stabilizationWindowSeconds: 30}
      scaleDown: {stabilizationWindowSeconds: 30}
triggers:
- {type: cpu, name: default-trigger-cpu, metricType: Utilization, metadata: {value: "80"}}
`)
	wantLabels := pa.GetLabels()
	wantLabels["scaledobject.keda.sh/name"] = "app-00001"
	if !reflect.DeepEqual(so.GetLabels(), wantLabels) {
		t.Errorf("ScaledObject labels: %v, want %v", so.GetLabels(), wantLabels)
	}
	if want := map[string]string{prefix + "class": class}; !reflect.DeepEqual(so.GetAnnotations(), want) {
		t.Errorf("ScaledObject annotations: %v, want %v", so.GetAnnotations(), want)
	}
	c.wantOwner(so, "autoscaling.internal.knative.dev/v1alpha1", pa)
	c.wantOwner(c.must(cluster.ServerlessServices, "app-00001"), "autoscaling.internal.knative.dev/v1alpha1", pa)
	c.checkCPUAutoscaler(so)
	c.checkRow("app-00001", "apps/v1.Deployment", "app-00001-deployment", "2", "5", "True", "cpu")
}

func (c *testCase) checkCPUAutoscaler(so *unstructured.Unstructured) {
	c.Helper()
	hpa := c.must(cluster.HPAs, "app-00001")
	c.wantOwner(hpa, "keda.sh/v1alpha1", so)
	spec := hpa.Object["spec"].(map[string]any)
	// Policies are Kubernetes' defaults: not our matter.
	delete(spec, "behavior")
	c.same("HPA spec", spec, `
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app-00001-deployment}
minReplicas: 2
maxReplicas: 5
metrics:
- type: Resource
  resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}
`)
	if got := hpa.GetLabels()["serving.knative.dev/service"]; got != "app" {
		c.Errorf("HPA label serving.knative.dev/service is %q", got)
	}
}

// checkRow looks for the values, in this order, in the row that kubectl
// shows of a ScaledObject.
func (c *testCase) checkRow(values ...string) {
	c.Helper()
	c.eventually(20*time.Second, "the row of kubectl get scaledobjects", func(context.Context) error {
		table := c.kubectl("get", "scaledobjects")
		lines := strings.Split(strings.TrimSpace(table), "\n")
		if len(lines) != 2 {
			return fmt.Errorf("want one row:\n%s", table)
		}
		row := strings.Fields(lines[1])
		for _, value := range values {
			for len(row) > 0 && row[0] != value {
				row = row[1:]
			}
			if len(row) == 0 {
				return fmt.Errorf("want %q in\n%s", value, table)
			}
		}
		return nil
	})
}

// same compares a value with YAML, both in normal form.
func (c *testCase) same(what string, have any, want string) {
	c.Helper()
	var wanted any
	if err := yaml.Unmarshal([]byte(want), &wanted); err != nil {
		c.Fatal(err)
	}
	// Through YAML once, so that numbers are of one type on both sides.
	text := func(value any) string {
		out, err := yaml.Marshal(normal(value))
		if err != nil {
			c.Fatal(err)
		}
		return string(out)
	}
	if text(have) != text(wanted) {
		c.Errorf("%s is\n%s\nwant\n%s", what, text(have), text(wanted))
	}
}

func (c *testCase) wantOwner(object *unstructured.Unstructured, apiVersion string, owner *unstructured.Unstructured) {
	c.Helper()
	yes := true
	want := []metav1.OwnerReference{{
		APIVersion: apiVersion, Kind: owner.GetKind(), Name: owner.GetName(), UID: owner.GetUID(),
		Controller: &yes, BlockOwnerDeletion: &yes,
	}}
	if have := object.GetOwnerReferences(); !reflect.DeepEqual(have, want) {
		c.Errorf("%s's owners are %+v, want %+v", object.GetKind(), have, want)
	}
}

// A custom metric on a real Prometheus: up, down and up again.
func TestCustomMetric(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	c.waitReady("app-00001")
	c.staysReady("app-00001")
	c.setMetric(20)
	c.waitReplicas(90*time.Second, "app-00001", 10)
	c.setMetric(0)
	c.waitReplicas(90*time.Second, "app-00001", 1)
	c.setMetric(20)
	c.waitReplicas(90*time.Second, "app-00001", 10)
	c.eventually(20*time.Second, "the PodAutoscaler to tell the scale", func(ctx context.Context) error {
		pa, err := c.get(ctx, cluster.PodAutoscalers, "app-00001")
		if err != nil {
			return err
		}
		desired, _, _ := unstructured.NestedInt64(pa.Object, "status", "desiredScale")
		actual, _, _ := unstructured.NestedInt64(pa.Object, "status", "actualScale")
		if desired != 10 || actual != 10 {
			return fmt.Errorf("desiredScale %d, actualScale %d, want 10", desired, actual)
		}
		return nil
	})
}

// To zero and back.
func TestScaleToZero(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(20)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"max-scale": "4", "keda-cooldown-period": "6",
	})})
	c.waitReady("app-00001")
	c.staysReady("app-00001")
	c.waitReplicas(90*time.Second, "app-00001", 4)
	c.setMetric(0)
	c.waitReplicas(90*time.Second, "app-00001", 0)
	active := c.waitCondition(30*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "False", "NoTraffic")
	c.wantText("Active", active.Message, "The target is not receiving traffic.")
	c.setMetric(20)
	c.waitReplicas(90*time.Second, "app-00001", 4)
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "True", "")
}

// Nothing to do from the start: first ready, then held warm, then zero.
func TestWarmHold(t *testing.T) {
	const hold = 25 * time.Second
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(0)
	var lock sync.Mutex
	var zeroAt time.Time
	c.follow(cluster.Deployments, "app-00001-deployment", func(object *unstructured.Unstructured) {
		lock.Lock()
		defer lock.Unlock()
		replicas, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
		if replicas == 0 && zeroAt.IsZero() {
			zeroAt = time.Now()
		}
	})
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"keda-initial-cooldown-period": hold.String(),
	})})
	c.waitReady("app-00001")
	c.staysReady("app-00001")
	initialized := c.transition("app-00001", "ScaleTargetInitialized")
	c.waitReplicas(hold+45*time.Second, "app-00001", 0)
	lock.Lock()
	defer lock.Unlock()
	// Transition times have whole seconds.
	if held := zeroAt.Sub(initialized); held < hold-time.Second {
		t.Errorf("zeroed %.1fs after ScaleTargetInitialized, want at least %s", held.Seconds(), hold)
	}
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "False", "NoTraffic")
}

// transition is when a condition of a PodAutoscaler last changed.
func (c *testCase) transition(name, condition string) time.Time {
	c.Helper()
	conditions, _, _ := unstructured.NestedSlice(c.must(cluster.PodAutoscalers, name).Object, "status", "conditions")
	for _, entry := range conditions {
		if fields := entry.(map[string]any); fields["type"] == condition {
			when, err := time.Parse(time.RFC3339, fields["lastTransitionTime"].(string))
			if err != nil {
				c.Fatal(err)
			}
			return when
		}
	}
	c.Fatalf("PodAutoscaler %s has no condition %s", name, condition)
	return time.Time{}
}

// Two revisions whose queries differ by {{ .revisionName }} only.
func TestTwoRevisions(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	for _, revision := range []string{"app-one", "app-two"} {
		c.setMetric(0, "revision", revision)
	}
	app := service{name: "app", revision: "app-one", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "max-scale": "4",
		"prometheus-query": fmt.Sprintf(`sum(raw_scale{namespace=%q,revision="{{ .revisionName }}"})`, c.namespace),
	})}
	c.deploy(app)
	c.waitReady("app-one")
	app.revision = "app-two"
	// Both get traffic: else the older one would be let go.
	app.traffic = []any{
		map[string]any{"revisionName": "app-one", "percent": int64(50)},
		map[string]any{"revisionName": "app-two", "percent": int64(50)},
	}
	c.deploy(app)
	c.waitReady("app-two")
	c.waitCondition(60*time.Second, cluster.Services, "app", "Ready", "True", "")
	c.setMetric(20, "revision", "app-one")
	c.waitReplicas(60*time.Second, "app-one", 4)
	c.waitReplicas(time.Second, "app-two", 1)
	c.setMetric(0, "revision", "app-one")
	c.setMetric(20, "revision", "app-two")
	c.waitReplicas(60*time.Second, "app-two", 4)
	c.waitReplicas(90*time.Second, "app-one", 1)
	c.waitReplicas(time.Second, "app-two", 4)
}
