package e2e

// Tests that break something which all others stand on: none of them calls
// t.Parallel, and Go runs all such tests before the parallel ones.

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"autoscaler-keda-hpa/e2e/cluster"
)

// A cluster at rest sees no write of ours: neither with time, nor when the
// program starts anew, nor when it has to read everything again.
func TestConverged(t *testing.T) {
	const rest = 60 * time.Second
	w := sharedWorld(t)
	c := newCase(t, w)
	c.setMetric(5, "revision", "busy-00001")
	c.setMetric(0, "revision", "idle-00001")
	for name, more := range map[string]map[string]string{
		"busy":  {"min-scale": "1", "max-scale": "3"},
		"idle":  {"keda-cooldown-period": "3"},
		"wrong": {"metric-type": "Foo"},
	} {
		more["prometheus-query"] = fmt.Sprintf(`sum(raw_scale{namespace=%q,revision="{{ .revisionName }}"})`, c.namespace)
		c.deploy(service{name: name, annotations: c.customMetric(more)})
	}
	c.waitReady("busy-00001")
	c.waitReplicas(90*time.Second, "idle-00001", 0)
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, "idle-00001", "Active", "False", "NoTraffic")
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, "wrong-00001", "Active", "False", "InvalidAnnotation")
	c.waitQuiet(10*time.Second, 60*time.Second)

	begin := time.Now()
	c.program.Kill()
	if err := c.program.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	restarted := time.Now()
	// The new server's memory begins after all that clients have seen: they
	// must list again.
	if err := c.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(rest - time.Since(begin))
	writes, err := c.Audit.WritesSince(begin, c.namespace)
	if err != nil {
		t.Fatal(err)
	}
	for _, write := range writes {
		t.Errorf("a write at rest, after %.1fs: %s %s (%d)",
			write.Received.Sub(begin).Seconds(), write.Verb, write.URI, write.ResponseStatus.Code)
	}
	reads, err := c.Audit.Requests(func(r cluster.Request) bool {
		return r.Received.After(restarted) && strings.Contains(r.URI, "/podautoscalers")
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(reads) == 0 {
		t.Error("the program did not come back to the restarted API server")
	}
	c.annotate("wrong-00001", map[string]any{"metric-type": "Value"})
	c.waitCondition(30*time.Second, cluster.PodAutoscalers, "wrong-00001", "Active", "True", "")
}

// waitQuiet waits until the program has written nothing for a while.
func (c *testCase) waitQuiet(quiet, limit time.Duration) {
	c.Helper()
	begin := time.Now()
	for last := begin; time.Since(last) < quiet; time.Sleep(500 * time.Millisecond) {
		writes, err := c.Audit.WritesSince(last, c.namespace)
		if err != nil {
			c.Fatal(err)
		}
		if len(writes) > 0 {
			last = writes[len(writes)-1].Received
		}
		if time.Since(begin) > limit {
			c.Fatalf("the program still writes after %s; last: %+v", limit, writes)
		}
	}
}

// deployMany deploys that many services at once and returns their revisions.
func (c *testCase) deployMany(count int) []string {
	c.Helper()
	revisions := make([]string, count)
	var all sync.WaitGroup
	for i := range count {
		name := fmt.Sprintf("app-%02d", i)
		revisions[i] = name + "-00001"
		all.Go(func() {
			err := c.tryDeploy(service{name: name, annotations: c.customMetric(map[string]string{
				"min-scale": "1", "max-scale": "2",
				// One query a service, and none often: the load is to be on us.
				"keda-polling-interval": "30",
			})})
			if err != nil {
				c.Error(err)
			}
		})
	}
	all.Wait()
	return revisions
}

// waitAllReady waits until each revision is Ready.
func (c *testCase) waitAllReady(limit time.Duration, revisions []string) {
	c.Helper()
	c.eventually(limit, fmt.Sprintf("all %d revisions to be ready", len(revisions)), func(ctx context.Context) error {
		var missing []string
		for _, revision := range revisions {
			object, err := c.get(ctx, cluster.Revisions, revision)
			if err == nil {
				err = cluster.WantCondition(object, "Ready", "True")
			}
			if err != nil {
				missing = append(missing, err.Error())
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("%d are not, the first: %s", len(missing), missing[0])
		}
		return nil
	})
}

// Fifty services at once, and the program killed over and over meanwhile.
func TestKilled(t *testing.T) {
	w := sharedWorld(t)
	c := newCase(t, w)
	c.setMetric(5)
	begin := time.Now()
	deployed := make(chan []string, 1)
	go func() { deployed <- c.deployMany(50) }()
	for range 8 {
		time.Sleep(time.Duration(200+rand.IntN(2000)) * time.Millisecond)
		c.program.Kill()
		if err := c.program.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	revisions := <-deployed
	c.waitAllReady(4*time.Minute, revisions)
	c.wantOnce(begin, revisions)
}

// wantOnce wants no child of a revision created twice, and none deleted. One
// whose creator was killed may not show as created: its answer got lost.
func (c *testCase) wantOnce(since time.Time, revisions []string) {
	c.Helper()
	created := map[string]int{}
	conflicts := 0
	requests, err := c.Audit.WritesSince(since, c.namespace)
	if err != nil {
		c.Fatal(err)
	}
	for _, r := range requests {
		if r.Verb == "create" && r.ResponseStatus.Code == 201 && r.ObjectRef.Resource != "events" {
			created[r.ObjectRef.Resource+"/"+r.ObjectRef.Name]++
		}
		if r.ResponseStatus.Code == 409 {
			conflicts++
		}
		if r.Verb == "delete" {
			c.Errorf("a delete: %s", r.URI)
		}
	}
	for _, revision := range revisions {
		for _, kind := range []string{"scaledobjects", "serverlessservices"} {
			if have := created[kind+"/"+revision]; have > 1 {
				c.Errorf("%s %s was created %d times", kind, revision, have)
			}
		}
	}
	c.Logf("%d writes for %d revisions, %d of them answered 409", len(requests), len(revisions), conflicts)
}

// An API server that keeps sending clients away (HTTP/2 GOAWAY).
func TestGoaway(t *testing.T) {
	w := sharedWorld(t)
	c := newCase(t, w)
	c.setMetric(5)
	if err := c.RestartAPIServer(t.Context(), "--goaway-chance=0.02"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.RestartAPIServer(ctx); err != nil {
			t.Fatal(err)
		}
	}()
	begin := time.Now()
	revisions := c.deployMany(40)
	c.waitAllReady(3*time.Minute, revisions)
	c.wantOnce(begin, revisions)
	// Each repair is a few requests more, any of which may be sent away: what
	// stalls shows as one that takes too long.
	for round := range 5 {
		var all sync.WaitGroup
		for _, revision := range revisions {
			all.Go(func() {
				patch := map[string]any{"spec": map[string]any{"maxReplicaCount": int64(9)}}
				if err := c.tryMergePatch(cluster.ScaledObjects, revision, patch); err != nil {
					c.Error(err)
				}
			})
		}
		all.Wait()
		c.eventually(15*time.Second, fmt.Sprintf("round %d of repairs", round), func(ctx context.Context) error {
			for _, revision := range revisions {
				so, err := c.get(ctx, cluster.ScaledObjects, revision)
				if err != nil {
					return err
				}
				if most, _, _ := unstructured.NestedInt64(so.Object, "spec", "maxReplicaCount"); most != 2 {
					return fmt.Errorf("%s: maxReplicaCount is %d, want 2", revision, most)
				}
			}
			return nil
		})
	}
}

// KEDA installed after us is noticed without a restart. A world of its own.
func TestKEDALate(t *testing.T) {
	w, err := startWorld(cluster.Options{WithoutKEDA: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
		w.Cluster.Stop(t.Failed())
	})
	c := newCase(t, w)
	c.setMetric(5)
	pid := w.program.Pid()
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	c.waitCondition(60*time.Second, cluster.PodAutoscalers, "app-00001", "Active", "Unknown", "KEDANotInstalled")
	c.must(cluster.ServerlessServices, "app-00001")
	if err := w.InstallKEDA(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.eventually(15*time.Second, "a ScaledObject, once KEDA is there", func(ctx context.Context) error {
		_, err := c.get(ctx, cluster.ScaledObjects, "app-00001")
		return err
	})
	c.waitReady("app-00001")
	c.waitReplicas(30*time.Second, "app-00001", 1)
	if !w.program.Running() || w.program.Pid() != pid {
		t.Error("the program did not keep running")
	}
}

// A default changed in config-autoscaler-keda reaches what is there already;
// a wrong one changes nothing, and is told where it was made.
func TestConfigMap(t *testing.T) {
	const key = "autoscaler.keda.polling-interval"
	w := sharedWorld(t)
	c := newCase(t, w)
	c.setMetric(5)
	annotations := c.customMetric(map[string]string{"min-scale": "1"})
	delete(annotations, "keda-polling-interval")
	c.deploy(service{name: "app", annotations: annotations})
	c.waitReady("app-00001")
	c.waitPolling("app-00001", 0)

	set := func(value any) {
		data, err := json.Marshal(map[string]any{"data": map[string]any{key: value}})
		if err == nil {
			_, err = c.Typed.CoreV1().ConfigMaps(cluster.SystemNamespace).Patch(context.Background(),
				"config-autoscaler-keda", types.MergePatchType, data, metav1.PatchOptions{})
		}
		if err != nil {
			t.Error(err)
		}
	}
	defer set(nil)
	set("7s")
	c.waitPolling("app-00001", 7)
	begin := time.Now()
	set("soon")
	c.eventually(20*time.Second, "an event about the wrong value", func(ctx context.Context) error {
		events, err := c.Typed.CoreV1().Events(cluster.SystemNamespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Reason == "ConfigurationRefused" && event.InvolvedObject.Name == "config-autoscaler-keda" &&
				strings.Contains(event.Message, key) && strings.Contains(event.Message, "soon") {
				return nil
			}
		}
		return fmt.Errorf("none among %d events", len(events.Items))
	})
	writes, err := c.Audit.WritesSince(begin, c.namespace)
	if err != nil || len(writes) > 0 {
		t.Errorf("the wrong value led to %d writes: %v %v", len(writes), writes, err)
	}
	c.waitPolling("app-00001", 7)
	set(nil)
	c.waitPolling("app-00001", 0)
}

// waitPolling waits until a ScaledObject has that pollingInterval, or none
// for 0.
func (c *testCase) waitPolling(name string, want int64) {
	c.Helper()
	c.eventually(20*time.Second, fmt.Sprintf("pollingInterval %d", want), func(ctx context.Context) error {
		so, err := c.get(ctx, cluster.ScaledObjects, name)
		if err != nil {
			return err
		}
		if have, _, _ := unstructured.NestedInt64(so.Object, "spec", "pollingInterval"); have != want {
			return fmt.Errorf("it is %d", have)
		}
		return nil
	})
}
