package e2e

// Two replicas with leader election on the real API server: one is told to
// end, or stopped past its lease, in the middle of its work. The audit log
// tells who wrote what by the pod's name in the user agent.

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"autoscaler-keda-hpa/e2e/cluster"
)

const (
	leaseName = "hpaautoscaler.knative.dev.autoscaler-keda.pkg.reconciler.autoscaling.hpa.reconciler.00-of-01"
	// A ConfigMap of our own: Knative's controllers go on with theirs.
	electionMap = "config-leader-election-e2e"
)

var election = map[string]string{"lease-duration": "4s", "renew-deadline": "3s", "retry-period": "1s"}

// electable makes a program take part in leader election, with durations that
// suit a test.
func electable(ctx context.Context, c *cluster.Cluster, program *cluster.Program) error {
	program.Args = nil
	program.Env = []string{"CONFIG_LEADERELECTION_NAME=" + electionMap}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: electionMap}, Data: election}
	_, err := c.Typed.CoreV1().ConfigMaps(cluster.SystemNamespace).Create(ctx, config, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// pair is two replicas, in place of the one program that other tests share.
type pair struct {
	*testCase
	all [2]*cluster.Program
}

func startPair(t *testing.T) *pair {
	t.Helper()
	w := sharedWorld(t)
	p := &pair{testCase: newCase(t, w)}
	p.setMetric(5)
	if err := w.program.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.giveBack() })
	for i := range p.all {
		var err error
		if p.all[i], err = w.NewReplica(fmt.Sprintf("replica-%d", i)); err == nil {
			err = electable(t.Context(), w.Cluster, p.all[i])
		}
		if err != nil {
			t.Fatal(err)
		}
		p.start(i)
	}
	return p
}

func (p *pair) start(i int) {
	p.Helper()
	if err := p.all[i].Start(p.Context()); err != nil {
		p.Fatal(err)
	}
}

