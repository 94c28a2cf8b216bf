package e2e

// The program, a proxy that misbehaves in every way, and the real control
// plane behind it, whose servers are stopped, restarted and made to lag. One
// control plane for all of it; each fault gets revisions of its own, and the
// older ones must not notice.

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
	"autoscaler-keda-hpa/e2e/proxy"
)

// faults is the world of the tests with faults.
type faults struct {
	*testCase
	proxy   *proxy.Proxy
	pid     int
	base    footprint // of the program when it was warm
	watches int       // how many it keeps
	rest    []resting
}

// resting are revisions that have converged, and since when.
type resting struct {
	revisions []string
	since     time.Time
}

// on is the same world for a subtest.
func (f *faults) on(t *testing.T) *faults {
	sub := *f
	sub.testCase = &testCase{t, f.world, f.namespace}
	return &sub
}

func TestFaults(t *testing.T) {
	f := startFaults(t)
	for _, fault := range slices.Concat(answerFaults, transportFaults, serverFaults) {
		t.Run(fault.name, func(t *testing.T) {
			begin := time.Now()
			sub := f.on(t)
			sub.calm()
			fault.run(sub)
			sub.pidStays()
			f.rest = sub.rest
			t.Logf("%s took %.1fs", fault.name, time.Since(begin).Seconds())
		})
	}
	f.waitQuiet(10*time.Second, 30*time.Second)
	f.wantRest()
	revisions := 0
	for _, r := range f.rest {
		revisions += len(r.revisions)
	}
	t.Logf("%d faults, %d revisions, %d requests", f.proxy.Faults.Load(), revisions,
		len(f.proxy.Journal.Since(time.Time{}, nil)))
}

// fault is one kind of trouble: run makes it, ends it, and settles.
type fault struct {
	name string
	run  func(*faults)
}

