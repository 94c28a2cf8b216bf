package e2e

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"autoscaler-keda-hpa/e2e/cluster"
	"autoscaler-keda-hpa/e2e/proxy"
)

// serverFaults are servers in trouble, credentials that change, and the
// program stopped in the middle of a write.
var serverFaults = []fault{
	{"webhook-times-out", meetDeafWebhook},
	{"token-revoked", meetRevokedToken},
	{"authority-rotated", meetRotatedAuthority},
	{"api-server-restarted", meetAPIServerRestart},
	{"api-server-lags", meetLaggard},
	{"keda-stopped", meetKEDAStopped},
	{"etcd-stopped", meetEtcdStopped},
	{"sigterm-mid-write", meetSIGTERM},
	{"sigterm-reply-never", meetSIGTERMForNothing},
	{"sigkill-mid-write", meetSIGKILL},
}

const deafWebhook = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: deaf}
webhooks:
- name: deaf.example.com
  clientConfig: {url: "https://%s/"}
  rules: [{apiGroups: [keda.sh], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [scaledobjects]}]
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 1
`

var webhookConfigurations = schema.GroupVersionResource{
	Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations",
}

// meetDeafWebhook has a webhook that takes connections and never answers.
func meetDeafWebhook(f *faults) {
	begin := time.Now()
	deaf, err := proxy.StartRelay("127.0.0.1:0", "127.0.0.1:1")
	if err != nil {
		f.Fatal(err)
	}
	deaf.Stall()
	defer deaf.Close()
	if err := f.ApplyYAML(f.Context(), fmt.Sprintf(deafWebhook, deaf.Address)); err != nil {
		f.Fatal(err)
	}
	remove := func() error {
		return f.Dynamic.Resource(webhookConfigurations).Delete(context.Background(), "deaf", metav1.DeleteOptions{})
	}
	defer func() { _ = remove() }()
	revisions := f.some()
	for _, revision := range revisions {
		f.waitActive(30*time.Second, revision, unknown, notWritten, "deaf.example.com")
	}
	if err := remove(); err != nil {
		f.Fatal(err)
	}
	f.settle(begin, revisions)
}

// meetRevokedToken takes the program's token away, and gives it a new one
// later. That cannot be seen on the objects: the program cannot write.
func meetRevokedToken(f *faults) {
	ctx := f.Context()
	begin := time.Now()
	if err := f.RevokeLogin(ctx, firstLogin); err != nil {
		f.Fatal(err)
	}
	// The API server trusts for 10 s what it has once found good.
	f.eventually(30*time.Second, "a request to be refused", func(context.Context) error {
		refused := f.proxy.Journal.Since(begin, func(e proxy.Entry) bool { return e.Status == 401 })
		if len(refused) > 0 {
			return nil
		}
		f.proxy.AbortStreams(proxy.Filter{Watches: true})
		time.Sleep(3 * time.Second)
		return fmt.Errorf("none is")
	})
	revisions := f.some()
	time.Sleep(2 * time.Second)
	f.wantBounded(begin)
	if err := f.LogProgramInBy(ctx, "second-login"); err != nil {
		f.Fatal(err)
	}
	f.settle(begin, revisions)
}

// meetRotatedAuthority gives the API server a certificate of another
// authority, and tells the program of it a while later.
func meetRotatedAuthority(f *faults) {
	begin := time.Now()
	certificate, authority, err := f.NewServing("proxy-second")
	if err != nil {
		f.Fatal(err)
	}
	f.proxy.SetCertificate(certificate)
	f.proxy.Reset()
	revisions := f.some()
	time.Sleep(2 * time.Second)
	if reached := f.proxy.Journal.Since(begin.Add(time.Second), nil); len(reached) > 0 {
		f.Errorf("the program speaks to a server that it cannot trust: %v", reached[0])
	}
	if err := f.TrustForProgram(authority); err != nil {
		f.Fatal(err)
	}
	f.settle(begin, revisions)
}

func meetAPIServerRestart(f *faults) {
	begin := time.Now()
	deployed := make(chan []string, 1)
	go func() {
		time.Sleep(500 * time.Millisecond)
		deployed <- f.some()
	}()
	if err := f.RestartAPIServer(f.Context()); err != nil {
		f.Fatal(err)
	}
	revisions := <-deployed
	f.settleWithin(90*time.Second, begin, revisions)
}

// meetLaggard moves the program from the API server that it knows to one
// that does not hear of etcd any more, and back.
func meetLaggard(f *faults) {
	ctx := f.Context()
	laggard, err := f.StartLaggard(ctx)
	if err != nil {
		f.Fatal(err)
	}
	defer func() {
		_ = f.proxy.SetTarget(f.APIServerURL())
		f.proxy.Reset()
		laggard.Stop()
	}()
	begin := time.Now()
	revisions := f.some()
	f.waitAllReady(60*time.Second, revisions)
	f.waitAsReference(30*time.Second, revisions)
	edited := revisions[0]
	laggard.Stall()
	// From here the second server knows less than the program does.
	f.annotate(edited, map[string]any{"max-scale": "7"})
	f.waitMost(edited, 7)
	if err := f.proxy.SetTarget(laggard.URL); err != nil {
		f.Fatal(err)
	}
	f.proxy.Reset()
	more := f.deployCPU("laggard-more")
	f.eventually(20*time.Second, "watches of the second server", func(context.Context) error {
		if have := f.proxy.Watches(); have < 3 {
			return fmt.Errorf("%d are open", have)
		}
		return nil
	})
	// One that starts now has no memory either of what it did itself.
	f.program.Kill()
	if err := f.program.Launch(); err != nil {
		f.Fatal(err)
	}
	f.restarted()
	f.mergePatch(cluster.ScaledObjects, edited, map[string]any{"spec": map[string]any{"maxReplicaCount": int64(77)}})
	generation := f.must(cluster.ScaledObjects, edited).GetGeneration()
	time.Sleep(5 * time.Second)
	if have := f.must(cluster.ScaledObjects, edited).GetGeneration(); have != generation {
		f.Errorf("the ScaledObject was written by an older view: generation %d, was %d", have, generation)
	}
	laggard.Resume()
	f.waitAllReady(60*time.Second, more)
	f.waitMost(edited, 7)
	if err := f.proxy.SetTarget(f.APIServerURL()); err != nil {
		f.Fatal(err)
	}
	f.proxy.Reset()
	f.annotate(edited, map[string]any{"max-scale": "3"})
	f.settle(begin, append(revisions, more...))
}

// meetKEDAStopped deploys while none of KEDA's servers runs.
func meetKEDAStopped(f *faults) {
	begin := time.Now()
	f.StopKEDA()
	start := sync.OnceValue(func() error { return f.StartKEDA(context.Background()) })
	defer func() { _ = start() }()
	revisions := f.some()
	for _, revision := range revisions {
		f.eventually(30*time.Second, revision+" to say what it waits for", func(ctx context.Context) error {
			pa, err := f.get(ctx, cluster.PodAutoscalers, revision)
			if err != nil {
				return err
			}
			active := cluster.ConditionOf(pa, "Active")
			if active.Status != unknown || active.Reason != "WaitingForHPA" && active.Reason != notWritten {
				return fmt.Errorf("Active is %+v", active)
			}
			return nil
		})
	}
	if err := start(); err != nil {
		f.Fatal(err)
	}
	f.settleWithin(90*time.Second, begin, revisions)
}

// meetEtcdStopped stops etcd for 30 s, with a write on its way to it.
func meetEtcdStopped(f *faults) {
	const outage = 30 * time.Second
	begin := time.Now()
	late := f.proxy.Inject(proxy.Filter{Method: "POST", Parts: []string{"scaledobjects"}}, 0, proxy.Delay(time.Second))
	defer late.Remove()
	revisions := f.some()
	f.waitHits(late, len(revisions))
	f.StopEtcd()
	stopped := time.Now()
	time.Sleep(outage)
	f.wantBounded(stopped)
	if err := f.StartEtcd(); err != nil {
		f.Fatal(err)
	}
	late.Remove()
	f.settleWithin(120*time.Second, begin, revisions)
}

// waitHits waits until that many requests have met a fault.
func (f *faults) waitHits(rule *proxy.Rule, want int) {
	f.Helper()
	f.eventually(30*time.Second, "requests to meet the fault", func(context.Context) error {
		if have := rule.Hits(); have < want {
			return fmt.Errorf("%d have, want %d", have, want)
		}
		return nil
	})
}

// holdReply lets the creation of a ScaledObject happen and keeps its answer;
// it returns when that is so.
func (f *faults) holdReply(revision string, deploy func()) (release func()) {
	f.Helper()
	done, released := make(chan struct{}, 1), make(chan struct{})
	f.proxy.Inject(proxy.Filter{Method: "POST", Parts: []string{"scaledobjects", revision}}, 1,
		proxy.HoldReply(done, released))
	deploy()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		f.Fatal("the ScaledObject was not created")
	}
	return func() { close(released) }
}

// meetSIGTERM stops the program while it waits for the answer to a write,
// which comes a second later: it ends well, with that write done.
func meetSIGTERM(f *faults) {
	begin := time.Now()
	name := "sigterm-mid-write"
	revisions := []string{name + "-00001"}
	release := f.holdReply(revisions[0], func() { f.deployCPU(name) })
	time.AfterFunc(time.Second, release)
	if err := f.program.Stop(); err != nil {
		f.Errorf("the program on SIGTERM: %v", err)
	}
	f.startAgain()
	f.settle(begin, revisions)
}

// meetSIGTERMForNothing never answers: the program ends in time all the same.
func meetSIGTERMForNothing(f *faults) {
	begin := time.Now()
	name := "sigterm-reply-never"
	revisions := []string{name + "-00001"}
	release := f.holdReply(revisions[0], func() { f.deployCPU(name) })
	defer release()
	if err := f.program.Stop(); err != nil {
		f.Errorf("the program on SIGTERM: %v", err)
	}
	f.startAgain()
	f.settle(begin, revisions)
}

// meetSIGKILL kills the program after a write was done and before it knows,
// and before a write is done.
func meetSIGKILL(f *faults) {
	begin := time.Now()
	name := "sigkill-mid-write"
	revisions := []string{name + "-00001"}
	release := f.holdReply(revisions[0], func() { f.deployCPU(name) })
	defer release()
	f.program.Kill()
	if _, err := f.get(f.Context(), cluster.ScaledObjects, revisions[0]); err != nil {
		f.Errorf("the write was to have been done: %v", err)
	}
	f.startAgain()
	f.settle(begin, revisions)
	f.killBeforeWrite()
}

// killBeforeWrite kills it while a create is on its way to the API server.
func (f *faults) killBeforeWrite() {
	f.Helper()
	begin := time.Now()
	const name = "sigkill-before-write"
	revision := name + "-00001"
	rule := f.proxy.Inject(proxy.Filter{Method: "POST", Parts: []string{"scaledobjects", revision}}, 0,
		proxy.Delay(time.Hour))
	defer rule.Remove()
	f.deployCPU(name)
	f.waitHits(rule, 1)
	f.program.Kill()
	rule.Remove()
	if _, err := f.get(f.Context(), cluster.ScaledObjects, revision); !apierrors.IsNotFound(err) {
		f.Errorf("the write was not to have been done: %v", err)
	}
	f.startAgain()
	f.settle(begin, []string{revision})
}

// startAgain starts the program anew, after the fault has ended it.
func (f *faults) startAgain() {
	f.Helper()
	if err := f.program.Start(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.restarted()
}
