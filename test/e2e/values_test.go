package e2e

// Values that an annotation carries as they are, seen where they end: in the
// HPA and in the number of pods.

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// Office hours, written in YAML; no default trigger beside them.
func TestCron(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	now := time.Now().UTC()
	at := func(when time.Time) string { return fmt.Sprintf("%d %d * * *", when.Minute(), when.Hour()) }
	c.deploy(service{name: "app", annotations: map[string]string{
		"min-scale": "1", "max-scale": "5", "keda-polling-interval": "2",
		"keda-triggers": fmt.Sprintf(`
# They are open now.
- type: cron
  name: "{{ .serviceName }}-hours"
  metadata:
    timezone: UTC
    start: %s
    end: %s
    desiredReplicas: "3"
`, at(now.Add(-time.Hour)), at(now.Add(2*time.Hour))),
	}})
	c.waitReady("app-00001")
	triggers, _, _ := unstructured.NestedSlice(c.must(cluster.ScaledObjects, "app-00001").Object, "spec", "triggers")
	c.same("triggers", triggers, fmt.Sprintf(`
- type: cron
  name: app-hours
  metadata: {timezone: UTC, start: %s, end: %s, desiredReplicas: "3"}
`, at(now.Add(-time.Hour)), at(now.Add(2*time.Hour))))
	c.waitReplicas(60*time.Second, "app-00001", 3)
}

// Two queries and a formula: KEDA makes one metric of them.
func TestFormula(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5, "part", "one")
	c.setMetric(10, "part", "two")
	query := func(part string) string {
		return fmt.Sprintf("sum(raw_scale{namespace=%q,part=%q})", c.namespace, part)
	}
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "metric-type": "AverageValue",
		"prometheus-query":        query("one"),
		"trigger-prometheus-name": "one",
		"extra-prometheus-triggers": fmt.Sprintf(
			`[{"type": "prometheus", "name": "two", "metadata": {"serverAddress": %q, "query": %q, "threshold": "1"}}]`,
			c.PrometheusURL, query("two")),
		"scaling-modifiers": `{"formula": "one + two", "target": "5", "metricType": "AverageValue"}`,
	})})
	c.waitReady("app-00001")
	metrics, _, _ := unstructured.NestedSlice(c.must(cluster.HPAs, "app-00001").Object, "spec", "metrics")
	c.same("the HPA's metrics", metrics, `
- type: External
  external:
    metric: {name: composite-metric, selector: {matchLabels: {scaledobject.keda.sh/name: app-00001}}}
    target: {type: AverageValue, averageValue: "5"}
`)
	c.waitReplicas(60*time.Second, "app-00001", 3)
	c.setMetric(15, "part", "two")
	c.waitReplicas(60*time.Second, "app-00001", 4)
}

// Rules for scaling up replace the window in their direction, and no other.
func TestHPARules(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "window": "30s",
		"hpa-scale-up-rules": `{"stabilizationWindowSeconds": 0, "selectPolicy": "Min",
			"policies": [{"type": "Pods", "value": 2, "periodSeconds": 15}]}`,
	})})
	c.waitReady("app-00001")
	c.same("the HPA's behavior", c.behavior("app-00001"), `
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Min
  policies: [{type: Pods, value: 2, periodSeconds: 15}]
scaleDown:
  stabilizationWindowSeconds: 30
  selectPolicy: Max
  policies: [{type: Percent, value: 100, periodSeconds: 15}]
`)
	c.annotate("app-00001", map[string]any{
		"hpa-scale-up-rules":   nil,
		"hpa-scale-down-rules": `{"selectPolicy": "Disabled"}`,
	})
	c.waitHPA(20*time.Second, "app-00001", "the changed rules in the HPA", func(map[string]any) error {
		behavior := c.behavior("app-00001")
		policy, _, _ := unstructured.NestedString(behavior, "scaleDown", "selectPolicy")
		window, _, _ := unstructured.NestedInt64(behavior, "scaleUp", "stabilizationWindowSeconds")
		if policy != "Disabled" || window != 30 {
			return fmt.Errorf("it is %v", behavior)
		}
		return nil
	})
}

