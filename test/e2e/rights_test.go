package e2e

// Each right that config/ asks for is taken away in turn: the program must say
// that it lacks it. A right that nobody misses is one too many.

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	authorization "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"autoscaler-keda-hpa/e2e/cluster"
)

// right is one verb on one resource, from the ClusterRole or the Role.
type right struct {
	inNamespace           bool // from the Role
	group, resource, verb string
}

func (r right) String() string { return r.verb + " " + r.resource }

// complaint is how the API server words the lack of a right.
func (r right) complaint() string {
	if r.resource == "podautoscalers/finalizers" {
		return "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on"
	}
	return fmt.Sprintf("cannot %s resource %q", r.verb, r.resource)
}

// deeds are what makes the program use a right. Reading needs none: it starts
// with that.
var deeds = map[string]func(*testCase, string){
	"patch podautoscalers/status":      (*testCase).newPodAutoscaler,
	"update podautoscalers/finalizers": (*testCase).newPodAutoscaler,
	"create serverlessservices":        (*testCase).newPodAutoscaler,
	"create scaledobjects":             (*testCase).newPodAutoscaler,
	"patch serverlessservices": func(c *testCase, name string) {
		c.newPodAutoscaler(name)
		c.waitThere(cluster.ServerlessServices, name)
		c.mergePatch(cluster.ServerlessServices, name, map[string]any{"spec": map[string]any{"mode": "Proxy"}})
	},
	"get scaledobjects":   (*testCase).editScaledObject,
	"patch scaledobjects": (*testCase).editScaledObject,
	"delete scaledobjects": func(c *testCase, name string) {
		c.newPodAutoscaler(name)
		c.waitThere(cluster.ScaledObjects, name)
		c.setAnnotation(name, "class", "kpa.autoscaling.knative.dev")
	},
	"create events": func(c *testCase, name string) {
		c.newPodAutoscaler(name)
		c.setAnnotation(name, "metric-type", "Foo")
	},
	// The activators are looked for once a revision scales on HTTP requests; from
	// then on one is there, for the lists too.
	"watch endpointslices": func(c *testCase, name string) {
		c.newPodAutoscaler(name)
		c.setAnnotation(name, "metric", "concurrency")
	},
	// The same event again only counts up the one that is there.
	"patch events": func(c *testCase, name string) {
		c.newPodAutoscaler(name)
		for range 2 {
			c.setAnnotation(name, "metric-type", "Foo")
			c.waitActive(10*time.Second, name, "False", "InvalidAnnotation")
			c.setAnnotation(name, "metric-type", "Utilization")
			c.waitActive(10*time.Second, name, "Unknown", "WaitingForHPA")
		}
	},
}

// newPodAutoscaler makes one as Knative would.
func (c *testCase) newPodAutoscaler(name string) {
	c.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "autoscaling.internal.knative.dev/v1alpha1", "kind": "PodAutoscaler",
		"metadata": map[string]any{"name": name, "namespace": c.namespace, "annotations": map[string]any{
			prefix + "class": class, prefix + "metric": "cpu", prefix + "target": "70",
		}},
		"spec": map[string]any{
			"protocolType": "http1", "reachability": "Reachable",
			"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": name + "-deployment"},
		},
	}}
	if err := c.Apply(c.Context(), object); err != nil {
		c.Fatal(err)
	}
}

func (c *testCase) editScaledObject(name string) {
	c.Helper()
	c.newPodAutoscaler(name)
	c.waitThere(cluster.ScaledObjects, name)
	c.mergePatch(cluster.ScaledObjects, name, map[string]any{"spec": map[string]any{"maxReplicaCount": int64(9)}})
}

func (c *testCase) setAnnotation(name, annotation, value string) {
	c.Helper()
	c.mergePatch(cluster.PodAutoscalers, name,
		map[string]any{"metadata": map[string]any{"annotations": map[string]any{prefix + annotation: value}}})
}

func TestRights(t *testing.T) {
	s := newSite(t, cluster.Options{OnlyAPIServer: true})
	s.apply("-f", s.ConfigDir(), "created")
	if err := s.LogProgramIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.world.program, err = s.replica("program"); err != nil {
		t.Fatal(err)
	}
	c := newCase(t, s.world)
	rights := c.rights()
	if len(rights) < 20 {
		t.Fatalf("config/ asks for %d rights only: %v", len(rights), rights)
	}
	lists := func(r right) bool { return r.verb == "list" }
	for i, right := range slices.DeleteFunc(slices.Clone(rights), lists) {
		c.withoutRight(right, fmt.Sprintf("without-%02d", i))
	}
	// Lists are for servers that do not stream them.
	if err := s.RestartAPIServer(t.Context(), "--feature-gates=WatchList=false"); err != nil {
		t.Fatal(err)
	}
	for _, right := range rights {
		if lists(right) {
			c.withoutRight(right, "")
		}
	}
	c.withAllRights()
}

// rights are all that the applied roles grant.
func (c *testCase) rights() []right {
	c.Helper()
	var all []right
	for _, inNamespace := range []bool{false, true} {
		role, err := c.role(inNamespace).Get(c.Context(), cluster.ProgramName, metav1.GetOptions{})
		if err != nil {
			c.Fatal(err)
		}
		for _, entry := range role.Object["rules"].([]any) {
			rule := entry.(map[string]any)
			text := func(field string) []string { s, _, _ := unstructured.NestedStringSlice(rule, field); return s }
			for _, resource := range text("resources") {
				for _, verb := range text("verbs") {
					all = append(all, right{inNamespace, text("apiGroups")[0], resource, verb})
				}
			}
		}
	}
	return all
}

