package e2e

// The attacks, each a row: what is there first, and what is then done over
// and over. Most are on PodAutoscalers made by hand, which an administrator of
// a namespace may do, and which cost the other controllers least.

import (
	"context"
	"fmt"
	"net"
	"sort"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"autoscaler-keda-hpa/e2e/cluster"
)

// attack is one of the things that the tenant does: begin once, then strike
// again and again, told how often it was.
type attack struct {
	name   string
	every  time.Duration
	begin  func(*attacker) error
	strike func(*attacker, int) error
}

// Together about 80 strikes a second, most of them edits. Each costs the API
// server, webhooks and controllers several times as much, and all that the
// good ones need goes by those too: this is to test the program, not them.
const (
	often     = 120 * time.Millisecond
	sometimes = 400 * time.Millisecond
	seldom    = 2 * time.Second
)

var attacks = []attack{
	// Refused and accepted in turn; accepted in many ways in turn.
	{"flap", often, some(24, harmless), (*attacker).flap},
	{"retune", often, some(24, harmless), (*attacker).retune},
	{"class", sometimes, some(24, harmless), (*attacker).flipClass},
	{"huge", seldom, some(12, harmless), (*attacker).huge},
	{"escapes", often, some(24, harmless), (*attacker).escapes},
	// What was made by us.
	{"hammer", often, some(1, harmless), (*attacker).drift},
	{"drift", often, some(24, harmless), (*attacker).drift},
	{"delete", sometimes, some(24, harmless), (*attacker).deleteScaledObject},
	{"hold", sometimes, some(24, harmless), (*attacker).hold},
	{"recreate", sometimes, some(24, harmless), (*attacker).recreate},
	// What is not ours, or not theirs.
	{"squat", sometimes, nil, (*attacker).squat},
	{"forge-owner", sometimes, nil, (*attacker).forgeOwner},
	{"forge-labels", sometimes, nil, (*attacker).forgeLabels},
	{"forge-name", sometimes, nil, (*attacker).forgeName},
	{"own-for-others", seldom, nil, (*attacker).targetOthers},
	// Text that nobody writes by mistake, and what others have to bear.
	{"hostile", sometimes, nil, (*attacker).hostileText},
	{"quota", sometimes, (*attacker).limit, (*attacker).overQuota},
	{"labels", sometimes, nil, (*attacker).oddLabels},
	// Whole Services, few enough that Knative can bear them: it is not its test.
	{"services", 2500 * time.Millisecond, nil, (*attacker).deployHostile},
	{"again", 4 * time.Second, nil, (*attacker).deployAgain},
	{"black-hole", 5 * time.Second, (*attacker).digHole, (*attacker).deployBlackHole},
}

// attacker is the tenant busy with one attack.
type attacker struct {
	*tenant
	attack
	ctx   context.Context
	count int    // of the objects that it turns to, one after the other
	hole  string // an address that takes connections and never answers
}

// harmless are annotations that nobody has anything against.
var harmless = map[string]any{
	"metric": "raw_scale", "metric-type": "Value", "target": "5", "max-scale": "10",
	"prometheus-query": "sum(raw_scale)",
}

// some makes that many PodAutoscalers named after the attack.
func some(count int, annotations map[string]any) func(*attacker) error {
	return func(a *attacker) error {
		a.count = count
		for i := range count {
			if err := a.makePodAutoscaler(a.numbered(i), annotations); err != nil {
				return err
			}
		}
		return nil
	}
}

func (a *attacker) numbered(i int) string { return fmt.Sprintf("%s-%02d", a.name, i) }

// turn is the object whose turn it is, and which round it is.
func (a *attacker) turn(i int) (name string, round int) { return a.numbered(i % a.count), i / a.count }

func podAutoscaler(name string, annotations map[string]any) *unstructured.Unstructured {
	full := map[string]any{prefix + "class": class}
	for key, value := range annotations {
		full[prefix+key] = value
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "autoscaling.internal.knative.dev/v1alpha1", "kind": "PodAutoscaler",
		"metadata": map[string]any{"name": name, "annotations": full},
		"spec": map[string]any{
			"protocolType": "http1", "reachability": "Reachable",
			"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": name + "-deployment"},
		},
	}}
}

func (a *attacker) makePodAutoscaler(name string, annotations map[string]any) error {
	return a.create(cluster.PodAutoscalers, podAutoscaler(name, annotations))
}

func (a *attacker) annotate(name, annotation string, value any) error {
	return a.patch(cluster.PodAutoscalers, name,
		map[string]any{"metadata": map[string]any{"annotations": map[string]any{prefix + annotation: value}}})
}

// flap has what Knative's webhook does not look at.
func (a *attacker) flap(i int) error {
	name, round := a.turn(i)
	return a.annotate(name, "keda-polling-interval", []string{"soon", "5"}[round%2])
}