func (c *testCase) behavior(name string) map[string]any {
	c.Helper()
	behavior, _, _ := unstructured.NestedMap(c.must(cluster.HPAs, name).Object, "spec", "behavior")
	return behavior
}

// KEDA's webhook wants a memory request of every container, and queue-proxy
// has none: refused with what helps, and that helps.
func TestMemory(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.deploy(service{name: "app", memory: "64Mi", annotations: map[string]string{
		"metric": "memory", "target": "200", "max-scale": "3",
	}})
	c.waitActive(60*time.Second, "app-00001", "False", "ScaledObjectRejected",
		"doesn't have the memory request defined", prefix+"keda-container", "queue-sidecar-memory-request")
	c.wantTold(20*time.Second, "ScaledObjectRejected", "app", "app-00001", prefix+"keda-container")
	c.wantNoScaledObject("app-00001")

	c.annotate("app-00001", map[string]any{"keda-container": "user-container"})
	c.waitReady("app-00001")
	metrics, _, _ := unstructured.NestedSlice(c.must(cluster.HPAs, "app-00001").Object, "spec", "metrics")
	c.same("the HPA's metrics", metrics, `
- type: ContainerResource
  containerResource: {container: user-container, name: memory, target: {type: AverageValue, averageValue: 200Mi}}
`)
}

// A whole ScaledObject: what the API server does not know it refuses by name;
// what it knows arrives, with names and bounds of ours.
func TestOverride(t *testing.T) {
	const triggers = `"triggers": [{"type": "cron", "metadata":
		{"timezone": "UTC", "start": "0 0 1 1 *", "end": "0 0 2 1 *", "desiredReplicas": "1"}}]`
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.deploy(service{name: "app", annotations: map[string]string{
		"min-scale": "1", "max-scale": "4",
		"scaled-object-override": `{"spec": {"coolDown": 5, ` + triggers + `}}`,
	}})
	c.waitActive(60*time.Second, "app-00001", "False", "ScaledObjectRejected", `unknown field "spec.coolDown"`)
	c.wantTold(20*time.Second, "ScaledObjectRejected", "app", "app-00001", `unknown field "spec.coolDown"`)
	c.wantNoScaledObject("app-00001")

	c.annotate("app-00001", map[string]any{"scaled-object-override": `{"spec": {
		"scaleTargetRef": {"name": "other"}, "maxReplicaCount": 99,
		"advanced": {"restoreToOriginalReplicaCount": true}, ` + triggers + `}}`})
	c.waitReady("app-00001")
	c.same("ScaledObject spec", c.must(cluster.ScaledObjects, "app-00001").Object["spec"], `
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app-00001-deployment}
minReplicaCount: 1
maxReplicaCount: 4
advanced:
  restoreToOriginalReplicaCount: true
  horizontalPodAutoscalerConfig: {name: app-00001}
triggers:
- {type: cron, metadata: {timezone: UTC, start: 0 0 1 1 *, end: 0 0 2 1 *, desiredReplicas: "1"}}
`)
}

// Prometheus goes away and comes back: KEDA's fallback holds meanwhile.
func TestFallback(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "metric-type": "AverageValue",
		"keda-fallback-failure-threshold": "2", "keda-fallback-replicas": "4",
		"keda-fallback-behavior": "currentReplicasIfHigher",
	})})
	c.waitReady("app-00001")
	c.staysReady("app-00001")
	c.waitReplicas(30*time.Second, "app-00001", 1)

	// Port 1 of loopback: the connection is refused at once.
	c.annotate("app-00001", map[string]any{"prometheus-address": "http://127.0.0.1:1"})
	c.waitReplicas(60*time.Second, "app-00001", 4)
	c.waitCondition(20*time.Second, cluster.ScaledObjects, "app-00001", "Fallback", "True", "")
	c.waitCondition(time.Second, cluster.PodAutoscalers, "app-00001", "Active", "True", "")

	c.annotate("app-00001", map[string]any{"prometheus-address": nil})
	c.waitReplicas(60*time.Second, "app-00001", 1)
	c.eventually(20*time.Second, "the end of the fallback", func(ctx context.Context) error {
		so, err := c.get(ctx, cluster.ScaledObjects, "app-00001")
		if err != nil {
			return err
		}
		return cluster.WantCondition(so, "Fallback", "False")
	})
}

