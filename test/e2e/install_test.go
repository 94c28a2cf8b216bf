package e2e

// config/ comes and goes, on a control plane of its own, under 100 revisions.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"autoscaler-keda-hpa/e2e/cluster"
)

// site is a control plane that config/ is applied to by kubectl, as an
// operator would.
type site struct {
	*testing.T
	*world
}

func newSite(t *testing.T, options cluster.Options) *site {
	t.Helper()
	options.WithoutProgram = true
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c, err := cluster.Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop(t.Failed()) })
	s := &site{t, &world{Cluster: c}}
	s.run("label", "namespace", cluster.SystemNamespace,
		"pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted")
	return s
}

// in is the site for a part of the test.
func (s *site) in(t *testing.T) *site { return &site{t, s.world} }

// run runs kubectl, which has to succeed, and returns what it prints.
func (s *site) run(args ...string) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	out, err := s.Kubectl(ctx, args...)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// apply applies files and wants each object to end as told: created,
// configured, unchanged.
func (s *site) apply(flag, path, outcome string) {
	s.Helper()
	out := strings.TrimSpace(s.run("apply", "--warnings-as-errors", flag, path))
	for line := range strings.Lines(out) {
		// kubectl sends a PodDisruptionBudget's selector each time, same or not.
		if outcome == "unchanged" && strings.HasPrefix(line, "poddisruptionbudget") {
			continue
		}
		if !strings.HasSuffix(strings.TrimSpace(line), " "+outcome) {
			s.Errorf("kubectl apply %s %s: want %s: %s", flag, path, outcome, line)
		}
	}
	if count := strings.Count(out, "\n") + 1; count < 8 {
		s.Errorf("kubectl apply %s %s: only %d objects:\n%s", flag, path, count, out)
	}
}

var versions = regexp.MustCompile(`app\.kubernetes\.io/version: "([^"]+)"`)

// release is config/ as another version would ship it.
func (s *site) release(version string) string {
	s.Helper()
	files, err := filepath.Glob(filepath.Join(s.ConfigDir(), "*.yaml"))
	if err != nil {
		s.Fatal(err)
	}
	dir := s.TempDir()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			s.Fatal(err)
		}
		text := string(data)
		if have := versions.FindStringSubmatch(text); have != nil {
			text = strings.NewReplacer(have[0], strings.Replace(have[0], have[1], version, 1),
				"image: autoscaler-keda-hpa:"+have[1], "image: autoscaler-keda-hpa:"+version).Replace(text)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), []byte(text), 0o644); err != nil {
			s.Fatal(err)
		}
	}
	return dir
}

// rollout waits until the Deployment's pods have been replaced, and does the
// same with the process that stands for them: the new one is ready before the
// old one is told to end.
func (s *site) rollout(name string) {
	s.Helper()
	s.run("-n", cluster.SystemNamespace, "rollout", "status", "deployment", cluster.ProgramName, "--timeout=50s")
	old := s.program
	program, err := s.replica(name)
	if err == nil {
		err = program.Start(s.Context())
	}
	if err != nil {
		s.Fatal(err)
	}
	s.world.program = program
	if old != nil {
		if err := old.Stop(); err != nil {
			s.Errorf("the old program on SIGTERM: %v", err)
		}
	}
	err = cluster.Poll(s.Context(), 5*time.Second, name+" to lead", func(ctx context.Context) error {
		holder, err := s.Kubectl(ctx, "-n", cluster.SystemNamespace, "get", "lease", leaseName, "-o", "jsonpath={.spec.holderIdentity}")
		if err == nil && !strings.Contains(holder, "-"+name+"_") {
			err = fmt.Errorf("%q does", holder)
		}
		return err
	})
	if err != nil {
		s.Error(err)
	}
}

// replica is the program as the Deployment runs it, with leader election.
func (s *site) replica(name string) (*cluster.Program, error) {
	program, err := s.NewReplica(name)
	if err == nil {
		program.Args = nil
	}
	return program, err
}

