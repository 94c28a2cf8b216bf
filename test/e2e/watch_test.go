package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"autoscaler-keda-hpa/e2e/cluster"
)

// follow calls look with each version of an object that a watch shows, until
// the test ends. The returned function stops it before.
func (c *testCase) follow(kind schema.GroupVersionResource, name string, look func(*unstructured.Unstructured)) func() {
	ctx, cancel := context.WithCancel(c.Context())
	done := make(chan struct{})
	client := c.Dynamic.Resource(kind).Namespace(c.namespace)
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			// Without a version the watch starts with the object as it is.
			watch, err := client.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
			if err != nil {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			for event := range watch.ResultChan() {
				if object, ok := event.Object.(*unstructured.Unstructured); ok {
					look(object)
				}
			}
		}
	}()
	stop := func() { cancel(); <-done }
	c.Cleanup(stop)
	return stop
}

// staysReady fails the test whenever the revision, ready now, leaves Ready.
func (c *testCase) staysReady(revision string) {
	c.Helper()
	if err := cluster.WantCondition(c.must(cluster.Revisions, revision), "Ready", "True"); err != nil {
		c.Fatal(err)
	}
	c.follow(cluster.Revisions, revision, func(object *unstructured.Unstructured) {
		if err := cluster.WantCondition(object, "Ready", "True"); err != nil && object.GetDeletionTimestamp() == nil {
			c.Errorf("left Ready: %v", err)
		}
	})
}

// kubectl runs the real one; its output is for people, so no test but the
// one about rows should read it.
func (c *testCase) kubectl(args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(c.Bin, "kubectl"),
		append([]string{"--kubeconfig=" + c.Kubeconfig, "--namespace=" + c.namespace}, args...)...)
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%skubectl %v: %v\n", out, args, err)
	}
	return string(out)
}

// dump shows what a failed test left: all that decides, and what was said.
func (c *testCase) dump() {
	c.Logf("=== namespace %s\n%s", c.namespace,
		c.kubectl("get", "ksvc,revision,podautoscaler,scaledobject,serverlessservice,hpa,deployment"))
	for _, kind := range []string{"podautoscaler", "scaledobject", "hpa"} {
		c.Logf("=== %s (the first)\n%s", kind, firstDocument(c.kubectl("get", kind, "-o", "yaml")))
	}
	c.Logf("=== events\n%s", lastLines(c.kubectl("get", "events", "--sort-by=.lastTimestamp"), 40))
	c.Logf("=== the program's log, its end (all of it: %s)\n%s", c.program.Log, c.program.Tail(40))
}
