// Package access looks at who may reach what by config/, as kustomize puts it
// together. It needs no cluster: there is no network plugin here that would heed
// a NetworkPolicy, so its rules are read.
package access

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"autoscaler-keda-hpa/e2e/cluster"
)

const scalerName = cluster.ProgramName + "-scaler"

// manifests are objects of config/, put together by an overlay.
type manifests struct {
	*testing.T
	objects []*unstructured.Unstructured
}

// build has kubectl put a kustomization together.
func build(t *testing.T, dir string) manifests {
	t.Helper()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(filepath.Join(root, "build", "e2e", "bin", "kubectl"), "kustomize", dir)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("kubectl kustomize %s: %v", dir, err)
	}
	objects, err := cluster.DecodeYAML(string(out))
	if err != nil {
		t.Fatalf("kubectl kustomize %s: %v", dir, err)
	}
	return manifests{t, objects}
}

// read puts the object of that kind and name into a typed one.
func (m manifests) read(kind, name string, into any) {
	m.Helper()
	for _, object := range m.objects {
		if object.GetKind() != kind || object.GetName() != name {
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true); err != nil {
			m.Fatalf("%s %s: %v", kind, name, err)
		}
		return
	}
	m.Fatalf("no %s %s", kind, name)
}

// peer is a pod as a NetworkPolicy sees it.
type peer struct {
	namespace string
	labels    labels.Set
}

func (p peer) is(of networkingv1.NetworkPolicyPeer, policy *networkingv1.NetworkPolicy) bool {
	if of.IPBlock != nil {
		return false
	}
	inNamespace := p.namespace == policy.Namespace
	if of.NamespaceSelector != nil {
		inNamespace = selects(of.NamespaceSelector, labels.Set{corev1.LabelMetadataName: p.namespace})
	}
	return inNamespace && (of.PodSelector == nil || selects(of.PodSelector, p.labels))
}

func selects(selector *metav1.LabelSelector, of labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(of)
}

// admits tells whether a rule with these peers and ports lets a pod through.
func admits(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort,
	pod peer, port int, policy *networkingv1.NetworkPolicy) bool {
	return (len(peers) == 0 || slices.ContainsFunc(peers, func(of networkingv1.NetworkPolicyPeer) bool { return pod.is(of, policy) })) &&
		(len(ports) == 0 || slices.ContainsFunc(ports, func(of networkingv1.NetworkPolicyPort) bool { return of.Port.IntValue() == port }))
}

func (m manifests) policy() *networkingv1.NetworkPolicy {
	m.Helper()
	policy := &networkingv1.NetworkPolicy{}
	m.read("NetworkPolicy", cluster.ProgramName, policy)
	if want := []networkingv1.PolicyType{"Ingress", "Egress"}; !slices.Equal(policy.Spec.PolicyTypes, want) {
		m.Fatalf("the NetworkPolicy is for %v, want %v", policy.Spec.PolicyTypes, want)
	}
	return policy
}

func (m manifests) wantIn(pod peer, port int, want bool) {
	m.Helper()
	policy := m.policy()
	have := slices.ContainsFunc(policy.Spec.Ingress, func(rule networkingv1.NetworkPolicyIngressRule) bool {
		return admits(rule.From, rule.Ports, pod, port, policy)
	})
	if have != want {
		m.Errorf("%v to our port %d: let in %v, want %v", pod, port, have, want)
	}
}

func (m manifests) wantOut(pod peer, port int, want bool) {
	m.Helper()
	policy := m.policy()
	have := slices.ContainsFunc(policy.Spec.Egress, func(rule networkingv1.NetworkPolicyEgressRule) bool {
		return admits(rule.To, rule.Ports, pod, port, policy)
	})
	if have != want {
		m.Errorf("we to %v port %d: let out %v, want %v", pod, port, have, want)
	}
}

// What config/ and the manifests of Knative and KEDA call them.
var (
	kedaOperator = peer{"keda", labels.Set{"app": "keda-operator"}}
	kedaWebhooks = peer{"keda", labels.Set{"app": "keda-admission-webhooks"}}
	kedaSystem   = peer{"keda-system", kedaOperator.labels}
	tenant       = peer{"tenant", kedaOperator.labels}
	prometheus   = peer{"monitoring", labels.Set{"app.kubernetes.io/name": "prometheus"}}
	activator    = peer{cluster.SystemNamespace, labels.Set{"app": "activator", "role": "activator"}}
	impostor     = peer{"tenant", activator.labels}
)

const scalerPort, metricsPort = 9092, 9090

func overlayOf(t *testing.T, name string) string {
	t.Helper()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "config", "overlays", name)
}

