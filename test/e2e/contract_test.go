package e2e

// Rows of the status table that need KEDA's own say: triggers that it cannot
// build, pauses, ScaledObjects that people bring themselves.

import (
	"context"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// The Secret that it speaks of is not there.
const pubsubAuthentication = `
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: pubsub, namespace: %s}
spec:
  secretTargetRef:
  - {parameter: GoogleApplicationCredentials, name: pubsub, key: credentials.json}
`

// A Pub/Sub worker without credentials: KEDA's own words reach the condition
// at once, and the Service when two minutes have not helped.
func TestPubSub(t *testing.T) {
	const words = "google application credentials not found"
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	if err := c.ApplyYAML(t.Context(), fmt.Sprintf(pubsubAuthentication, c.namespace)); err != nil {
		t.Fatal(err)
	}
	c.deploy(service{name: "worker", annotations: map[string]string{
		"min-scale": "0", "max-scale": "10",
		"keda-triggers": `
- type: gcp-pubsub
  metadata:
    subscriptionName: projects/demo/subscriptions/{{ .serviceName }}
    value: "20"
  authenticationRef: {name: pubsub}
`,
	}})
	c.waitActive(60*time.Second, "worker-00001", "Unknown", "WaitingForHPA", "ScaledObjectCheckFailed", words)
	c.same("triggers", c.triggers("worker-00001"), `
- type: gcp-pubsub
  metadata: {subscriptionName: projects/demo/subscriptions/worker, value: "20"}
  authenticationRef: {name: pubsub}
`)
	told := c.waitEvent(60*time.Second, "PodAutoscaler", "worker-00001", "Normal", "WaitingForHPA")
	c.wantText("event WaitingForHPA", told, words)

	c.waitActive(140*time.Second, "worker-00001", "False", "ScaledObjectNotReady", words)
	c.wantTold(20*time.Second, "ScaledObjectNotReady", "worker", "worker-00001", words)
	active := c.waitCondition(20*time.Second, cluster.Revisions, "worker-00001", "Active", "False", "ScaledObjectNotReady")
	c.wantText("the Revision's Active", active.Message, words)

	c.setMetric(0)
	c.annotate("worker-00001", map[string]any{"keda-triggers": fmt.Sprintf(`
- type: prometheus
  metadata: {serverAddress: %s, query: 'sum(raw_scale{namespace="{{ .namespace }}"})', threshold: "5"}
`, c.PrometheusURL)})
	c.waitReady("worker-00001")
}

// triggers are those of a ScaledObject, without the kind of authentication
// that KEDA's CRD adds.
func (c *testCase) triggers(name string) []any {
	c.Helper()
	triggers, _, _ := unstructured.NestedSlice(c.must(cluster.ScaledObjects, name).Object, "spec", "triggers")
	for _, trigger := range triggers {
		reference, _, _ := unstructured.NestedMap(trigger.(map[string]any), "authenticationRef")
		if reference["kind"] == "TriggerAuthentication" {
			unstructured.RemoveNestedField(trigger.(map[string]any), "authenticationRef", "kind")
		}
	}
	return triggers
}

// Brokers that nobody can reach: KEDA's webhook and the API server take the
// triggers, KEDA says what it misses, and the pods wait warm.
func TestBrokers(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	for name, trigger := range map[string]string{
		"kafka": `
- type: kafka
  name: lag
  metadata:
    bootstrapServers: 127.0.0.1:1
    consumerGroup: "{{ .configurationName }}"
    topic: orders
    lagThreshold: "50"
`,
		"rabbitmq": `
- type: rabbitmq
  metricType: AverageValue
  metadata: {host: "amqp://guest:guest@127.0.0.1:1/", queueName: orders, mode: QueueLength, value: "20"}
`,
	} {
		c.deploy(service{name: name, annotations: map[string]string{"max-scale": "10", "keda-triggers": trigger}})
	}
	c.waitActive(60*time.Second, "kafka-00001", "Unknown", "WaitingForHPA", "kafka")
	c.same("triggers", c.triggers("kafka-00001"), `
- type: kafka
  name: lag
  metadata: {bootstrapServers: "127.0.0.1:1", consumerGroup: kafka, topic: orders, lagThreshold: "50"}
`)
	c.waitActive(60*time.Second, "rabbitmq-00001", "Unknown", "WaitingForHPA", "RabbitMQ")
	c.same("triggers", c.triggers("rabbitmq-00001"), `
- type: rabbitmq
  metricType: AverageValue
  metadata: {host: "amqp://guest:guest@127.0.0.1:1/", queueName: orders, mode: QueueLength, value: "20"}
`)
	c.waitReplicas(30*time.Second, "kafka-00001", 1)
	c.waitReplicas(30*time.Second, "rabbitmq-00001", 1)
}

// A pause leaves a ready revision as it is; one at 0 pods says that it has no
// traffic; and each ends where it began.
func TestPause(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(10)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "metric-type": "AverageValue",
	})})
	c.waitReady("app-00001")
	c.staysReady("app-00001")
	c.waitReplicas(60*time.Second, "app-00001", 2)

	c.annotate("app-00001", map[string]any{"keda-paused": "true"})
	c.waitNo(20*time.Second, cluster.HPAs, "app-00001")
	c.wantKEDA("app-00001", "paused", "true")
	c.waitCondition(10*time.Second, cluster.ScaledObjects, "app-00001", "Paused", "True", "")
	c.setMetric(20)
	time.Sleep(8 * time.Second)
	c.waitReplicas(time.Second, "app-00001", 2)
	c.waitCondition(time.Second, cluster.PodAutoscalers, "app-00001", "Active", "True", "")

	c.annotate("app-00001", map[string]any{"keda-paused": nil})
	c.waitReplicas(60*time.Second, "app-00001", 4)
	c.wantKEDA("app-00001", "paused", "")

	c.annotate("app-00001", map[string]any{"keda-paused-replicas": "0"})
	c.waitReplicas(30*time.Second, "app-00001", 0)
	c.waitActive(20*time.Second, "app-00001", "False", "NoTraffic")
	c.wantKEDA("app-00001", "paused-replicas", "0")
	c.annotate("app-00001", map[string]any{"keda-paused-replicas": nil})
	c.waitReplicas(60*time.Second, "app-00001", 4)
	c.waitCondition(20*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "True", "")
}