func (a *attacker) retune(i int) error {
	name, round := a.turn(i)
	return a.annotate(name, "target", fmt.Sprint(1+round%97))
}

func (a *attacker) flipClass(i int) error {
	name, round := a.turn(i)
	to := [][2]string{{"kpa.autoscaling.knative.dev", "concurrency"}, {class, "raw_scale"}}[round%2]
	return a.patch(cluster.PodAutoscalers, name, map[string]any{"metadata": map[string]any{
		"annotations": map[string]any{prefix + "class": to[0], prefix + "metric": to[1]}}})
}

// huge edits annotations of nearly all the 256 KiB that Kubernetes allows.
func (a *attacker) huge(i int) error {
	name, _ := a.turn(i)
	return a.annotate(name, "keda-triggers", fmt.Sprint("# ", i, strings.Repeat("\n- x", 60_000)))
}

// escapes has text for terminals, logs and labels, each time another one so
// that no two Events are the same.
func (a *attacker) escapes(i int) error {
	name, _ := a.turn(i)
	return a.annotate(name, "metric-type", fmt.Sprintf("\x1b[2J\x1b]0;%d\a\"}\n{\"level\":\"info\"}\r\u009b31m\u202e\u2028\x00", i))
}

func (a *attacker) drift(i int) error {
	name, round := a.turn(i)
	return a.patch(cluster.ScaledObjects, name, map[string]any{"spec": map[string]any{"maxReplicaCount": 20 + round%50}})
}

func (a *attacker) deleteScaledObject(i int) error {
	name, _ := a.turn(i)
	return a.remove(cluster.ScaledObjects, name)
}

// hold deletes a ScaledObject that it keeps from going.
func (a *attacker) hold(i int) error {
	name, round := a.turn(i)
	finalizers := []any{"example.com/held"}
	if round%4 == 3 {
		finalizers = nil
	}
	err := a.patch(cluster.ScaledObjects, name, map[string]any{"metadata": map[string]any{"finalizers": finalizers}})
	if err != nil {
		return err
	}
	return a.remove(cluster.ScaledObjects, name)
}

func (a *attacker) recreate(i int) error {
	name, _ := a.turn(i)
	if err := a.remove(cluster.PodAutoscalers, name); err != nil {
		return err
	}
	return a.makePodAutoscaler(name, harmless)
}

func scaledObject(name, target string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
		"metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"scaleTargetRef": map[string]any{"name": target},
			"triggers": []any{map[string]any{"type": "cron", "metadata": map[string]any{
				"timezone": "UTC", "start": "0 0 1 1 *", "end": "0 0 2 1 *", "desiredReplicas": "1"}}},
		},
	}}
}

func autoscaler(name, target string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
		"metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
			"maxReplicas":    int64(3),
		},
	}}
}

func serverlessService(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "networking.internal.knative.dev/v1alpha1", "kind": "ServerlessService",
		"metadata": map[string]any{"name": name},
		"spec": map[string]any{"mode": "Serve", "protocolType": "http1",
			"objectRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": name}},
	}}
}

// squat takes a name before the PodAutoscaler comes that wants it.
func (a *attacker) squat(i int) error {
	name := a.numbered(i % 36)
	var err error
	switch i % 3 {
	case 0:
		err = a.create(cluster.ScaledObjects, scaledObject(name, name))
	case 1:
		err = a.create(cluster.HPAs, autoscaler(name, name))
	case 2:
		err = a.create(cluster.ServerlessServices, serverlessService(name))
	}
	if err != nil {
		return err
	}
	return a.makePodAutoscaler(name, harmless)
}

// forgeOwner makes children that say to be somebody else's, in whose
// namespace the tenant may do nothing.
func (a *attacker) forgeOwner(i int) error {
	victim := a.victims[i%len(a.victims)]
	yes := true
	for kind, object := range map[schema.GroupVersionResource]*unstructured.Unstructured{
		cluster.ScaledObjects:      scaledObject(victim.name, victim.name),
		cluster.HPAs:               autoscaler(victim.name, victim.name),
		cluster.ServerlessServices: serverlessService(victim.name),
	} {
		owner := metav1.OwnerReference{APIVersion: "autoscaling.internal.knative.dev/v1alpha1",
			Kind: "PodAutoscaler", Name: victim.name, UID: victim.uid, Controller: &yes}
		if kind == cluster.HPAs {
			owner.APIVersion, owner.Kind, owner.UID = "keda.sh/v1alpha1", "ScaledObject", victim.scaledObject
		}
		object.SetOwnerReferences([]metav1.OwnerReference{owner})
		if err := a.create(kind, object); err != nil {
			return err
		}
	}
	return nil
}