func startFaults(t *testing.T) *faults {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	// The HPA controller's look at a new HPA is the last thing to wait for.
	c, err := cluster.Start(ctx, cluster.Options{HPASync: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop(t.Failed()) })
	p, err := c.PutProxyBefore(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if err := c.LogProgramInBy(ctx, firstLogin); err != nil {
		t.Fatal(err)
	}
	program, err := c.NewProgram()
	if err == nil {
		// With durations so short, the longer faults cost it the lead too.
		err = electable(ctx, c, program)
	}
	if err == nil {
		err = program.Start(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Kill)
	w := &world{c, program}
	f := &faults{testCase: newCase(t, w), proxy: p, pid: program.Pid()}
	f.wantHTTP2()
	// What all others are compared with, made without any fault.
	begin := time.Now()
	f.deployCPU("reference")
	f.settleFirst(begin)
	f.base, f.watches = f.footprint(), f.proxy.Watches()
	t.Logf("at rest: %+v, %d watches", f.base, f.watches)
	return f
}

func (f *faults) wantHTTP2() {
	f.Helper()
	all := f.proxy.Journal.Since(time.Time{}, nil)
	for _, entry := range all {
		if entry.Proto != "HTTP/2.0" {
			f.Fatalf("the program speaks %s: %s", entry.Proto, entry)
		}
	}
	if len(all) == 0 {
		f.Fatal("the program does not come by the proxy")
	}
}

// firstLogin is the Secret that the program's first token hangs on.
const firstLogin = "first-login"

const reference = "reference-00001"

// deployCPU deploys services of the cheapest kind and returns their revisions.
func (f *faults) deployCPU(names ...string) []string {
	f.Helper()
	var revisions []string
	for _, name := range names {
		f.deploy(service{name: name, annotations: map[string]string{"min-scale": "1", "max-scale": "3"}})
		revisions = append(revisions, name+"-00001")
	}
	return revisions
}

// some deploys a few services for a fault.
func (f *faults) some() []string {
	f.Helper()
	_, name, _ := strings.Cut(f.Name(), "/")
	name = strings.ReplaceAll(name, "_", "-")
	return f.deployCPU(name+"-a", name+"-b")
}

func (f *faults) settleFirst(begin time.Time) {
	f.Helper()
	f.waitReady(reference)
	f.eventually(60*time.Second, "the HPA to have looked at it", func(ctx context.Context) error {
		state, err := f.state(ctx, reference)
		// There are no resource metrics here: the HPA desires nothing.
		if err == nil && state.scale != "1 of 0" {
			err = fmt.Errorf("%+v", state)
		}
		return err
	})
	f.waitQuiet(6*time.Second, 60*time.Second)
	f.wantOnce(begin, []string{reference})
	f.rest = append(f.rest, resting{[]string{reference}, time.Now()})
}

// state is what the program makes of a revision, without what differs from
// one to the next.
type state struct {
	conditions map[string]string
	scale      string
	services   string
	spec       map[string]any
	labels     int
}

func (f *faults) state(ctx context.Context, revision string) (state, error) {
	pa, err := f.get(ctx, cluster.PodAutoscalers, revision)
	if err != nil {
		return state{}, err
	}
	so, err := f.get(ctx, cluster.ScaledObjects, revision)
	if err != nil {
		return state{}, err
	}
	s := state{conditions: map[string]string{}, spec: so.Object["spec"].(map[string]any), labels: len(so.GetLabels())}
	for _, kind := range []string{"Active", "ScaleTargetInitialized", "SKSReady", "Ready"} {
		have := cluster.ConditionOf(pa, kind)
		s.conditions[kind] = have.Status + have.Reason
	}
	number := func(field string) int64 {
		n, _, _ := unstructured.NestedInt64(pa.Object, "status", field)
		return n
	}
	s.scale = fmt.Sprintf("%d of %d", number("actualScale"), number("desiredScale"))
	public, _, _ := unstructured.NestedString(pa.Object, "status", "serviceName")
	s.services = strings.ReplaceAll(public, revision, "NAME")
	for _, path := range [][]string{{"scaleTargetRef", "name"}, {"advanced", "horizontalPodAutoscalerConfig", "name"}} {
		name, _, _ := unstructured.NestedString(s.spec, path...)
		_ = unstructured.SetNestedField(s.spec, strings.ReplaceAll(name, revision, "NAME"), path...)
	}
	if owner := metav1.GetControllerOf(so); owner == nil || owner.UID != pa.GetUID() {
		return s, fmt.Errorf("the ScaledObject's controller is %v", owner)
	}
	return s, nil
}

// waitAsReference waits until all is as if there had been no fault.
func (f *faults) waitAsReference(limit time.Duration, revisions []string) {
	f.Helper()
	want, err := f.state(f.Context(), reference)
	if err != nil {
		f.Fatal(err)
	}
	for _, revision := range revisions {
		f.eventually(limit, revision+" to be as without the fault", func(ctx context.Context) error {
			have, err := f.state(ctx, revision)
			if err == nil && !reflect.DeepEqual(have, want) {
				err = fmt.Errorf("have %+v, want %+v", have, want)
			}
			return err
		})
	}
}

// settle wants that the fault, which is over, leaves no trace: all ready, as
// without it, nothing made twice, and no write from then on.
func (f *faults) settle(begin time.Time, revisions []string) {
	f.Helper()
	f.settleWithin(60*time.Second, begin, revisions)
}

func (f *faults) settleWithin(limit time.Duration, begin time.Time, revisions []string) {
	f.Helper()
	f.waitAllReady(limit, revisions)
	f.waitAsReference(30*time.Second, revisions)
	f.wantOnce(begin, revisions)
	f.wantFewWrites(begin, revisions)
	f.rest = append(f.rest, resting{revisions, time.Now()})
}

// wantFewWrites wants that the way to ready took a create each and a few
// steps of the status, not a fight.
func (f *faults) wantFewWrites(begin time.Time, revisions []string) {
	f.Helper()
	tries := map[string]int{}
	writes, err := f.Audit.WritesSince(begin, f.namespace)
	if err != nil {
		f.Fatal(err)
	}
	for _, w := range writes {
		if w.ObjectRef.Resource != "events" {
			tries[w.ObjectRef.Name]++
		}
	}
	const most = 20
	for _, revision := range revisions {
		if tries[revision] > most {
			f.Errorf("%d writes for %s, want at most %d", tries[revision], revision, most)
		}
	}
	f.Logf("writes that reached the API server, by revision: %v", tries)
}

// disturbed says that this fault may touch older revisions too: they must
// have come back to what they were, and their rest begins anew.
func (f *faults) disturbed() {
	f.Helper()
	for i, r := range f.rest {
		f.waitAsReference(90*time.Second, r.revisions)
		f.rest[i].since = time.Now()
	}
}

// wantRest wants no write for any revision since it converged, but Events:
// there are no resource metrics here, of which the program tells after a
// minute.
func (f *faults) wantRest() {
	f.Helper()
	for _, r := range f.rest {
		writes, err := f.Audit.WritesSince(r.since, f.namespace)
		if err != nil {
			f.Fatal(err)
		}
		for _, w := range writes {
			if w.ObjectRef.Resource != "events" && slices.Contains(r.revisions, w.ObjectRef.Name) {
				f.Errorf("a write %.1fs after %s had converged: %s %s (%d)", w.Received.Sub(r.since).Seconds(),
					w.ObjectRef.Name, w.Verb, w.URI, w.ResponseStatus.Code)
			}
		}
	}
}

// footprint is what the program takes of the machine.
type footprint struct {
	descriptors int
	kilobytes   int
	connections int
}

func (f *faults) footprint() footprint {
	f.Helper()
	dir := fmt.Sprintf("/proc/%d", f.program.Pid())
	open, err := os.ReadDir(dir + "/fd")
	if err != nil {
		f.Fatal(err)
	}
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		f.Fatal(err)
	}
	have := footprint{descriptors: len(open), connections: f.proxy.Connections()}
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &have.kilobytes)
	}
	return have
}

// calm waits until all watches are open, and a second more: only then does a
// watch count as one that works, and the back-off of the last fault is over.
func (f *faults) calm() {
	f.Helper()
	if !f.program.Running() {
		f.startAgain()
	}
	f.pid = f.program.Pid()
	f.eventually(40*time.Second, "all watches to be open", func(context.Context) error {
		if have := f.proxy.Watches(); have < f.watches {
			return fmt.Errorf("%d are, want %d", have, f.watches)
		}
		return nil
	})
	time.Sleep(1200 * time.Millisecond)
}

// pidStays wants the same process still, and not grown.
func (f *faults) pidStays() {
	f.Helper()
	if !f.program.Running() || f.program.Pid() != f.pid {
		f.Fatalf("the program, %d, did not keep running:\n%s", f.pid, f.program.Tail(20))
	}
	have := f.footprint()
	f.Logf("%+v", have)
	// Connections are given up one by one, when their last watch ends.
	const moreDescriptors, moreKilobytes = 8, 6 << 10
	if have.descriptors > f.base.descriptors+moreDescriptors {
		f.Errorf("%d descriptors, %d at first", have.descriptors, f.base.descriptors)
	}
	if have.kilobytes > f.base.kilobytes+moreKilobytes {
		f.Errorf("%d kB resident, %d at first", have.kilobytes, f.base.kilobytes)
	}
}

// restarted is for faults that ended the program and started it again.
func (f *faults) restarted() { f.pid = f.program.Pid() }
