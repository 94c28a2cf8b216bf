package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"autoscaler-keda-hpa/e2e/cluster"
)

// A revision goes from Knative's autoscaler-hpa to us, and on to another
// class; another one comes from the Go autoscaler-keda. A world of its own: whoever runs autoscaler-hpa stops us everywhere.
func TestHandover(t *testing.T) {
	w, err := startWorld(cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
		w.Cluster.Stop(t.Failed())
	})
	if err := w.program.Stop(); err != nil {
		t.Fatal(err)
	}
	stop, err := w.StartAutoscalerHPA()
	if err != nil {
		t.Fatal(err)
	}
	c := newCase(t, w)
	c.deploy(service{name: "app", annotations: map[string]string{
		"metric": "cpu", "target": "70", "min-scale": "1", "max-scale": "3"}})
	c.waitReady("app-00001")
	pa := c.must(cluster.PodAutoscalers, "app-00001")
	old := c.must(cluster.HPAs, "app-00001")
	if owner := metav1.GetControllerOf(old); owner == nil || owner.UID != pa.GetUID() {
		t.Fatalf("autoscaler-hpa's HPA is controlled by %v", owner)
	}
	c.staysReady("app-00001")
	unwatch := c.neverGoes("app-00001")

	begin := time.Now()
	if err := w.program.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.writesNothing(begin, 15*time.Second)
	// Something to do for whoever is in charge.
	c.annotate("app-00001", map[string]any{"max-scale": "4"})
	c.writesNothing(begin, 15*time.Second)
	c.wantHeld("1")

	if err := stop(); err != nil {
		t.Logf("autoscaler-hpa on SIGTERM: %v", err)
	}
	c.wantTakenOver(old)
	unwatch()
	c.wantHeld("0")
	c.changeClassAway()
	c.adoptGo()
}

// neverGoes fails the test when the HPA of that name is deleted. The returned
// function ends that.
func (c *testCase) neverGoes(name string) func() {
	c.Helper()
	ctx, cancel := context.WithCancel(c.Context())
	client := c.Dynamic.Resource(cluster.HPAs).Namespace(c.namespace)
	version := c.must(cluster.HPAs, name).GetResourceVersion()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			// The server ends watches; the next one goes on where it ended.
			events, err := client.Watch(ctx, metav1.ListOptions{
				FieldSelector: "metadata.name=" + name, ResourceVersion: version})
			if err != nil {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			for event := range events.ResultChan() {
				if ctx.Err() != nil {
					return
				}
				hpa, ok := event.Object.(*unstructured.Unstructured)
				if !ok || event.Type == watch.Deleted || event.Type == watch.Error {
					c.Errorf("there was a moment without an HPA, or nobody looked: %s %v", event.Type, event.Object)
					return
				}
				version = hpa.GetResourceVersion()
			}
		}
	}()
	end := func() { cancel(); <-done }
	c.Cleanup(end)
	return end
}

func (c *testCase) writesNothing(since time.Time, quiet time.Duration) {
	c.Helper()
	time.Sleep(quiet)
	writes, err := c.Audit.WritesSince(since, "")
	if err != nil {
		c.Fatal(err)
	}
	for _, write := range writes {
		if write.ObjectRef.Resource == "leases" {
			continue // its own, which it holds meanwhile
		}
		c.Errorf("a write beside autoscaler-hpa: %s %s (%d)", write.Verb, write.URI, write.ResponseStatus.Code)
	}
}

// wantHeld checks what the program says of itself: its metric, its log, and
// that it is ready all the same.
func (c *testCase) wantHeld(value string) {
	c.Helper()
	c.wantText("metrics", c.metrics(), "\nautoscaler_keda_hpa_autoscaler_hpa_runs "+value+"\n")
	log, err := os.ReadFile(c.program.Log)
	if err != nil {
		c.Fatal(err)
	}
	if count := strings.Count(string(log), "autoscaler-hpa runs"); count != 1 {
		c.Errorf("the log tells %d times that autoscaler-hpa runs", count)
	}
	ready, err := http.Get(c.program.URL + "/readiness")
	if err != nil {
		c.Fatal(err)
	}
	ready.Body.Close()
	if ready.StatusCode != http.StatusOK {
		c.Errorf("readiness: %s", ready.Status)
	}
}

func (c *testCase) wantTakenOver(old *unstructured.Unstructured) {
	c.Helper()
	c.eventually(60*time.Second, "the HPA to be KEDA's", func(ctx context.Context) error {
		so, err := c.get(ctx, cluster.ScaledObjects, "app-00001")
		if err != nil {
			return err
		}
		if so.GetAnnotations()["scaledobject.keda.sh/transfer-hpa-ownership"] != "true" {
			return fmt.Errorf("the ScaledObject's annotations are %v", so.GetAnnotations())
		}
		hpa, err := c.get(ctx, cluster.HPAs, "app-00001")
		if err != nil {
			return err
		}
		if owner := metav1.GetControllerOf(hpa); owner == nil || owner.UID != so.GetUID() {
			return fmt.Errorf("the HPA is controlled by %v", owner)
		}
		if hpa.GetUID() != old.GetUID() {
			return fmt.Errorf("it is not the HPA that was there")
		}
		most, _, _ := unstructured.NestedInt64(hpa.Object, "spec", "maxReplicas")
		if most != 4 {
			return fmt.Errorf("its maxReplicas is %d, want 4", most)
		}
		return nil
	})
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, "app-00001", "Ready", "True", "")
	c.waitQuiet(10*time.Second, 60*time.Second)
}

