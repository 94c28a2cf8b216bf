package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"autoscaler-keda-hpa/e2e/cluster"
)

// tenantRights are what an administrator of a namespace has there.
const tenantRights = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tenant, namespace: %[1]s}
rules:
- apiGroups: ["", apps, autoscaling, keda.sh, serving.knative.dev, autoscaling.internal.knative.dev, networking.internal.knative.dev]
  resources: ["*"]
  verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: tenant, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tenant}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: tenant}]
`

// tenant has two namespaces: one for each attack, and one with a quota.
type tenant struct {
	*testCase
	second  string
	client  dynamic.Interface // logged in as the tenant
	victims []victim
	end     context.CancelFunc
	busy    sync.WaitGroup
	struck  map[string]*tally
}

// victim is what the tenant has heard of a good revision.
type victim struct {
	name              string
	uid, scaledObject types.UID
	labels            map[string]string
	owners            []metav1.OwnerReference
}

// tally counts an attack's strikes; refused ones were an honest try too, but
// an attack of nothing else would not be one.
type tally struct {
	landed, refused atomic.Int64
	last            atomic.Value // the last refusal
}

func newTenant(t *testing.T, w *world, g *good) *tenant {
	t.Helper()
	first, second := newCase(t, w), newCase(t, w)
	for _, c := range []*testCase{first, second} {
		if err := c.ApplyYAML(t.Context(), fmt.Sprintf(tenantRights, c.namespace)); err != nil {
			t.Fatal(err)
		}
	}
	config := rest.CopyConfig(w.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "tenant"}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	n := &tenant{testCase: first, second: second.namespace, client: client, struck: map[string]*tally{}}
	for _, one := range g.all[:12] {
		pa := one.c.must(cluster.PodAutoscalers, one.revision)
		n.victims = append(n.victims, victim{one.revision, pa.GetUID(),
			one.c.must(cluster.ScaledObjects, one.revision).GetUID(), pa.GetLabels(), pa.GetOwnerReferences()})
	}
	return n
}

// attack begins all attacks, which go on until stop.
func (n *tenant) attack() {
	n.Helper()
	ctx, cancel := context.WithCancel(n.Context())
	n.end = cancel
	n.Cleanup(n.stop)
	for _, one := range attacks {
		tally := &tally{}
		n.struck[one.name] = tally
		a := &attacker{tenant: n, attack: one, ctx: ctx}
		n.busy.Go(func() {
			if one.begin != nil {
				if err := one.begin(a); err != nil && ctx.Err() == nil {
					n.Errorf("attack %s could not begin: %v", one.name, err)
					return
				}
			}
			a.goOn(tally)
		})
	}
}

func (a *attacker) goOn(tally *tally) {
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for i := 0; ; i++ {
		if err := a.strike(a, i); a.ctx.Err() != nil {
			return
		} else if err != nil {
			tally.refused.Add(1)
			tally.last.Store(err.Error())
		} else {
			tally.landed.Add(1)
		}
		select {
		case <-a.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (n *tenant) stop() {
	n.end()
	n.busy.Wait()
}

// wantAllStruck wants each attack to have been one.
func (n *tenant) wantAllStruck() {
	n.Helper()
	for _, one := range attacks {
		tally := n.struck[one.name]
		landed, refused, last := tally.landed.Load(), tally.refused.Load(), tally.last.Load()
		n.Logf("attack %-14s %5d strikes landed, %5d refused %.200v", one.name, landed, refused, last)
		if landed == 0 {
			n.Errorf("attack %s never landed; its last refusal: %v", one.name, last)
		}
	}
}

func (a *attacker) create(kind schema.GroupVersionResource, object *unstructured.Unstructured) error {
	return a.createIn(a.namespace, kind, object)
}

// createIn takes one that is there for one that it made.
func (a *attacker) createIn(namespace string, kind schema.GroupVersionResource, object *unstructured.Unstructured) error {
	_, err := a.client.Resource(kind).Namespace(namespace).Create(a.ctx, object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (a *attacker) patch(kind schema.GroupVersionResource, name string, patch map[string]any) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = a.client.Resource(kind).Namespace(a.namespace).
		Patch(a.ctx, name, types.MergePatchType, data, metav1.PatchOptions{})
	return err
}

func (a *attacker) remove(kind schema.GroupVersionResource, name string) error {
	return a.client.Resource(kind).Namespace(a.namespace).Delete(a.ctx, name, metav1.DeleteOptions{})
}

// wantBudgetKept wants no more writes of the program for any key than the
// pace of a key allows, however often the tenant struck.
func (n *tenant) wantBudgetKept(begin, end time.Time) {
	n.Helper()
	writes, err := n.Audit.WritesSince(begin, "")
	if err != nil {
		n.Fatal(err)
	}
	byKey, events, good := map[string]int{}, 0, 0
	for _, w := range writes {
		switch ref := w.ObjectRef; {
		case ref.Resource == "leases":
		case ref.Resource == "events":
			events++
		case ref.Namespace == n.namespace || ref.Namespace == n.second:
			byKey[ref.Namespace+"/"+ref.Name]++
		default:
			good++
		}
	}
	seconds := end.Sub(begin).Seconds()
	// A pass is 2 writes at most here: the ScaledObject's and the status's.
	most, all := int(2*(20+5*seconds)), 0
	worst := ""
	for key, count := range byKey {
		all += count
		if count > byKey[worst] {
			worst = key
		}
		if count > most {
			n.Errorf("%d writes for %s in %.0fs, want at most %d", count, key, seconds, most)
		}
	}
	n.Logf("in %.0fs %d writes for %d keys of the tenant's (at most %d, for %s), %d for the good ones, %d Events",
		seconds, all, len(byKey), byKey[worst], worst, good, events)
	// 50 Events a second are the process's budget.
	if limit := int(50 * (seconds + 1)); events > limit {
		n.Errorf("%d Events in %.0fs, want at most %d", events, seconds, limit)
	}
}

// wantRest wants that it is over when the tenant stops: soon no write for any
// good revision, and for the tenant's what a change of their own takes, such
// as KEDA's refusal that counts after two minutes, but no fight.
func (g *good) wantRest(n *tenant) {
	g.Helper()
	const rest, most = 15 * time.Second, 3
	stopped := time.Now()
	g.waitQuiet(3*time.Second, 60*time.Second)
	begin := time.Now()
	time.Sleep(rest)
	writes, err := g.Audit.WritesSince(begin, "")
	if err != nil {
		g.Fatal(err)
	}
	byKey, all := map[string]int{}, 0
	for _, w := range writes {
		ref := w.ObjectRef
		if ref.Resource == "leases" {
			continue
		}
		if ref.Namespace != n.namespace && ref.Namespace != n.second {
			// Those that scale on cpu say after a minute that there are no metrics of it.
			if ref.Resource == "events" {
				continue
			}
			g.Errorf("a write after the attack: %s %s (%d)", w.Verb, w.URI, w.ResponseStatus.Code)
			continue
		}
		all++
		key := ref.Namespace + "/" + ref.Name
		// What is refused is tried again, ever more seldom.
		if ref.Resource != "events" && w.ResponseStatus.Code < 400 {
			if byKey[key]++; byKey[key] == most+1 {
				g.Errorf("more than %d writes for %s in %s after the attack, the last: %s %s", most, key, rest, w.Verb, w.URI)
			}
		}
	}
	g.Logf("from %.1fs after the attack on, in %s: %d writes for the tenant's, for %d keys",
		begin.Sub(stopped).Seconds(), rest, all, len(byKey))
}

// residence is the memory that a process has now, and had at most, in kB.
func residence(t *testing.T, dir string) (now, most int) {
	t.Helper()
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &now)
		_, _ = fmt.Sscanf(line, "VmHWM: %d kB", &most)
	}
	return now, most
}

// wantCleanLog wants JSON lines without anything that a terminal obeys.
func wantCleanLog(t *testing.T, w *world) {
	t.Helper()
	log, err := os.ReadFile(w.program.Log)
	if err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(log) {
		t.Error("the log is not UTF-8")
	}
	lines := 0
	for line := range bytes.Lines(log) {
		lines++
		text := strings.TrimSuffix(string(line), "\n")
		if !json.Valid([]byte(text)) {
			t.Fatalf("line %d of the log is not JSON: %.200q", lines, text)
		}
		if at := strings.IndexFunc(text, unicode.IsControl); at >= 0 {
			t.Fatalf("line %d of the log has a control character: %.200q", lines, text[at:])
		}
	}
	t.Logf("%d lines of log, %d bytes", lines, len(log))
}

// wantCleanTexts wants the same of what the program tells of the tenant's
// objects, which others read with kubectl.
func (n *tenant) wantCleanTexts() {
	n.Helper()
	events, err := n.Typed.CoreV1().Events(n.namespace).List(n.Context(), metav1.ListOptions{})
	if err != nil {
		n.Fatal(err)
	}
	for _, event := range events.Items {
		if event.Source.Component == cluster.ProgramName && strings.ContainsFunc(event.Message, unicode.IsControl) {
			n.Errorf("an Event with a control character: %q", event.Message)
			break
		}
	}
	autoscalers, err := n.Dynamic.Resource(cluster.PodAutoscalers).Namespace(n.namespace).List(n.Context(), metav1.ListOptions{})
	if err != nil {
		n.Fatal(err)
	}
	for i := range autoscalers.Items {
		pa := &autoscalers.Items[i]
		if text := cluster.ConditionOf(pa, "Active").Message; strings.ContainsFunc(text, unicode.IsControl) {
			n.Errorf("%s: a message with a control character: %q", pa.GetName(), text)
			break
		}
	}
	n.Logf("%d PodAutoscalers and %d Events in the tenant's namespace", len(autoscalers.Items), len(events.Items))
}

func countSeries(metrics string) int {
	count := 0
	for line := range strings.Lines(metrics) {
		if !strings.HasPrefix(line, "#") {
			count++
		}
	}
	return count
}

// wantCleanMetrics has Prometheus' own tool read the metrics. Of Knative's
// names, which dashboards want as they are, it does not like all.
func wantCleanMetrics(t *testing.T, w *world) {
	t.Helper()
	const onlyStyle = 3
	command := exec.Command("promtool", "check", "metrics")
	command.Stdin = strings.NewReader((&testCase{T: t, world: w}).metrics())
	out, err := command.CombinedOutput()
	if code := exitCode(err); code != 0 && code != onlyStyle {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "kn_") {
			t.Errorf("promtool check metrics: %s", line)
		}
	}
}