// withoutRight starts the program without one of its rights, has it do what
// needs it, and wants its log to name it.
func (c *testCase) withoutRight(missing right, name string) {
	c.Helper()
	c.kill()
	if missing.String() == "patch leases" {
		// One that was let go is taken over by a patch.
		c.newLease()
	}
	restore := c.revoke(missing)
	defer restore()
	from := logSize(c.program)
	if err := c.program.Launch(); err != nil {
		c.Fatal(err)
	}
	if deed := deeds[missing.String()]; deed != nil {
		deed(c, name)
	}
	err := cluster.Poll(c.Context(), 8*time.Second, "the lack of "+missing.String()+" to be told", func(context.Context) error {
		data, err := os.ReadFile(c.program.Log)
		if err == nil && !strings.Contains(strings.ReplaceAll(string(data[from:]), `\"`, `"`), missing.complaint()) {
			err = fmt.Errorf("the log has no %q", missing.complaint())
		}
		return err
	})
	if err != nil {
		c.Errorf("%s: %v", missing, err)
	}
}

// kill ends the program, and whatever it held as the leader: its successor
// need not wait.
func (c *testCase) kill() {
	c.Helper()
	c.program.Kill()
	err := c.Dynamic.Resource(leases).Namespace(cluster.SystemNamespace).Delete(c.Context(), leaseName, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		c.Fatal(err)
	}
}

func (c *testCase) newLease() {
	c.Helper()
	lease := fmt.Sprintf("apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: %s, namespace: %s}\n"+
		`spec: {holderIdentity: "", leaseDurationSeconds: 1}`, leaseName, cluster.SystemNamespace)
	if err := c.ApplyYAML(c.Context(), lease); err != nil {
		c.Fatal(err)
	}
}

var leases = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}

func logSize(p *cluster.Program) int64 {
	info, err := os.Stat(p.Log)
	if err != nil {
		return 0
	}
	return info.Size()
}

// revoke takes a right from its role and returns what gives it back; both
// wait until the API server goes by it.
func (c *testCase) revoke(r right) (restore func()) {
	c.Helper()
	was := c.changeRole(r, func(rules []any) []any {
		var left []any
		for _, entry := range rules {
			rule := runtime.DeepCopyJSONValue(entry).(map[string]any)
			if slices.Contains(rule["resources"].([]any), any(r.resource)) && slices.Contains(rule["apiGroups"].([]any), any(r.group)) {
				rule["verbs"] = slices.DeleteFunc(rule["verbs"].([]any), func(verb any) bool { return verb == r.verb })
			}
			if len(rule["verbs"].([]any)) > 0 {
				left = append(left, rule)
			}
		}
		return left
	})
	c.waitAllowed(r, false)
	return func() {
		c.changeRole(r, func([]any) []any { return was })
		c.waitAllowed(r, true)
	}
}

// changeRole gives the role of a right other rules, and returns those it had.
func (c *testCase) changeRole(r right, change func([]any) []any) (was []any) {
	c.Helper()
	role, err := c.role(r.inNamespace).Get(c.Context(), cluster.ProgramName, metav1.GetOptions{})
	if err == nil {
		was = role.Object["rules"].([]any)
		role.Object["rules"] = change(was)
		_, err = c.role(r.inNamespace).Update(c.Context(), role, metav1.UpdateOptions{})
	}
	if err != nil {
		c.Fatal(err)
	}
	return was
}

// role is where the Role is, or the ClusterRole.
func (c *testCase) role(inNamespace bool) dynamic.ResourceInterface {
	resource := schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}
	if !inNamespace {
		return c.Dynamic.Resource(resource)
	}
	resource.Resource = "roles"
	return c.Dynamic.Resource(resource).Namespace(cluster.SystemNamespace)
}

func (c *testCase) waitThere(kind schema.GroupVersionResource, name string) {
	c.Helper()
	c.eventually(10*time.Second, kind.Resource+" "+name, func(ctx context.Context) error {
		_, err := c.get(ctx, kind, name)
		return err
	})
}

// waitAllowed waits until the API server grants the right, or does not.
func (c *testCase) waitAllowed(r right, want bool) {
	c.Helper()
	resource, subresource, _ := strings.Cut(r.resource, "/")
	review := &authorization.SubjectAccessReview{Spec: authorization.SubjectAccessReviewSpec{
		User: cluster.ProgramUser,
		ResourceAttributes: &authorization.ResourceAttributes{
			Namespace: cluster.SystemNamespace, Group: r.group,
			Resource: resource, Subresource: subresource, Verb: r.verb,
		},
	}}
	err := cluster.Poll(c.Context(), 10*time.Second, fmt.Sprintf("%s allowed: %v", r, want), func(ctx context.Context) error {
		answer, err := c.Typed.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err == nil && answer.Status.Allowed != want {
			err = fmt.Errorf("it is not so yet: %s", answer.Status.Reason)
		}
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
}

// withAllRights wants a program with all its rights to lack none.
func (c *testCase) withAllRights() {
	c.Helper()
	c.kill()
	begin := time.Now()
	if err := c.program.Start(c.Context()); err != nil {
		c.Fatal(err)
	}
	for what, deed := range deeds {
		name := "with-" + strings.NewReplacer(" ", "-", "/", "-").Replace(what)
		deed(c, name)
		c.waitThere(cluster.ServerlessServices, name)
	}
	c.waitQuiet(2*time.Second, 20*time.Second)
	forbidden, err := c.Audit.Forbidden()
	if err != nil {
		c.Fatal(err)
	}
	for _, request := range forbidden {
		if request.Received.After(begin) {
			c.Errorf("forbidden: %s %s", request.Verb, request.URI)
		}
	}
	if err := c.program.Stop(); err != nil {
		c.Errorf("on SIGTERM: %v", err)
	}
}
