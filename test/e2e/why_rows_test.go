package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"autoscaler-keda-hpa/e2e/cluster"
)

// whyRow is a situation, the answer to it, and what ends it.
type whyRow struct {
	name    string
	service service
	plain   bool          // without the test's metric
	before  func(*person) // what makes it so: before the service is deployed,
	after   func(*person) // and after
	limit   time.Duration // 0: a minute
	ready   string
	reason  string
	parts   []string              // of the summary
	step    string                // part of a command among the next steps
	mend    func(*person, string) // does the step, whose command it gets; nil: look only
	then    string                // the revision that is ready then, if another one
}

const (
	whyApp   = "app-00001"
	deadline = time.Minute
)

var whyRows = []whyRow{
	{name: "wrong-annotation", service: service{annotations: map[string]string{"metric-type": "Foo"}},
		ready: "False", reason: "InvalidAnnotation", parts: []string{prefix + "metric-type", "Foo", "Value"},
		step: "annotate revision " + whyApp, mend: do("VALUE", "Value")},
	{name: "held-by-finalizer", after: (*person).holdScaledObject,
		ready: "Unknown", reason: "WaitingForDeletion", parts: []string{"ScaledObject", whyApp},
		step: "finalizers", mend: (*person).letGo},
	{name: "not-ours", before: (*person).squat,
		ready: "False", reason: "NotOwned", parts: []string{"existing ScaledObject", whyApp, "do not own"},
		step: "delete scaledobject " + whyApp, mend: do()},
	{name: "no-cpu-request", plain: true, service: service{noRequests: true, annotations: map[string]string{"target": "80"}},
		ready: "False", reason: "ScaledObjectRejected", parts: []string{"doesn't have the cpu request defined"},
		step: "edit ksvc app", mend: edit("s/resources: {}/resources: {requests: {cpu: 50m}}/"), then: "app-00002"},
	{name: "no-memory-request", plain: true, service: service{memory: "64Mi", annotations: map[string]string{"metric": "memory", "target": "200"}},
		ready: "False", reason: "ScaledObjectRejected", parts: []string{"doesn't have the memory request defined"},
		step: "annotate revision " + whyApp, mend: do()},
	{name: "deaf-webhook", before: (*person).breakWebhook,
		ready: "Unknown", reason: "ScaledObjectNotWritten", parts: []string{"webhook", "refused"},
		step: "logs deployment/autoscaler-keda-hpa", mend: (*person).mendWebhook},
	{name: "own-one", service: service{annotations: map[string]string{"scaled-object-auto-create": "false"}},
		ready: "Unknown", reason: "WaitingForScaledObject", parts: []string{whyApp + "-deployment"},
		step: "scaled-object-auto-create=true", mend: do()},
	{name: "paused", service: service{annotations: map[string]string{"keda-paused": "true"}},
		ready: "Unknown", reason: "ScaledObjectPaused", parts: []string{"paused"},
		step: "keda-paused-", mend: do()},
	{name: "paused-later", after: (*person).pause,
		ready: "True", reason: "ScaledObjectPaused", parts: []string{"paused"},
		step: "keda-paused-", mend: do()},
	{name: "paused-at-zero", after: (*person).pauseAtZero,
		ready: "False", reason: "NoTraffic", parts: []string{"zero", "paused"},
		step: "keda-paused-replicas-", mend: do()},
	{name: "no-broker-yet", plain: true, service: service{annotations: kafkaNowhere},
		ready: "Unknown", reason: "WaitingForHPA", parts: []string{"kafka"}, step: "describe scaledobject " + whyApp},
	{name: "no-broker", plain: true, service: service{annotations: kafkaNowhere}, limit: 160 * time.Second,
		ready: "False", reason: "ScaledObjectNotReady", parts: []string{"kafka"}, step: "describe scaledobject " + whyApp},
	{name: "idle", service: service{annotations: map[string]string{"min-scale": "0", "keda-initial-cooldown-period": "1", "keda-cooldown-period": "3"}},
		before: (*person).nothingToDo, limit: 90 * time.Second,
		ready: "False", reason: "NoTraffic", parts: []string{"zero", "no mistake"},
		step: "min-scale=1", mend: do()},
	{name: "fine", ready: "True", reason: "", step: "status -n"},
	{name: "warm", service: service{annotations: map[string]string{"min-scale": "0"}},
		ready: "True", reason: "WarmHold", parts: []string{"held at 1", "until"},
		step: "keda-initial-cooldown-period=SECONDS", mend: do("SECONDS", "1")},
	{name: "no-metrics", plain: true, service: service{annotations: map[string]string{"target": "80", "min-scale": "1"}},
		ready: "True", reason: "ScalingDegraded", parts: []string{"does not scale"}, step: "top pods"},
	// More than the one node has.
	{name: "no-pod", service: service{memory: "200Ti"},
		ready: "Unknown", reason: "ServerlessServiceNotReady", parts: []string{"0 of 1 pods"}, step: "get pods"},
	{name: "one-of-two-pods", service: service{annotations: map[string]string{"initial-scale": "2"}}, before: (*person).onePod,
		ready: "True", reason: "RevisionNotReady", parts: []string{"1 of 2 pods", "quota"}, step: "get pods"},
	{name: "other-class", plain: true, service: service{annotations: map[string]string{"class": "kpa.autoscaling.knative.dev"}},
		ready: "Unknown", reason: "OtherClass", parts: []string{"kpa.autoscaling.knative.dev"}, step: "edit ksvc app"},
}