func TestInstall(t *testing.T) {
	s := newSite(t, cluster.Options{})
	part := func(name string, do func(*site)) {
		if !t.Failed() {
			t.Run(name, func(t *testing.T) { do(s.in(t)) })
		}
	}
	part("fresh", (*site).installFresh)
	if t.Failed() {
		return
	}
	c := newCase(t, s.world)
	revisions := c.deployForInstall()
	before := c.standing(revisions)
	c.allStayReady()

	// kubectl apply leaves alone what somebody set in the ConfigMap.
	undisturbed := func(name string, do func(*site)) {
		part(name, func(s *site) {
			begin := time.Now()
			do(s)
			c := &testCase{s.T, s.world, c.namespace}
			c.waitQuiet(3*time.Second, 30*time.Second)
			c.wantNoWrites(begin)
			c.wantStanding(before, c.standing(revisions))
		})
	}
	undisturbed("upgrade", func(s *site) {
		s.apply("-f", s.release("99.0.1"), "configured")
		s.rollout("upgraded")
	})
	undisturbed("roll back", func(s *site) {
		s.apply("-f", s.ConfigDir(), "configured")
		s.rollout("rolled-back")
	})
	undisturbed("uninstall", (*site).uninstall)
	undisturbed("install again", func(s *site) {
		// Settings first: they decide what ScaledObjects look like.
		s.run("apply", "-f", filepath.Join(s.ConfigDir(), "300-config-autoscaler-keda.yaml"))
		s.setPrometheus()
		s.run("apply", "-f", s.ConfigDir())
		if err := s.LogProgramIn(s.Context()); err != nil {
			s.Fatal(err)
		}
		s.rollout("again")
	})
	part("goes on working", func(s *site) {
		c := &testCase{s.T, s.world, c.namespace}
		c.deploy(cpuService("late"))
		c.waitReady("late-00001")
		if err := s.program.Stop(); err != nil {
			s.Errorf("the program on SIGTERM: %v", err)
		}
	})
}

// installFresh installs into a namespace that takes only restricted pods.
func (s *site) installFresh() {
	const bare = "apiVersion: v1\nkind: Pod\nmetadata: {name: bare, namespace: knative-serving}\n" +
		"spec: {containers: [{name: a, image: ko.local/a}]}"
	err := s.ApplyYAML(s.Context(), bare)
	if err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
		s.Fatalf("a pod that is not restricted: want it refused, have %v", err)
	}
	dry := s.run("apply", "--warnings-as-errors", "--dry-run=server", "-f", s.ConfigDir())
	if strings.Contains(dry, cluster.SystemNamespace+" created") || !strings.Contains(dry, "created (server dry run)") {
		s.Errorf("the dry run: %s", dry)
	}
	s.apply("-f", s.ConfigDir(), "created")
	s.apply("-f", s.ConfigDir(), "unchanged")
	s.setPrometheus()
	if err := s.LogProgramIn(s.Context()); err != nil {
		s.Fatal(err)
	}
	s.rollout("first")
}

// setPrometheus edits the ConfigMap as an operator would.
func (s *site) setPrometheus() {
	s.Helper()
	s.run("-n", cluster.SystemNamespace, "patch", "configmap", "config-autoscaler-keda", "--type=merge",
		"-p", fmt.Sprintf(`{"data":{"autoscaler.keda.prometheus-address":%q}}`, s.PrometheusURL))
}

// uninstall deletes config/ under the running program, which is then stopped
// as the kubelet would stop it.
func (s *site) uninstall() {
	s.run("delete", "-f", s.ConfigDir())
	if err := s.program.Stop(); err != nil {
		s.Errorf("the program on SIGTERM, its rights gone: %v", err)
	}
	s.world.program = nil
	if left := s.run("get", "-f", s.ConfigDir(), "--ignore-not-found", "-o", "name"); left != "" {
		s.Errorf("left behind:\n%s", left)
	}
	// Its rights went before it did, so it could not give up its lease.
	s.run("-n", cluster.SystemNamespace, "delete", "lease", leaseName)
	// Neither the namespace nor anything of Knative's in it.
	s.run("-n", cluster.SystemNamespace, "get", "configmap", "config-autoscaler")
}

