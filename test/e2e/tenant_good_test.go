package e2e

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"

	"autoscaler-keda-hpa/e2e/cluster"
)

// good are the revisions of people who do nothing wrong, in a few namespaces;
// every third scales on cpu, the others on Prometheus.
type good struct {
	*testing.T
	*world
	cases     []*testCase
	bystander *testCase // with nothing of ours
	all       []goodOne
	guarded   int // the first so many are watched
}

type goodOne struct {
	c        *testCase
	service  string
	revision string
	cpu      bool
}

func startGood(t *testing.T, w *world) *good {
	t.Helper()
	g := &good{T: t, world: w, bystander: newCase(t, w)}
	for range 4 {
		c := newCase(t, w)
		c.setMetric(5)
		g.cases = append(g.cases, c)
	}
	if err := g.bystander.Apply(t.Context(), g.probe()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	g.deploy(goodBefore)
	g.waitReady()
	t.Logf("%d good services ready after %.1fs", goodBefore, time.Since(begin).Seconds())
	g.guarded = len(g.all)
	// Else what is timed next would wait for more than itself.
	g.waitQuiet(5*time.Second, 90*time.Second)
	return g
}

// deploy deploys that many at once.
func (g *good) deploy(count int) {
	g.Helper()
	var some sync.WaitGroup
	for range count {
		i := len(g.all)
		one := goodOne{c: g.cases[i%len(g.cases)], service: fmt.Sprintf("good-%02d", i), cpu: i%3 == 0}
		one.revision = one.service + "-00001"
		g.all = append(g.all, one)
		annotations := map[string]string{"min-scale": "1", "max-scale": "5", "target": "70"}
		if !one.cpu {
			// None asks often: the load is to be on us.
			annotations = one.c.customMetric(map[string]string{"min-scale": "1", "keda-polling-interval": "30"})
		}
		some.Go(func() {
			if err := one.c.tryDeploy(service{name: one.service, annotations: annotations}); err != nil {
				g.Error(err)
			}
		})
	}
	some.Wait()
}

// waitReady waits until all are that were deployed.
func (g *good) waitReady() {
	g.Helper()
	for _, c := range g.cases {
		if err := cluster.Poll(g.Context(), 4*time.Minute, "the good services to be ready", g.allReady(c)); err != nil {
			g.Fatal(err)
		}
	}
}

// allReady looks at one namespace's Services, at one go.
func (g *good) allReady(c *testCase) func(context.Context) error {
	want := 0
	for _, one := range g.all {
		if one.c == c {
			want++
		}
	}
	return func(ctx context.Context) error {
		list, err := g.Dynamic.Resource(cluster.Services).Namespace(c.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		ready := 0
		for i := range list.Items {
			if have := cluster.WantCondition(&list.Items[i], "Ready", "True"); have == nil {
				ready++
			} else {
				err = have
			}
		}
		if ready < want {
			return fmt.Errorf("%d of %d are, another: %v", ready, want, err)
		}
		return nil
	}
}

func (g *good) waitQuiet(quiet, limit time.Duration) {
	g.Helper()
	for _, c := range g.cases {
		c.waitQuiet(quiet, limit)
	}
}

// edits is how long some edits took, and beside each the like of what an edit
// takes the program at least: a read and a write of a ScaledObject. Sorted.
type edits struct{ took, least []time.Duration }

// timeEdits edits the lower bound of some revisions at once, and times each
// from the PodAutoscaler, as soon as that has it, to the ScaledObject.
func (g *good) timeEdits(when string) edits {
	g.Helper()
	var e edits
	var lock sync.Mutex
	var all sync.WaitGroup
	begin := time.Now()
	for i := range goodEdits {
		one := g.edited(i)
		now, _, err := unstructured.NestedInt64(one.c.must(cluster.ScaledObjects, one.revision).Object, "spec", "minReplicaCount")
		if err != nil {
			g.Fatal(err)
		}
		all.Go(func() {
			took, err := one.timeEdit(now + 1)
			if err != nil {
				g.Error(err)
			}
			lock.Lock()
			defer lock.Unlock()
			e.took = append(e.took, took)
		})
	}
	for i := range goodEdits {
		e.least = append(e.least, g.timeProbe(i))
	}
	all.Wait()
	slices.Sort(e.took)
	slices.Sort(e.least)
	g.Logf("%s: %d edits, all through Knative in %.1fs\n\tfrom PodAutoscaler to ScaledObject %v\n\ta read and a write by another %v",
		when, len(e.took), time.Since(begin).Seconds(), e.took, e.least)
	return e
}

func median(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }

// probe is a ScaledObject that has to do with no revision.
func (g *good) probe() *unstructured.Unstructured {
	probe := scaledObject("probe", "probe")
	probe.SetNamespace(g.bystander.namespace)
	return probe
}

func (g *good) timeProbe(i int) time.Duration {
	g.Helper()
	begin := time.Now()
	g.bystander.must(cluster.ScaledObjects, "probe")
	g.bystander.mergePatch(cluster.ScaledObjects, "probe", map[string]any{"spec": map[string]any{"maxReplicaCount": 10 + i}})
	return time.Since(begin)
}

// edited are the revisions that timeEdits edits: some that scale on Prometheus.
func (g *good) edited(i int) goodOne { return g.all[1+3*i] }

func (o goodOne) timeEdit(lowest int64) (time.Duration, error) {
	c := o.c
	text := fmt.Sprint(lowest)
	asked, done := make(chan time.Time, 100), make(chan time.Time, 100)
	stopAsked := c.follow(cluster.PodAutoscalers, o.revision, func(pa *unstructured.Unstructured) {
		if pa.GetAnnotations()[prefix+"min-scale"] == text {
			asked <- time.Now()
		}
	})
	defer stopAsked()
	stopDone := c.follow(cluster.ScaledObjects, o.revision, func(so *unstructured.Unstructured) {
		if have, _, _ := unstructured.NestedInt64(so.Object, "spec", "minReplicaCount"); have == lowest {
			done <- time.Now()
		}
	})
	defer stopDone()
	patch := map[string]any{"metadata": map[string]any{"annotations": map[string]any{prefix + "min-scale": text}}}
	if err := c.tryMergePatch(cluster.Revisions, o.revision, patch); err != nil {
		return 0, err
	}
	var times [2]time.Time
	for i, seen := range []chan time.Time{asked, done} {
		select {
		case times[i] = <-seen:
		// Knative has to get round to it first, which is not timed.
		case <-time.After(3 * time.Minute):
			return 0, fmt.Errorf("%s: an edit did not arrive within 3 minutes (PodAutoscaler, ScaledObject: %v)", o.revision, times)
		}
	}
	// Two watches: what came second may be seen first.
	return max(times[1].Sub(times[0]), 0), nil
}

// wantSlowedLittle wants an edit not to stand in a line behind the tenant's
// thousands. That all requests are slower then is not the program's doing.
func wantSlowedLittle(t *testing.T, calm, hit edits) {
	t.Helper()
	before, after, least := median(calm.took), median(hit.took), median(hit.least)
	t.Logf("an edit takes %s in the median, %s under attack, when a read and a write take %s", before, after, least)
	if limit := 2*before + 2*least + time.Second; after > limit {
		t.Errorf("an edit takes %s under attack, want at most %s", after, limit)
	}
	if worst := hit.took[len(hit.took)-1]; worst > 15*time.Second {
		t.Errorf("an edit took %s under attack", worst)
	}
}

const mistaken = "mistaken"

// makeMistake has a good person make one.
func (g *good) makeMistake() {
	g.Helper()
	g.cases[0].deploy(service{name: mistaken, annotations: g.cases[0].customMetric(map[string]string{"metric-type": "Foo"})})
}

// waitJudged waits until its condition says so.
func (g *good) waitJudged() {
	g.Helper()
	g.cases[0].waitActive(90*time.Second, mistaken+"-00001", "False", "InvalidAnnotation", prefix+"metric-type", "Foo")
}

// waitTold waits for the Events, which give way to all other writes: those
// that the tenant causes hold them up, but must not lose them.
func (g *good) waitTold() {
	g.Helper()
	for _, about := range [][2]string{{"PodAutoscaler", mistaken + "-00001"}, {"Revision", mistaken + "-00001"}, {"Service", mistaken}} {
		message := g.cases[0].waitEvent(60*time.Second, about[0], about[1], "Warning", "InvalidAnnotation")
		g.cases[0].wantText("the event", message, prefix+"metric-type", "Foo")
	}
}

// guard watches the good revisions and notes whatever happens to them.
type guard struct {
	*testing.T
	lock       sync.Mutex
	closed     bool              // what comes later is not guarded
	was        map[string]string // by key
	free       map[string]bool   // keys of those that the test itself changes
	complaints []string
}

// fingerprints are what must stay as it is, by kind.
var fingerprints = map[schema.GroupVersionResource]func(*unstructured.Unstructured) string{
	cluster.Revisions: func(o *unstructured.Unstructured) string { return transitions(o, "Ready") },
	cluster.PodAutoscalers: func(o *unstructured.Unstructured) string {
		return transitions(o, "Active", "Ready", "ScaleTargetInitialized")
	},
	cluster.ScaledObjects: func(o *unstructured.Unstructured) string { return fmt.Sprint("generation ", o.GetGeneration()) },
	cluster.HPAs:          func(*unstructured.Unstructured) string { return "" },
}

// transitions are conditions' statuses and when they became so.
func transitions(object *unstructured.Unstructured, kinds ...string) string {
	var all []string
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		fields, _ := entry.(map[string]any)
		if kind, _ := fields["type"].(string); slices.Contains(kinds, kind) {
			all = append(all, fmt.Sprint(kind, " ", fields["status"], " since ", fields["lastTransitionTime"]))
		}
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}

// watch begins to guard what is there now.
func (g *good) watch() *guard {
	g.Helper()
	guard := &guard{T: g.T, was: map[string]string{}, free: map[string]bool{}}
	for i := range goodEdits {
		one := g.edited(i)
		guard.free[guardKey(cluster.ScaledObjects, one.c.namespace, one.revision)] = true
	}
	for _, c := range g.cases {
		informers := dynamicinformer.NewFilteredDynamicSharedInformerFactory(g.Dynamic, 0, c.namespace, nil)
		var registered []cache.InformerSynced
		for kind, fingerprint := range fingerprints {
			handler, err := informers.ForResource(kind).Informer().AddEventHandler(guard.handler(kind, fingerprint))
			if err != nil {
				g.Fatal(err)
			}
			registered = append(registered, handler.HasSynced)
		}
		informers.Start(g.Context().Done())
		if !cache.WaitForCacheSync(g.Context().Done(), registered...) {
			g.Fatal("stopped before all was listed")
		}
	}
	guard.lock.Lock()
	defer guard.lock.Unlock()
	guard.closed = true
	if want := g.guarded * len(fingerprints); len(guard.was) != want {
		g.Fatalf("%d objects to guard, want %d", len(guard.was), want)
	}
	return guard
}

func guardKey(kind schema.GroupVersionResource, namespace, name string) string {
	return kind.Resource + " " + namespace + "/" + name
}

func (g *guard) handler(kind schema.GroupVersionResource, fingerprint func(*unstructured.Unstructured) string) cache.ResourceEventHandler {
	look := func(object any) {
		o := object.(*unstructured.Unstructured)
		is := "uid " + string(o.GetUID())
		if key := guardKey(kind, o.GetNamespace(), o.GetName()); g.free[key] {
			g.look(key, is)
		} else {
			g.look(key, is+" "+fingerprint(o))
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    look,
		UpdateFunc: func(_, object any) { look(object) },
		DeleteFunc: func(object any) {
			if o, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = o.Obj
			}
			o := object.(*unstructured.Unstructured)
			g.look(guardKey(kind, o.GetNamespace(), o.GetName()), "deleted")
		},
	}
}

func (g *guard) look(key, is string) {
	g.lock.Lock()
	defer g.lock.Unlock()
	was, known := g.was[key]
	if !g.closed || known && was != is {
		g.was[key] = is
	}
	if g.closed && known && was != is {
		g.complaints = append(g.complaints, fmt.Sprintf("%s was %s, is %s", key, was, is))
	}
}

func (g *guard) wantNothingNoticed() {
	g.Helper()
	g.lock.Lock()
	defer g.lock.Unlock()
	for i, complaint := range g.complaints {
		if i == 20 {
			g.Errorf("and %d more", len(g.complaints)-i)
			break
		}
		g.Errorf("noticed: %s", complaint)
	}
	g.Logf("%d objects guarded", len(g.was))
}

// wantNoWarning wants no Warning of the program about a good revision, but
// the one that those get that scale on cpu: there are no resource metrics.
func (g *good) wantNoWarning() {
	g.Helper()
	cpu := map[string]bool{}
	for _, one := range g.all {
		if one.cpu {
			cpu[one.revision], cpu[one.service] = true, true
		}
	}
	for _, c := range g.cases {
		events, err := g.Typed.CoreV1().Events(c.namespace).List(g.Context(), metav1.ListOptions{})
		if err != nil {
			g.Fatal(err)
		}
		for _, event := range events.Items {
			about := event.InvolvedObject
			if event.Source.Component != cluster.ProgramName || event.Type != "Warning" ||
				event.Reason == "ScalingDegraded" && cpu[about.Name] || strings.HasPrefix(about.Name, mistaken) {
				continue
			}
			g.Errorf("a Warning about %s %s/%s: %s: %s", about.Kind, about.Namespace, about.Name, event.Reason, event.Message)
		}
	}
}