var kafkaNowhere = map[string]string{"max-scale": "10", "keda-triggers": `
- type: kafka
  metadata: {bootstrapServers: "127.0.0.1:1", consumerGroup: app, topic: orders, lagThreshold: "50"}
`}

// TestWhy asks about each situation.
func TestWhy(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	for _, row := range whyRows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.run(newCase(t, w).administrator())
		})
	}
}

func (row whyRow) run(p *person) {
	p.setMetric(5)
	if row.before != nil {
		row.before(p)
	}
	s := row.service
	s.name = "app"
	if !row.plain {
		annotations := p.customMetric(map[string]string{"min-scale": "1"})
		for name, value := range s.annotations {
			annotations[name] = value
		}
		s.annotations = annotations
	}
	p.deploy(s)
	if row.after != nil {
		// The Revision is ready before its HPA has been looked at.
		p.waitCondition(90*time.Second, cluster.PodAutoscalers, whyApp, "Ready", "True", "")
		row.after(p)
	}
	limit := row.limit
	if limit == 0 {
		limit = deadline
	}
	p.waitSaid(limit, whyApp, fmt.Sprintf("to be %s %q %q", row.ready, row.reason, row.parts), row.fits)
	said := p.wantSaid(whyApp, row.ready, row.reason, row.parts...)
	step := p.step(said, row.step)
	if row.mend == nil {
		return
	}
	row.mend(p, step)
	revision := whyApp
	if row.then != "" {
		revision = row.then
	}
	p.waitCondition(90*time.Second, cluster.PodAutoscalers, revision, "Ready", "True", "")
	p.waitSaid(30*time.Second, revision, "to be ready", func(said explanation) bool {
		return said.Ready == "True" && said.Reason != row.reason
	})
}

// fits says whether this is the answer: KEDA's words may come after the reason.
func (row whyRow) fits(said explanation) bool {
	for _, part := range row.parts {
		if !strings.Contains(said.Summary, part) {
			return false
		}
	}
	return said.Ready == row.ready && said.Reason == row.reason
}

// do runs the step as it is, with what is to be chosen in it chosen.
func do(chosen ...string) func(*person, string) {
	return func(p *person, command string) {
		p.Helper()
		p.run(strings.NewReplacer(chosen...).Replace(command))
	}
}

// edit is somebody at an editor.
func edit(change string) func(*person, string) {
	return func(p *person, command string) {
		p.Helper()
		p.run(fmt.Sprintf(`KUBE_EDITOR="sed -i '%s'" %s`, change, command))
	}
}

const heldBy = "example.com/held"

func (p *person) holdScaledObject() {
	p.Helper()
	p.mergePatch(cluster.ScaledObjects, whyApp, map[string]any{"metadata": map[string]any{
		"finalizers": []any{heldBy, "finalizer.keda.sh"}}})
	p.run("kubectl delete --wait=false scaledobject " + whyApp + " -n " + p.namespace)
	p.eventually(deadline, "only the test to hold it", func(context.Context) error {
		if left := p.must(cluster.ScaledObjects, whyApp).GetFinalizers(); len(left) != 1 || left[0] != heldBy {
			return fmt.Errorf("%v do", left)
		}
		return nil
	})
}