// changeClassAway makes the revision Knative's own autoscaler's.
func (c *testCase) changeClassAway() {
	c.Helper()
	sks := c.must(cluster.ServerlessServices, "app-00001")
	begin := time.Now()
	c.annotate("app-00001", map[string]any{"class": "kpa.autoscaling.knative.dev", "metric": "concurrency"})
	c.eventually(60*time.Second, "no ScaledObject once the class is another", func(ctx context.Context) error {
		_, err := c.get(ctx, cluster.ScaledObjects, "app-00001")
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there (%v)", err)
	})
	if after := c.must(cluster.ServerlessServices, "app-00001"); after.GetUID() != sks.GetUID() || after.GetDeletionTimestamp() != nil {
		c.Errorf("the ServerlessService went")
	}
	time.Sleep(3 * time.Second)
	writes, err := c.Audit.WritesSince(begin, c.namespace)
	if err != nil {
		c.Fatal(err)
	}
	if len(writes) == 0 {
		c.Error("who deleted the ScaledObject?")
	}
	for _, write := range writes {
		if write.Verb != "delete" || write.ObjectRef.Resource != "scaledobjects" {
			c.Errorf("after the class changed: %s %s", write.Verb, write.URI)
		}
	}
}

// goScaledObject is what the Go autoscaler-keda makes: all annotations of the
// PodAutoscaler copied, none of those that it does not know applied.
const goScaledObject = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: go-00001
  namespace: %[1]s
  annotations:
    autoscaling.knative.dev/class: hpa.autoscaling.knative.dev
    autoscaling.knative.dev/metric: raw_scale
    autoscaling.knative.dev/target: "5"
    autoscaling.knative.dev/min-scale: "1"
    autoscaling.knative.dev/max-scale: "10"
    serving.knative.dev/creator: admin
  ownerReferences:
  - {apiVersion: autoscaling.internal.knative.dev/v1alpha1, kind: PodAutoscaler, name: go-00001,
     uid: %[2]s, controller: true, blockOwnerDeletion: true}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: go-00001-deployment}
  minReplicaCount: 1
  maxReplicaCount: 10
  advanced:
    horizontalPodAutoscalerConfig: {name: go-00001}
    scalingModifiers: {}
  triggers:
  - type: prometheus
    name: default-trigger-custom
    metricType: Value
    metadata:
      serverAddress: %[3]s
      query: sum(raw_scale{namespace="%[1]s"})
      threshold: "5"
      namespace: %[1]s
`

// adoptGo checks that a ScaledObject of the Go controller's becomes ours in
// place, and so does its HPA.
func (c *testCase) adoptGo() {
	c.Helper()
	if err := c.program.Stop(); err != nil {
		c.Fatal(err)
	}
	c.setMetric(5)
	c.deploy(service{name: "go", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	var pa *unstructured.Unstructured
	c.eventually(30*time.Second, "the PodAutoscaler", func(ctx context.Context) (err error) {
		pa, err = c.get(ctx, cluster.PodAutoscalers, "go-00001")
		return err
	})
	if err := c.ApplyYAML(c.Context(), fmt.Sprintf(goScaledObject, c.namespace, pa.GetUID(), c.PrometheusURL)); err != nil {
		c.Fatal(err)
	}
	var hpa *unstructured.Unstructured
	c.eventually(60*time.Second, "KEDA's HPA", func(ctx context.Context) (err error) {
		hpa, err = c.get(ctx, cluster.HPAs, "go-00001")
		return err
	})
	before := c.must(cluster.ScaledObjects, "go-00001")
	unwatch := c.neverGoes("go-00001")
	if err := c.program.Start(c.Context()); err != nil {
		c.Fatal(err)
	}
	c.waitReady("go-00001")
	c.waitQuiet(5*time.Second, 60*time.Second)
	unwatch()
	after := c.must(cluster.ScaledObjects, "go-00001")
	if after.GetUID() != before.GetUID() || c.must(cluster.HPAs, "go-00001").GetUID() != hpa.GetUID() {
		c.Error("the ScaledObject or its HPA was made anew")
	}
	for name, value := range before.GetAnnotations() {
		if after.GetAnnotations()[name] != value {
			c.Errorf("annotation %s is %q, was %q", name, after.GetAnnotations()[name], value)
		}
	}
	spec := after.Object["spec"].(map[string]any)
	if !reflect.DeepEqual(spec["triggers"], before.Object["spec"].(map[string]any)["triggers"]) {
		c.Errorf("triggers are %v", spec["triggers"])
	}
	if spec["pollingInterval"] != int64(2) {
		c.Errorf("pollingInterval is %v, want 2", spec["pollingInterval"])
	}
}
