package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"autoscaler-keda-hpa/e2e/cluster"
)

const (
	class  = "hpa.autoscaling.knative.dev"
	prefix = "autoscaling.knative.dev/"
)

// testCase is one test's namespace in a world.
type testCase struct {
	*testing.T
	*world
	namespace string
}

// newCase makes a namespace that goes with the test; if the test fails,
// what is in it is shown first.
func newCase(t *testing.T, w *world) *testCase {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(strings.TrimPrefix(t.Name(), "Test")))
	c := &testCase{t, w, fmt.Sprintf("%.40s-%04x", name, rand.IntN(1<<16))}
	if err := w.ApplyYAML(t.Context(), "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+c.namespace+"}"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.dump()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.Typed.CoreV1().Namespaces().Delete(ctx, c.namespace, metav1.DeleteOptions{}); err != nil {
			t.Logf("deleting namespace %s: %v", c.namespace, err)
		}
	})
	return c
}

// service describes a Knative Service of our class.
type service struct {
	name        string
	revision    string            // name of the revision, if it matters
	annotations map[string]string // without the prefix; the class is added
	noRequests  bool              // leave out the container's cpu request
	memory      string            // the container's memory request, if any
	traffic     []any
}

func (s service) object(namespace string) *unstructured.Unstructured {
	annotations := map[string]any{prefix + "class": class}
	for name, value := range s.annotations {
		annotations[prefix+name] = value
	}
	// Names of ko.local need no look-up in a registry.
	container := map[string]any{"image": "ko.local/app"}
	requests := map[string]any{}
	if !s.noRequests {
		requests["cpu"] = "50m"
	}
	if s.memory != "" {
		requests["memory"] = s.memory
	}
	container["resources"] = map[string]any{"requests": requests}
	metadata := map[string]any{"annotations": annotations}
	if s.revision != "" {
		metadata["name"] = s.revision
	}
	spec := map[string]any{"template": map[string]any{
		"metadata": metadata,
		"spec":     map[string]any{"containers": []any{container}},
	}}
	if s.traffic != nil {
		spec["traffic"] = s.traffic
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "serving.knative.dev/v1", "kind": "Service",
		"metadata": map[string]any{"name": s.name, "namespace": namespace},
		"spec":     spec,
	}}
}

// deploy creates the Service, or gives an existing one this spec.
func (c *testCase) deploy(s service) {
	c.Helper()
	if err := c.tryDeploy(s); err != nil {
		c.Fatal(err)
	}
}

// tryDeploy is deploy for other goroutines than the test's.
func (c *testCase) tryDeploy(s service) error {
	client := c.Dynamic.Resource(cluster.Services).Namespace(c.namespace)
	return cluster.Poll(c.Context(), 30*time.Second, "deploying "+s.name, func(ctx context.Context) error {
		object := s.object(c.namespace)
		live, err := client.Get(ctx, s.name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			_, err = client.Create(ctx, object, metav1.CreateOptions{})
			return err
		} else if err != nil {
			return err
		}
		live.Object["spec"] = object.Object["spec"]
		_, err = client.Update(ctx, live, metav1.UpdateOptions{})
		return err
	})
}

// customMetric are the annotations of a service that scales on the gauge
// raw_scale of its namespace, with quick reactions.
func (c *testCase) customMetric(more map[string]string) map[string]string {
	annotations := map[string]string{
		"metric":                "raw_scale",
		"metric-type":           "Value",
		"target":                "5",
		"prometheus-query":      fmt.Sprintf("sum(raw_scale{namespace=%q})", c.namespace),
		"max-scale":             "10",
		"window":                "6s",
		"keda-polling-interval": "2",
	}
	for name, value := range more {
		annotations[name] = value
	}
	return annotations
}

// setMetric sets the gauge raw_scale of the test's namespace; labels are
// pairs of name and value.
func (c *testCase) setMetric(value float64, labels ...string) {
	all := map[string]string{"namespace": c.namespace}
	for i := 0; i+1 < len(labels); i += 2 {
		all[labels[i]] = labels[i+1]
	}
	c.Exporter.Set("raw_scale", value, all)
}

func (c *testCase) get(ctx context.Context, kind schema.GroupVersionResource, name string) (*unstructured.Unstructured, error) {
	return c.Dynamic.Resource(kind).Namespace(c.namespace).Get(ctx, name, metav1.GetOptions{})
}

// must is get for what has to be there.
func (c *testCase) must(kind schema.GroupVersionResource, name string) *unstructured.Unstructured {
	c.Helper()
	object, err := c.get(c.Context(), kind, name)
	if err != nil {
		c.Fatal(err)
	}
	return object
}

// mergePatch changes an object as an administrator would.
func (c *testCase) mergePatch(kind schema.GroupVersionResource, name string, patch map[string]any) {
	c.Helper()
	if err := c.tryMergePatch(kind, name, patch); err != nil {
		c.Fatal(err)
	}
}

// tryMergePatch is mergePatch for other goroutines than the test's.
func (c *testCase) tryMergePatch(kind schema.GroupVersionResource, name string, patch map[string]any) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = c.Dynamic.Resource(kind).Namespace(c.namespace).
		Patch(c.Context(), name, types.MergePatchType, data, metav1.PatchOptions{})
	return err
}