// letGo removes what the step shows.
func (p *person) letGo(command string) {
	p.Helper()
	p.wantText(command, p.run(command), heldBy)
	p.mergePatch(cluster.ScaledObjects, whyApp, map[string]any{"metadata": map[string]any{"finalizers": nil}})
}

func (p *person) squat() {
	p.Helper()
	object := scaledObject(whyApp, "other")
	object.SetNamespace(p.namespace)
	if err := p.Apply(p.Context(), object); err != nil {
		p.Fatal(err)
	}
}

// Nobody listens on port 1.
const brokenWebhook = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: %[1]s}
webhooks:
- name: broken.example.com
  clientConfig: {url: "https://127.0.0.1:1/"}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}
  rules: [{apiGroups: [keda.sh], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [scaledobjects]}]
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
`

func (p *person) breakWebhook() {
	p.Helper()
	if err := p.ApplyYAML(p.Context(), fmt.Sprintf(brokenWebhook, p.namespace)); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = p.removeWebhook(context.Background()) })
}

func (p *person) removeWebhook(ctx context.Context) error {
	return p.Dynamic.Resource(webhookConfigurations).Delete(ctx, p.namespace, metav1.DeleteOptions{})
}

func (p *person) mendWebhook(string) {
	p.Helper()
	if err := p.removeWebhook(p.Context()); err != nil {
		p.Fatal(err)
	}
}

func (p *person) pause() {
	p.Helper()
	p.annotate(whyApp, map[string]any{"keda-paused": "true"})
	p.waitNo(30*time.Second, cluster.HPAs, whyApp)
}

func (p *person) pauseAtZero() {
	p.Helper()
	p.annotate(whyApp, map[string]any{"keda-paused-replicas": "0"})
}

const onePodOnly = `
apiVersion: v1
kind: ResourceQuota
metadata: {name: one-pod, namespace: %s}
spec: {hard: {pods: "1"}}
`

func (p *person) onePod() {
	p.Helper()
	if err := p.ApplyYAML(p.Context(), fmt.Sprintf(onePodOnly, p.namespace)); err != nil {
		p.Fatal(err)
	}
}

func (p *person) nothingToDo() { p.setMetric(0) }

// What nobody looks after, and what cannot be yet: a world of its own, in
// which KEDA comes late and the program goes.
func TestWhyNobody(t *testing.T) {
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
	p := newCase(t, w).administrator()
	p.setMetric(5)
	p.deploy(service{name: "app", annotations: p.customMetric(map[string]string{"min-scale": "1"})})
	p.waitWhy(deadline, whyApp, "Unknown", "KEDANotInstalled")
	said := p.wantSaid(whyApp, "Unknown", "KEDANotInstalled", "KEDA")
	step := p.step(said, "get crd")
	if out, _, err := p.try(step); err == nil {
		t.Errorf("%s finds a KEDA: %s", step, out)
	}
	if err := w.InstallKEDA(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.run(step)
	p.waitFine(deadline, whyApp)

	if err := w.program.Stop(); err != nil {
		t.Fatal(err)
	}
	p.waitWhy(deadline, whyApp, "True", "ControllerNotRunning")
	p.wantSaid(whyApp, "True", "ControllerNotRunning", "does not seem to run")
	// It is not asked to do anything, but somebody asks for something.
	p.deploy(service{name: "new", annotations: p.customMetric(map[string]string{"min-scale": "1"})})
	p.waitWhy(deadline, "new-00001", "Unknown", "ControllerNotRunning")
	p.wantSaid("new-00001", "Unknown", "ControllerNotRunning", "does not seem to run")
	p.withRival()
	p.waitFine(deadline, "new-00001")
}

// withRival has Knative's autoscaler-hpa beside the program for a while.
func (p *person) withRival() {
	p.Helper()
	stop, err := p.StartAutoscalerHPA()
	if err != nil {
		p.Fatal(err)
	}
	if err := p.world.program.Start(p.Context()); err != nil {
		p.Fatal(err)
	}
	said := p.waitSaid(deadline, whyApp, "to speak of autoscaler-hpa", func(said explanation) bool {
		return said.Reason == "AutoscalerHPARunning"
	})
	// Ready is what autoscaler-hpa makes of it, at a moment of its own.
	p.wantSaid(whyApp, "", "AutoscalerHPARunning", "autoscaler-hpa")
	p.step(said, "scale deployment autoscaler-hpa --replicas=0")
	if err := stop(); err != nil {
		p.Logf("autoscaler-hpa on SIGTERM: %v", err)
	}
}