func cpuService(name string) service {
	return service{name: name, annotations: map[string]string{
		"metric": "cpu", "target": "70", "min-scale": "1", "max-scale": "3"}}
}

// deployForInstall deploys a hundred services of cpu, and one that needs the
// ConfigMap's Prometheus, and waits for all of them.
func (c *testCase) deployForInstall() []string {
	c.Helper()
	c.setMetric(5)
	services := []service{{name: "custom", annotations: c.customMetric(map[string]string{"min-scale": "1"})}}
	for i := range 100 {
		services = append(services, cpuService(fmt.Sprintf("app-%03d", i)))
	}
	var revisions []string
	var all sync.WaitGroup
	for _, service := range services {
		revisions = append(revisions, service.name+"-00001")
		all.Go(func() {
			if err := c.tryDeploy(service); err != nil {
				c.Error(err)
			}
		})
	}
	all.Wait()
	c.waitAllReady(3*time.Minute, revisions)
	c.waitQuiet(3*time.Second, 30*time.Second)
	return revisions
}

// standing is what must not change when the program comes and goes: identity
// and wishes of each ScaledObject and HPA, by kind and name.
func (c *testCase) standing(revisions []string) map[string]string {
	c.Helper()
	have := map[string]string{}
	for _, kind := range []schema.GroupVersionResource{cluster.ScaledObjects, cluster.HPAs, cluster.Revisions} {
		list, err := c.Dynamic.Resource(kind).Namespace(c.namespace).List(c.Context(), metav1.ListOptions{})
		if err != nil {
			c.Fatal(err)
		}
		for _, object := range list.Items {
			name := kind.Resource + "/" + object.GetName()
			have[name] = fmt.Sprintf("uid %s generation %d deleted %v",
				object.GetUID(), object.GetGeneration(), object.GetDeletionTimestamp() != nil)
		}
		if len(list.Items) < len(revisions) {
			c.Errorf("%d %s for %d revisions", len(list.Items), kind.Resource, len(revisions))
		}
	}
	return have
}

func (c *testCase) wantStanding(before, after map[string]string) {
	c.Helper()
	for name, was := range before {
		if is := after[name]; is != was {
			c.Errorf("%s: was %q, is %q", name, was, is)
		}
	}
}

// wantNoWrites wants no write of the program's to have been taken.
func (c *testCase) wantNoWrites(since time.Time) {
	c.Helper()
	writes, err := c.Audit.WritesSince(since, c.namespace)
	if err != nil {
		c.Fatal(err)
	}
	for _, write := range writes {
		c.Errorf("a write: %s %s (%d)", write.Verb, write.URI, write.ResponseStatus.Code)
	}
}

// allStayReady fails the test whenever a revision of its namespace leaves Ready.
func (c *testCase) allStayReady() {
	c.Helper()
	client := c.Dynamic.Resource(cluster.Revisions).Namespace(c.namespace)
	ready := map[types.UID]bool{}
	look := func(revision *unstructured.Unstructured) {
		is := cluster.ConditionOf(revision, "Ready").Status == "True"
		if ready[revision.GetUID()] && !is && revision.GetDeletionTimestamp() == nil {
			c.Errorf("left Ready: %v", cluster.WantCondition(revision, "Ready", "True"))
		}
		ready[revision.GetUID()] = is
	}
	ctx, cancel := context.WithCancel(c.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			// Without a version each watch starts with all objects as they are.
			watch, err := client.Watch(ctx, metav1.ListOptions{})
			if err != nil {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			for event := range watch.ResultChan() {
				if object, ok := event.Object.(*unstructured.Unstructured); ok && event.Type != "DELETED" {
					look(object)
				}
			}
		}
	}()
	c.Cleanup(func() { cancel(); <-done })
}