const bearerAuthentication = `
apiVersion: v1
kind: Secret
metadata: {name: prometheus, namespace: %[1]s}
stringData: {token: open-sesame}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: prometheus, namespace: %[1]s}
spec:
  secretTargetRef:
  - {parameter: bearerToken, name: prometheus, key: token}
`

// All that a Prometheus behind a gate wants: token, header and parameter. This
// one answers nobody else.
func TestBearer(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	gate := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer open-sesame" || r.Header.Get("X-Scope-OrgID") != "team" ||
			r.URL.Query().Get("dedup") != "true" || r.URL.Query().Get("query") != "orders" {
			http.Error(answer, "no", http.StatusForbidden)
			return
		}
		fmt.Fprint(answer, `{"status": "success", "data": {"resultType": "vector",
			"result": [{"metric": {}, "value": [1, "15"]}]}}`)
	}))
	t.Cleanup(gate.Close)
	if err := c.ApplyYAML(t.Context(), fmt.Sprintf(bearerAuthentication, c.namespace)); err != nil {
		t.Fatal(err)
	}
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{
		"min-scale": "1", "metric-type": "AverageValue",
		"prometheus-query": "orders", "prometheus-address": gate.URL,
		"trigger-prometheus-auth-name":  "prometheus",
		"trigger-prometheus-auth-modes": "bearer",
		"keda-custom-headers":           "X-Scope-OrgID=team",
		"keda-query-parameters":         "dedup=true",
		"keda-prometheus-timeout":       "2000",
		"keda-ignore-null-values":       "false",
	})})
	c.waitReady("app-00001")
	c.waitReplicas(60*time.Second, "app-00001", 3)
}

// Values that KEDA or the API server write otherwise, or drop: they are not
// written again and again.
func TestOddValues(t *testing.T) {
	const cron = `{"type": "cron", "name": "", "useCachedMetrics": false, "authenticationRef": null, "metadata":
		{"timezone": "UTC", "start": "0 0 1 1 *", "end": "0 0 2 1 *", "desiredReplicas": "1", "note": " ü\u2028\ud83d\ude00 "}}`
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	for name, more := range map[string]map[string]string{
		"override": {"scaled-object-override": `{"metadata": {"name": "other", "labels": {"a": "b"}}, "spec": {
			"cooldownPeriod": 30.0, "pollingInterval": 1e1, "initialCooldownPeriod": 0, "minReplicaCount": 1,
			"advanced": {"scalingModifiers": {}, "restoreToOriginalReplicaCount": false},
			"fallback": {"failureThreshold": 0, "replicas": 0, "behavior": "static"},
			"triggers": [` + cron + `]}}`},
		"rules": c.customMetric(map[string]string{
			"hpa-scale-up-rules":   `{"stabilizationWindowSeconds": 0, "policies": null, "selectPolicy": null}`,
			"hpa-scale-down-rules": `{}`,
		}),
		"fallback": c.customMetric(map[string]string{
			"keda-fallback-failure-threshold": "0", "keda-fallback-replicas": "0", "keda-fallback-behavior": "static",
			"metric-type": "AverageValue", "target": "1e3", "keda-activation-target": "0.10",
		}),
		"triggers": {"extra-prometheus-triggers": "[" + cron + "]", "keda-cooldown-period": "0", "keda-paused": "false"},
	} {
		more["min-scale"] = "1"
		c.deploy(service{name: name, annotations: more})
	}
	for _, name := range []string{"override", "rules", "fallback", "triggers"} {
		c.waitReady(name + "-00001")
	}
	c.waitQuiet(10*time.Second, 40*time.Second)
}