// annotate sets annotations of ours on a Revision, from where Knative
// carries them to the PodAutoscaler; a nil value removes one.
func (c *testCase) annotate(revision string, annotations map[string]any) {
	c.Helper()
	full := map[string]any{}
	for name, value := range annotations {
		full[prefix+name] = value
	}
	c.mergePatch(cluster.Revisions, revision, map[string]any{"metadata": map[string]any{"annotations": full}})
}

// eventually waits until check is content, and fails the test otherwise.
func (c *testCase) eventually(limit time.Duration, what string, check func(context.Context) error) {
	c.Helper()
	begin := time.Now()
	if err := cluster.Poll(c.Context(), limit, what, check); err != nil {
		c.Fatal(err)
	}
	c.Logf("%s: after %.1fs", what, time.Since(begin).Seconds())
}

// waitCondition waits for a condition's status and, if not "", reason.
func (c *testCase) waitCondition(limit time.Duration, kind schema.GroupVersionResource, name, condition, status, reason string) cluster.Condition {
	c.Helper()
	var have cluster.Condition
	what := fmt.Sprintf("%s %s: %s %s %s", kind.Resource, name, condition, status, reason)
	c.eventually(limit, what, func(ctx context.Context) error {
		object, err := c.get(ctx, kind, name)
		if err != nil {
			return err
		}
		have = cluster.ConditionOf(object, condition)
		if reason != "" && have.Reason != reason {
			return fmt.Errorf("%s is %+v", condition, have)
		}
		return cluster.WantCondition(object, condition, status)
	})
	return have
}

// waitActive waits until a PodAutoscaler's Active has that status and reason
// and a message with all parts.
func (c *testCase) waitActive(limit time.Duration, name, status, reason string, parts ...string) string {
	c.Helper()
	var message string
	what := fmt.Sprintf("%s: Active %s %s %q", name, status, reason, parts)
	c.eventually(limit, what, func(ctx context.Context) error {
		pa, err := c.get(ctx, cluster.PodAutoscalers, name)
		if err != nil {
			return err
		}
		have := cluster.ConditionOf(pa, "Active")
		if have.Status != status || have.Reason != reason {
			return fmt.Errorf("it is %+v", have)
		}
		for _, part := range parts {
			if !strings.Contains(have.Message, part) {
				return fmt.Errorf("want %q in %q", part, have.Message)
			}
		}
		message = have.Message
		return nil
	})
	return message
}

// waitHPA waits until there is an HPA of that name that check is content with.
func (c *testCase) waitHPA(limit time.Duration, name, what string, check func(spec map[string]any) error) {
	c.Helper()
	c.eventually(limit, what, func(ctx context.Context) error {
		hpa, err := c.get(ctx, cluster.HPAs, name)
		if err != nil {
			return err
		}
		return check(hpa.Object["spec"].(map[string]any))
	})
}

// waitNo waits until there is no object of that name.
func (c *testCase) waitNo(limit time.Duration, kind schema.GroupVersionResource, name string) {
	c.Helper()
	c.eventually(limit, "no "+kind.Resource+" "+name, func(ctx context.Context) error {
		_, err := c.get(ctx, kind, name)
		if err == nil {
			return fmt.Errorf("it is there")
		}
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
}

func (c *testCase) waitReady(revision string) {
	c.Helper()
	c.waitCondition(90*time.Second, cluster.Revisions, revision, "Ready", "True", "")
}

// replicas are how many pods a revision's Deployment wants and has ready.
func (c *testCase) replicas(ctx context.Context, revision string) (wanted, ready int64, err error) {
	deployment, err := c.get(ctx, cluster.Deployments, revision+"-deployment")
	if err != nil {
		return 0, 0, err
	}
	wanted, _, _ = unstructured.NestedInt64(deployment.Object, "spec", "replicas")
	ready, _, _ = unstructured.NestedInt64(deployment.Object, "status", "readyReplicas")
	return wanted, ready, nil
}

// waitReplicas waits until that many pods are wanted and ready.
func (c *testCase) waitReplicas(limit time.Duration, revision string, want int64) {
	c.Helper()
	c.eventually(limit, fmt.Sprintf("%d pods of %s", want, revision), func(ctx context.Context) error {
		wanted, ready, err := c.replicas(ctx, revision)
		if err == nil && (wanted != want || ready != want) {
			err = fmt.Errorf("wanted %d, ready %d", wanted, ready)
		}
		return err
	})
}

// waitEvent waits for an event about an object and returns its message.
func (c *testCase) waitEvent(limit time.Duration, kind, name, eventType, reason string) string {
	c.Helper()
	var message string
	what := fmt.Sprintf("a %s event %s on %s %s", eventType, reason, kind, name)
	c.eventually(limit, what, func(ctx context.Context) error {
		events, err := c.Typed.CoreV1().Events(c.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			about := event.InvolvedObject
			if about.Kind == kind && about.Name == name && event.Type == eventType && event.Reason == reason {
				message = event.Message
				return nil
			}
		}
		return fmt.Errorf("none among %d events", len(events.Items))
	})
	return message
}

// wantText fails the test, but does not end it, unless text has all parts.
func (c *testCase) wantText(what, text string, parts ...string) {
	c.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			c.Errorf("%s: want %q in %q", what, part, text)
		}
	}
}

// metrics is what the program's /metrics says.
func (c *testCase) metrics() string {
	c.Helper()
	return c.metricsAt(c.program.Metrics)
}

func (c *testCase) metricsAt(url string) string {
	c.Helper()
	response, err := http.Get(url)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
}
