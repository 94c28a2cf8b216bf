package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// recipes are the YAML blocks of docs/recipes.md.
func (c *testCase) recipes() []*unstructured.Unstructured {
	c.Helper()
	text, err := os.ReadFile(filepath.Join(c.Root, "docs", "recipes.md"))
	if err != nil {
		c.Fatal(err)
	}
	var all []*unstructured.Unstructured
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	for _, block := range blocks {
		yaml, _, _ := strings.Cut(block, "```")
		objects, err := cluster.DecodeYAML(yaml)
		if err != nil {
			c.Fatal(err)
		}
		all = append(all, objects...)
	}
	return all
}

// withoutImage has the Service run what needs no look-up in a registry.
func withoutImage(service *unstructured.Unstructured) error {
	path := []string{"spec", "template", "spec", "containers"}
	containers, _, err := unstructured.NestedSlice(service.Object, path...)
	if err != nil {
		return err
	}
	for _, container := range containers {
		container.(map[string]any)["image"] = "ko.local/app"
	}
	return unstructured.SetNestedSlice(service.Object, containers, path...)
}

// Every recipe is taken by Knative's webhook, by us, by the API server and by
// KEDA's webhook: its revision has a ScaledObject, and nobody refuses it.
// What a recipe scales on (brokers, clouds) is not here.
func TestRecipes(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	var services []string
	for _, object := range c.recipes() {
		object.SetNamespace(c.namespace)
		if strings.HasPrefix(object.GetAPIVersion(), "serving.knative.dev/") {
			if err := withoutImage(object); err != nil {
				t.Fatal(err)
			}
			services = append(services, object.GetName())
		}
		if err := w.Apply(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	if len(services) < 13 {
		t.Fatalf("only %d Services in docs/recipes.md", len(services))
	}
	for _, service := range services {
		err := cluster.Poll(t.Context(), 30*time.Second, "the ScaledObject of "+service, func(ctx context.Context) error {
			return c.recipeTaken(ctx, service)
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// recipeTaken wants a ScaledObject for the Service's Deployment, and no word
// against it.
func (c *testCase) recipeTaken(ctx context.Context, service string) error {
	ofService := metav1.ListOptions{LabelSelector: "serving.knative.dev/service=" + service}
	pas, err := c.Dynamic.Resource(cluster.PodAutoscalers).Namespace(c.namespace).List(ctx, ofService)
	if err != nil {
		return err
	}
	if len(pas.Items) != 1 {
		return fmt.Errorf("%d PodAutoscalers", len(pas.Items))
	}
	active := cluster.ConditionOf(&pas.Items[0], "Active")
	if active.Status == "" || active.Status == "False" || active.Reason == "ScaledObjectNotWritten" {
		return fmt.Errorf("Active is %q (%s: %s)", active.Status, active.Reason, active.Message)
	}
	target, _, _ := unstructured.NestedString(pas.Items[0].Object, "spec", "scaleTargetRef", "name")
	sos, err := c.Dynamic.Resource(cluster.ScaledObjects).Namespace(c.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, so := range sos.Items {
		if name, _, _ := unstructured.NestedString(so.Object, "spec", "scaleTargetRef", "name"); name == target {
			return nil
		}
	}
	return fmt.Errorf("no ScaledObject for Deployment %s", target)
}