// forgeLabels has Warnings told to somebody else's Service and Revision.
// Half of them have forged owners too, until the garbage collector comes.
func (a *attacker) forgeLabels(i int) error {
	victim := a.victims[i%len(a.victims)]
	name := a.numbered(i % 24)
	object := podAutoscaler(name, map[string]any{"metric-type": "wrong"})
	object.SetLabels(victim.labels)
	if i%2 == 0 {
		object.SetOwnerReferences(victim.owners)
	}
	if err := a.create(cluster.PodAutoscalers, object); err != nil {
		return err
	}
	return a.annotate(name, "metric-type", fmt.Sprint("wrong-", i))
}

// forgeName has somebody else's names, and they come and go.
func (a *attacker) forgeName(i int) error {
	name := a.victims[i/2%len(a.victims)].name
	if i%2 == 1 {
		return a.remove(cluster.PodAutoscalers, name)
	}
	return a.makePodAutoscaler(name, harmless)
}

// targetOthers names somebody else's Deployment.
func (a *attacker) targetOthers(i int) error {
	victim := a.victims[i%len(a.victims)]
	name := a.numbered(i % 24)
	if err := a.create(cluster.ScaledObjects, scaledObject(name, victim.name+"-deployment")); err != nil {
		return err
	}
	object := podAutoscaler(name, map[string]any{"scaled-object-auto-create": "false"})
	if err := unstructured.SetNestedField(object.Object, victim.name+"-deployment", "spec", "scaleTargetRef", "name"); err != nil {
		return err
	}
	return a.create(cluster.PodAutoscalers, object)
}

// hostileKinds are the names of the hostile annotations, in an order.
func hostileKinds() []string {
	var names []string
	for name := range hostile {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// hostileAnnotations are those of a kind, with what else makes it look good.
func hostileAnnotations(kind string) map[string]any {
	annotations := map[string]any{}
	for name, value := range harmless {
		annotations[name] = value
	}
	delete(annotations, "metric-type")
	bad := hostile[kind]
	annotations[bad.annotation] = bad.value
	return annotations
}

func (a *attacker) hostileText(i int) error {
	kinds := hostileKinds()
	kind := kinds[i%len(kinds)]
	// A dozen of each, then the same again from the start.
	return a.makePodAutoscaler(fmt.Sprintf("hostile-%s-%02d", kind, i/len(kinds)%12), hostileAnnotations(kind))
}

// oddLabels has what the labels and texts of metrics could be broken by, and
// names as long as they may be.
func (a *attacker) oddLabels(i int) error {
	long := fmt.Sprintf("%s-%02d", strings.Repeat("long", 15), i%24)
	annotations := map[string]any{}
	for name, value := range harmless {
		annotations[name] = value
	}
	annotations["metric"] = "a\"} 1\nb{c=\"\\"
	annotations["prometheus-query"] = "sum(x{a=\"\\\"\n\"}) # \x1b[31m"
	annotations["trigger-prometheus-name"] = "t\"\n\\"
	annotations["keda-custom-headers"] = "a=b\r\nc: d"
	// With what Knative appends for the Deployment that is the most.
	return a.makePodAutoscaler(long[len(long)-52:], annotations)
}

const noScaledObjects = `
apiVersion: v1
kind: ResourceQuota
metadata: {name: none, namespace: %s}
spec: {hard: {count/scaledobjects.keda.sh: "0"}}
`

// limit has a namespace in which no ScaledObject may be.
func (a *attacker) limit() error {
	return a.ApplyYAML(a.ctx, fmt.Sprintf(noScaledObjects, a.second))
}

func (a *attacker) overQuota(i int) error {
	return a.createIn(a.second, cluster.PodAutoscalers, podAutoscaler(a.numbered(i%48), harmless))
}

func (a *attacker) deployHostile(i int) error {
	kinds := hostileKinds()
	kind := kinds[i%len(kinds)]
	annotations := map[string]string{}
	for name, value := range hostileAnnotations(kind) {
		annotations[name] = value.(string)
	}
	return a.create(cluster.Services, service{name: a.numbered(i % 24), annotations: annotations}.object(a.namespace))
}

// deployAgain deletes a Service, and makes another of its name at once.
func (a *attacker) deployAgain(i int) error {
	name := a.numbered(i % 4)
	if i >= 4 {
		if err := a.remove(cluster.Services, name); err != nil {
			return err
		}
	}
	return a.create(cluster.Services, service{name: name, annotations: a.customMetric(nil)}.object(a.namespace))
}

func (a *attacker) digHole() error {
	// Nobody accepts: the kernel takes the connection, and that is all.
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	a.Cleanup(func() { hole.Close() })
	a.hole = "http://" + hole.Addr().String()
	return nil
}

func (a *attacker) deployBlackHole(i int) error {
	annotations := a.customMetric(map[string]string{"prometheus-address": a.hole, "min-scale": "1"})
	return a.create(cluster.Services, service{name: a.numbered(i % 6), annotations: annotations}.object(a.namespace))
}