// giveBack ends the pair and starts the shared program again.
func (p *pair) giveBack() {
	for _, replica := range p.all {
		if replica != nil && replica.Running() {
			_ = syscall.Kill(replica.Pid(), syscall.SIGCONT)
			if err := replica.Stop(); err != nil {
				p.Error(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.program.Start(ctx); err != nil {
		p.Error(err)
	}
}

// holder is the number of the replica that the Lease names, or -1.
func (p *pair) holder(ctx context.Context) (int, error) {
	lease, err := p.Typed.CoordinationV1().Leases(cluster.SystemNamespace).Get(ctx, leaseName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || (err == nil && lease.Spec.HolderIdentity == nil) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	for i := range p.all {
		if strings.HasPrefix(*lease.Spec.HolderIdentity, fmt.Sprintf("autoscaler-keda-hpa-replica-%d_", i)) {
			return i, nil
		}
	}
	return -1, nil
}

// waitLeader waits until one leads, or that one if want is not -1, and
// returns which, and after what time.
func (p *pair) waitLeader(limit time.Duration, want int) (int, time.Duration) {
	p.Helper()
	begin, leader := time.Now(), -1
	for ; ; time.Sleep(20 * time.Millisecond) {
		var err error
		if leader, err = p.holder(p.Context()); err != nil {
			p.Fatal(err)
		}
		if leader >= 0 && (want < 0 || leader == want) {
			return leader, time.Since(begin)
		}
		if time.Since(begin) > limit {
			p.Fatalf("after %s replica %d leads, want %d\n%s\n%s", limit, leader, want,
				p.all[0].Tail(10), p.all[1].Tail(10))
		}
	}
}

// writesOf are the writes of one replica since a time, those of its Lease
// apart.
func (p *pair) writesOf(i int, since time.Time) (work, leases []cluster.Request) {
	p.Helper()
	requests, err := p.Audit.WritesSince(since, "")
	if err != nil {
		p.Fatal(err)
	}
	for _, r := range requests {
		switch {
		case !strings.HasSuffix(r.UserAgent, fmt.Sprintf("(autoscaler-keda-hpa-replica-%d)", i)):
		case r.ObjectRef.Resource == "leases":
			leases = append(leases, r)
		default:
			work = append(work, r)
		}
	}
	return work, leases
}

// converges waits until all is ready; then nobody has anything to write, and
// nothing was made twice.
func (p *pair) converges(begin time.Time, revisions []string) {
	p.Helper()
	p.waitAllReady(2*time.Minute, revisions)
	p.waitQuiet(5*time.Second, time.Minute)
	p.wantOnce(begin, revisions)
}

// deployRound deploys ten services of that round at once and returns their
// revisions.
func (p *pair) deployRound(round int) []string {
	p.Helper()
	revisions := make([]string, 10)
	var all sync.WaitGroup
	for i := range revisions {
		name := fmt.Sprintf("round-%d-%02d", round, i)
		revisions[i] = name + "-00001"
		all.Go(func() {
			annotations := p.customMetric(map[string]string{"min-scale": "1", "max-scale": "2"})
			if err := p.tryDeploy(service{name: name, annotations: annotations}); err != nil {
				p.Error(err)
			}
		})
	}
	all.Wait()
	return revisions
}

// worked waits until a replica has written that much since a time: it is in
// the middle of its work.
func (p *pair) worked(i int, since time.Time, writes int) {
	p.Helper()
	p.eventually(30*time.Second, fmt.Sprintf("replica %d to write", i), func(context.Context) error {
		if work, _ := p.writesOf(i, since); len(work) < writes {
			return fmt.Errorf("%d writes, want %d", len(work), writes)
		}
		return nil
	})
}

// SIGTERM in the middle of its work: the other leads within two seconds.
func TestLeaderTerminated(t *testing.T) {
	p := startPair(t)
	for round := range 3 {
		leader, _ := p.waitLeader(20*time.Second, -1)
		other := 1 - leader
		begin := time.Now()
		deployed := make(chan []string, 1)
		go func() { deployed <- p.deployRound(round) }()
		p.worked(leader, begin, 3*round+1)
		signalled := time.Now()
		if err := p.all[leader].Stop(); err != nil {
			t.Fatal(err)
		}
		ended := time.Since(signalled)
		p.waitLeader(2*time.Second, other)
		took := time.Since(signalled)
		t.Logf("round %d: ended after %s, followed after %s", round, ended, took)
		if took > 2*time.Second {
			t.Errorf("followed only %s after SIGTERM", took)
		}
		p.converges(begin, <-deployed)
		p.start(leader)
	}
}

// SIGSTOP past its lease in the middle of its work, then SIGCONT: it writes
// nothing more once another leads.
func TestLeaderStopped(t *testing.T) {
	p := startPair(t)
	for round := range 3 {
		leader, _ := p.waitLeader(20*time.Second, -1)
		other := 1 - leader
		begin := time.Now()
		deployed := make(chan []string, 1)
		go func() { deployed <- p.deployRound(round) }()
		p.worked(leader, begin, 4*round+1)
		if err := syscall.Kill(p.all[leader].Pid(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		_, took := p.waitLeader(20*time.Second, other)
		revisions := <-deployed
		p.waitAllReady(2*time.Minute, revisions)
		if err := syscall.Kill(p.all[leader].Pid(), syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		p.converges(begin, revisions)
		_, leases := p.writesOf(other, begin)
		if len(leases) == 0 {
			t.Fatalf("replica %d has not written the lease", other)
		}
		since := leases[0].Received
		late, claims := p.writesOf(leader, since)
		for _, write := range late {
			t.Errorf("round %d: %s %s (%d) by the former leader, %s after the other one led", round, write.Verb,
				write.URI, write.ResponseStatus.Code, write.Received.Sub(since))
		}
		work, _ := p.writesOf(other, since)
		t.Logf("round %d: followed after %s; %d writes by the new leader, none but %d on its lease by the old",
			round, took, len(work), len(claims))
		if len(work) == 0 {
			t.Errorf("round %d: the leader had nothing left to do when it was stopped", round)
		}
	}
}

// A ConfigMap that cannot be: the program says so and ends, before it writes
// anything.
func TestLeaderMisconfigured(t *testing.T) {
	w := sharedWorld(t)
	c := newCase(t, w)
	maps := w.Typed.CoreV1().ConfigMaps(cluster.SystemNamespace)
	wrong := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: electionMap + "-wrong"},
		Data: map[string]string{"buckets": "11"}}
	if _, err := maps.Create(t.Context(), wrong, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = maps.Delete(context.Background(), wrong.Name, metav1.DeleteOptions{}) })
	misled, err := w.NewReplica("misled")
	if err != nil {
		t.Fatal(err)
	}
	misled.Args, misled.Env = nil, []string{"CONFIG_LEADERELECTION_NAME=" + wrong.Name}
	if err := misled.Launch(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(misled.Kill)
	c.eventually(10*time.Second, "the program to end", func(context.Context) error {
		if misled.Running() {
			return fmt.Errorf("it runs; its last words:\n%s", misled.Tail(5))
		}
		return nil
	})
	c.wantText("log", misled.Tail(5), "ConfigMap "+wrong.Name+": buckets: value must be between 1 and 10, it is 11")
}