// overlayWith writes an overlay of one's own that ends in these lines.
func overlayWith(t *testing.T, lines string) string {
	t.Helper()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config, err := filepath.Rel(dir, filepath.Join(root, "config"))
	if err != nil {
		t.Fatal(err)
	}
	text := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- " + config + "/base\n" +
		os.Expand(lines, func(string) string { return config })
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestScalerConfig(t *testing.T) {
	for _, overlay := range []string{"default", "ha", "seccomp", "single-namespace"} {
		t.Run(overlay, func(t *testing.T) {
			m := build(t, overlayOf(t, overlay))
			m.wantScalerService()
			m.wantActivatorsRead()
			m.wantIn(kedaOperator, scalerPort, true)
			for _, other := range []peer{kedaWebhooks, kedaSystem, tenant, prometheus, activator} {
				m.wantIn(other, scalerPort, false)
			}
			m.wantIn(prometheus, metricsPort, true)
			m.wantOut(activator, metricsPort, true)
			m.wantOut(impostor, metricsPort, false)
		})
	}
	t.Run("open-scaler", func(t *testing.T) {
		m := build(t, overlayWith(t, "components:\n- $config/components/ha\n- $config/components/open-scaler\n"))
		for _, other := range []peer{kedaOperator, kedaSystem, prometheus} {
			m.wantIn(other, scalerPort, true)
		}
		m.wantOut(activator, metricsPort, true)
	})
	t.Run("KEDA elsewhere", func(t *testing.T) {
		m := build(t, overlayWith(t, documented(t, "patches:")))
		m.wantIn(kedaSystem, scalerPort, true)
		for _, other := range []peer{kedaOperator, tenant} {
			m.wantIn(other, scalerPort, false)
		}
		m.wantIn(prometheus, metricsPort, true)
	})
}

// documented is the part of a kustomization that docs/http.md tells to write:
// from this line on what is indented as far, or further.
func documented(t *testing.T, first string) string {
	t.Helper()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(root, "docs", "http.md"))
	if err != nil {
		t.Fatal(err)
	}
	indent, block := "", ""
	for line := range strings.Lines(string(doc)) {
		switch {
		case strings.TrimSpace(line) == first:
			indent, block = line[:strings.Index(line, first)], first+"\n"
		case block != "" && !strings.HasPrefix(line, indent):
			return block
		case block != "":
			block += strings.TrimPrefix(line, indent)
		}
	}
	if block == "" {
		t.Fatalf("docs/http.md has no line %q", first)
	}
	return block
}

// wantScalerService wants the Service to lead to the port that the pod names so.
func (m manifests) wantScalerService() {
	m.Helper()
	service, deployment := &corev1.Service{}, &appsv1.Deployment{}
	m.read("Service", scalerName, service)
	m.read("Deployment", cluster.ProgramName, deployment)
	pod := deployment.Spec.Template
	if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) {
		m.Errorf("the Service selects %v, the pods are labelled %v", service.Spec.Selector, pod.Labels)
	}
	if len(service.Spec.Ports) != 1 || service.Spec.Ports[0].Port != scalerPort || service.Spec.ClusterIP != "" {
		m.Fatalf("want one port, %d, and an address of its own, have %v and clusterIP %q",
			scalerPort, service.Spec.Ports, service.Spec.ClusterIP)
	}
	target := service.Spec.Ports[0].TargetPort.StrVal
	if !slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(port corev1.ContainerPort) bool {
		return port.Name == target && port.ContainerPort == scalerPort
	}) {
		m.Errorf("the pod has no port %d named %q: %+v", scalerPort, target, pod.Spec.Containers[0].Ports)
	}
	// Else the ServiceMonitor would take it for a second place with metrics.
	if app := service.Labels["app"]; app != "" {
		m.Errorf("the Service is labelled app=%s, by which the one for metrics is found", app)
	}
}

// wantActivatorsRead wants the activators' addresses to be readable in
// Knative's namespace, and none elsewhere.
func (m manifests) wantActivatorsRead() {
	m.Helper()
	rules := map[string][]rbacv1.PolicyRule{}
	for _, object := range m.objects {
		if kind := object.GetKind(); kind == "Role" || kind == "ClusterRole" {
			role := &rbacv1.Role{}
			m.read(kind, object.GetName(), role)
			rules[role.Namespace] = append(rules[role.Namespace], role.Rules...)
		}
	}
	for namespace, of := range rules {
		have := slices.ContainsFunc(of, func(rule rbacv1.PolicyRule) bool {
			return slices.Contains(rule.Resources, "endpointslices") && slices.Equal(rule.Verbs, []string{"list", "watch"})
		})
		if want := namespace == cluster.SystemNamespace; have != want {
			m.Errorf("EndpointSlices in namespace %q: readable %v, want %v", namespace, have, want)
		}
	}
}