// wantKEDA wants KEDA's annotation on a ScaledObject to have that value, or to
// be absent for "".
func (c *testCase) wantKEDA(name, annotation, want string) {
	c.Helper()
	const managed = prefix + "keda-managed-annotations"
	key := "autoscaling.keda.sh/" + annotation
	have := c.must(cluster.ScaledObjects, name).GetAnnotations()
	listed := map[bool]string{true: key}[want != ""]
	if have[key] != want || have[managed] != listed {
		c.Errorf("annotations %v: want %s %q and it listed in %s", have, key, want, managed)
	}
}

// Paused from the start: KEDA makes no HPA, and the revision waits for that.
func TestPausedFromStart(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "keda-paused": "true",
	})})
	c.waitActive(60*time.Second, "app-00001", "Unknown", "ScaledObjectPaused", "paused")
	if _, err := c.get(t.Context(), cluster.HPAs, "app-00001"); err == nil {
		t.Error("there is an HPA")
	}
	c.annotate("app-00001", map[string]any{"keda-paused": "false"})
	c.waitReady("app-00001")
}

const ownScaledObject = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: mine, namespace: %[1]s, labels: {whose: mine}}
spec:
  scaleTargetRef: {name: app-00001-deployment}
  minReplicaCount: 1
  maxReplicaCount: 5
  pollingInterval: 2
  triggers:
  - type: prometheus
    metadata: {serverAddress: %[2]s, query: 'sum(raw_scale{namespace="%[1]s"})', threshold: "5"}
`

// With auto-create off people bring a ScaledObject of any name: it is used
// and never touched.
func TestOwnScaledObject(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(15)
	c.deploy(service{name: "app", annotations: map[string]string{
		"scaled-object-auto-create": "false",
		// Not ours to judge then.
		"metric-type": "Foo",
	}})
	c.waitActive(60*time.Second, "app-00001", "Unknown", "WaitingForScaledObject", `"app-00001-deployment"`)
	c.wantNoScaledObject("app-00001")

	if err := c.ApplyYAML(t.Context(), fmt.Sprintf(ownScaledObject, c.namespace, c.PrometheusURL)); err != nil {
		t.Fatal(err)
	}
	c.waitReady("app-00001")
	c.waitReplicas(60*time.Second, "app-00001", 3)
	c.eventually(20*time.Second, "the PodAutoscaler to tell the scale", func(ctx context.Context) error {
		pa, err := c.get(ctx, cluster.PodAutoscalers, "app-00001")
		if err != nil {
			return err
		}
		if actual, _, _ := unstructured.NestedInt64(pa.Object, "status", "actualScale"); actual != 3 {
			return fmt.Errorf("actualScale is %d", actual)
		}
		return nil
	})
	c.must(cluster.HPAs, "keda-hpa-mine")
	c.wantNoScaledObject("app-00001")
	c.wantUntouched()
}

// wantUntouched wants no write of the program to any ScaledObject here.
func (c *testCase) wantUntouched() {
	c.Helper()
	writes, err := c.Audit.WritesSince(time.Time{}, c.namespace)
	if err != nil {
		c.Fatal(err)
	}
	for _, write := range writes {
		if write.ObjectRef.Resource == "scaledobjects" {
			c.Errorf("a write: %s %s (%d)", write.Verb, write.URI, write.ResponseStatus.Code)
		}
	}
}

const ownHPA = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: app-00001, namespace: %[1]s}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app-00001-deployment}
  minReplicas: 2
  maxReplicas: 5
`

// Without any ScaledObject an HPA of the revision's name will do.
func TestOwnHPA(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.deploy(service{name: "app", annotations: map[string]string{"scaled-object-auto-create": "false"}})
	c.waitActive(60*time.Second, "app-00001", "Unknown", "WaitingForScaledObject", `HorizontalPodAutoscaler "app-00001"`)
	if err := c.ApplyYAML(t.Context(), fmt.Sprintf(ownHPA, c.namespace)); err != nil {
		t.Fatal(err)
	}
	c.waitReady("app-00001")
	c.waitReplicas(30*time.Second, "app-00001", 2)
	c.wantNoScaledObject("app-00001")
	c.wantUntouched()
}

// A slip of the pen in a name that nobody refuses: told, and nothing worse.
func TestMisspelt(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "keda-coldown-period": "5",
	})})
	c.waitReady("app-00001")
	c.wantTold(20*time.Second, "UnknownAnnotation", "app", "app-00001",
		prefix+"keda-coldown-period", prefix+"keda-cooldown-period")
}
