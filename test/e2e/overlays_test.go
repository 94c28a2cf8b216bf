package e2e

// config/overlays on a real API server with prometheus-operator's kinds.

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"autoscaler-keda-hpa/e2e/cluster"
)

func TestOverlays(t *testing.T) {
	s := newSite(t, cluster.Options{OnlyAPIServer: true})
	if err := s.InstallMonitoringCRDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	overlay := func(name string) string { return filepath.Join(s.ConfigDir(), "overlays", name) }
	for _, one := range []struct {
		name string
		look func(*site)
	}{
		{"default", (*site).lookAtDefault},
		{"ha", (*site).lookAtHA},
		{"monitoring", (*site).lookAtMonitoring},
		{"seccomp", (*site).lookAtSeccomp},
		{"single-namespace", (*site).lookAtSingleNamespace},
	} {
		t.Run(one.name, func(t *testing.T) {
			s := s.in(t)
			s.run("apply", "--warnings-as-errors", "--dry-run=server", "-k", overlay(one.name))
			s.apply("-k", overlay(one.name), "created")
			s.apply("-k", overlay(one.name), "unchanged")
			one.look(s)
			s.run("delete", "-k", overlay(one.name))
		})
	}
	t.Run("from one to another", func(t *testing.T) {
		s := s.in(t)
		s.run("apply", "-f", s.ConfigDir())
		s.run("apply", "--warnings-as-errors", "-k", overlay("ha"))
		s.lookAtHA()
		s.run("apply", "--warnings-as-errors", "-f", s.ConfigDir())
		s.lookAtDefault()
	})
	t.Run("of one's own", func(t *testing.T) { s.in(t).ownOverlay() })
}

// lookAtDefault wants what kubectl apply -f config/ would install.
func (s *site) lookAtDefault() {
	s.Helper()
	s.run("diff", "-f", s.ConfigDir())
	s.wantField("deployment", "{.spec.replicas}", "1")
	s.wantField("poddisruptionbudget", "{.spec.minAvailable},{.spec.maxUnavailable}", ",1")
	s.wantField("serviceaccount", "{.metadata.namespace}", cluster.SystemNamespace)
	for _, kind := range []string{"clusterrole", "clusterrolebinding", "role", "rolebinding", "networkpolicy", "service"} {
		s.wantField(kind, "{.metadata.name}", cluster.ProgramName)
	}
}

func (s *site) lookAtHA() {
	s.Helper()
	s.wantField("deployment", "{.spec.replicas}", "2")
	s.wantField("deployment", "{.spec.template.spec.topologySpreadConstraints[*].topologyKey}",
		"kubernetes.io/hostname topology.kubernetes.io/zone")
	s.wantField("poddisruptionbudget", "{.spec.minAvailable},{.spec.maxUnavailable}", "1,")
	if args := s.run("-n", cluster.SystemNamespace, "get", "deployment", cluster.ProgramName, "-o", "yaml"); strings.Contains(args, "--disable-ha") {
		s.Error("two replicas without leader election")
	}
}

// lookAtSeccomp wants both the pod and the container under the profile.
func (s *site) lookAtSeccomp() {
	s.Helper()
	const pod = "{.spec.template.spec"
	for _, path := range []string{pod, pod + ".containers[0]"} {
		path += ".securityContext.seccompProfile"
		s.wantField("deployment", path+".type} "+path+".localhostProfile}", "Localhost profiles/autoscaler-keda-hpa.json")
	}
	s.wantField("deployment", "{.spec.replicas}", "1")
}

// wantField wants the named part of our object of that kind.
func (s *site) wantField(kind, path, want string) {
	s.Helper()
	if have := s.run("-n", cluster.SystemNamespace, "get", kind, cluster.ProgramName, "-o", "jsonpath="+path); have != want {
		s.Errorf("%s %s is %q, want %q", kind, path, have, want)
	}
}

// lookAtMonitoring wants a ServiceMonitor that finds the Service's port, and a
// dashboard where Grafana looks for it; of what they speak, TestMonitoring asks.
func (s *site) lookAtMonitoring() {
	s.Helper()
	port := s.monitoring("servicemonitors", "spec", "endpoints")[0].(map[string]any)["port"]
	s.wantField("service", "{.spec.ports[*].name}", fmt.Sprint(port))
	selector, _, _ := unstructured.NestedString(s.monitor("servicemonitors").Object, "spec", "selector", "matchLabels", "app")
	s.wantField("service", "{.metadata.labels.app}", selector)
	s.monitoring("prometheusrules", "spec", "groups")
	applied := s.run("-n", cluster.SystemNamespace, "get", "configmap", "-l", "grafana_dashboard=1",
		"-o", `jsonpath={.items[*].data.autoscaler-keda-hpa\.json}`)
	shipped, err := os.ReadFile(filepath.Join(s.ConfigDir(), "monitoring", "dashboard.json"))
	if err != nil {
		s.Fatal(err)
	}
	if strings.TrimSpace(applied) != strings.TrimSpace(string(shipped)) {
		s.Error("the dashboard that is applied is not the one of config/monitoring")
	}
}

func (s *site) monitor(resource string) *unstructured.Unstructured {
	s.Helper()
	kind := schema.GroupVersionResource{Group: "monitoring.coreos.com", Version: "v1", Resource: resource}
	object, err := s.Dynamic.Resource(kind).Namespace(cluster.SystemNamespace).
		Get(s.Context(), cluster.ProgramName, metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return object
}

func (s *site) monitoring(resource string, path ...string) []any {
	s.Helper()
	list, _, err := unstructured.NestedSlice(s.monitor(resource).Object, path...)
	if err != nil || len(list) == 0 {
		s.Fatalf("%s: no %v: %v", resource, path, err)
	}
	return list
}

// start runs the program as the applied Deployment would.
func (s *site) start() {
	s.Helper()
	err := s.LogProgramIn(s.Context())
	if err == nil {
		s.world.program, err = s.replica(strings.ReplaceAll(s.Name(), "/", "-"))
	}
	if err != nil {
		s.Fatal(err)
	}
	args := s.run("-n", cluster.SystemNamespace, "get", "deployment", cluster.ProgramName,
		"-o", "jsonpath={.spec.template.spec.containers[0].args}")
	if args != "" {
		var more []string
		if err := json.Unmarshal([]byte(args), &more); err != nil {
			s.Fatalf("%s: %v", args, err)
		}
		s.program.Args = append(s.program.Args, more...)
	}
	if err := s.program.Start(s.Context()); err != nil {
		s.Fatal(err)
	}
}

func (s *site) stop() {
	s.Helper()
	if err := s.program.Stop(); err != nil {
		s.Errorf("the program on SIGTERM: %v", err)
	}
}

// lookAtSingleNamespace wants the program to work where its Role is, to do
// nothing elsewhere, and to ask for nothing that it has no right to.
func (s *site) lookAtSingleNamespace() {
	if out := s.run("get", "clusterrole,clusterrolebinding", "-o", "name"); strings.Contains(out, "/"+cluster.ProgramName) {
		s.Errorf("rights in all namespaces:\n%s", out)
	}
	begin := time.Now()
	s.start()
	here := &testCase{s.T, s.world, "default"}
	there := &testCase{s.T, s.world, "elsewhere"}
	s.run("create", "namespace", there.namespace)
	there.newPodAutoscaler("not-ours")
	for _, deed := range []string{"patch serverlessservices", "patch scaledobjects", "delete scaledobjects",
		"create events", "watch endpointslices"} {
		deeds[deed](here, strings.ReplaceAll(deed, " ", "-"))
	}
	here.waitQuiet(2*time.Second, 20*time.Second)
	s.refuseConfig()
	s.stop()
	here.must(cluster.ScaledObjects, "patch-scaledobjects")
	if out := s.run("-n", there.namespace, "get", "scaledobject,serverlessservice", "-o", "name"); out != "" {
		s.Errorf("in another namespace:\n%s", out)
	}
	forbidden, err := s.Audit.Forbidden()
	if err != nil {
		s.Fatal(err)
	}
	for _, request := range forbidden {
		if request.Received.After(begin) {
			s.Errorf("forbidden: %s %s", request.Verb, request.URI)
		}
	}
}

// refuseConfig makes an edit that the program has to refuse, and waits for it.
func (s *site) refuseConfig() {
	s.Helper()
	s.run("-n", cluster.SystemNamespace, "patch", "configmap", "config-autoscaler-keda", "--type=merge",
		"-p", `{"data":{"autoscaler.keda.polling-interval":"soon"}}`)
	(&testCase{s.T, s.world, cluster.SystemNamespace}).waitEvent(10*time.Second,
		"ConfigMap", "config-autoscaler-keda", "Warning", "ConfigurationRefused")
}

// ownOverlay is what docs/operations.md tells to write: both components, and
// an image from a registry.
func (s *site) ownOverlay() {
	dir := s.TempDir()
	config, err := filepath.Rel(dir, s.ConfigDir())
	if err != nil {
		s.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(s.Root, "docs", "operations.md"))
	if err != nil {
		s.Fatal(err)
	}
	text := strings.ReplaceAll(indentedBlock(string(doc), "apiVersion: kustomize.config.k8s.io"),
		"../autoscaler-keda-hpa/config", config)
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
	s.run("apply", "--warnings-as-errors", "-k", dir)
	s.lookAtHA()
	s.monitor("servicemonitors")
	s.wantField("deployment", "{.spec.template.spec.containers[0].image}", "registry.example.com/knative/autoscaler-keda-hpa:0.1.0")
}

// indentedBlock is the indented block of a text that begins with a line, to
// the first line that is indented less; without the indentation.
func indentedBlock(text, first string) string {
	var block []string
	indent := ""
	for line := range strings.Lines(text) {
		at := strings.Index(line, first)
		switch {
		case len(block) == 0 && at > 0 && strings.TrimSpace(line[:at]) == "":
			indent = line[:at]
			block = append(block, line[at:])
		case len(block) > 0 && !strings.HasPrefix(line, indent):
			return strings.Join(block, "")
		case len(block) > 0:
			block = append(block, strings.TrimPrefix(line, indent))
		}
	}
	return strings.Join(block, "")
}

// Each alert fires at what it is for, and at nothing else: testdata/alerts.yaml.
func TestAlerts(t *testing.T) {
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	groups := alertGroups(t, root)
	eachAlert(groups, func(rule map[string]any) {
		// The cases are about when, not about words.
		delete(rule, "annotations")
		name := rule["alert"].(string)
		if count := strings.Count(string(cases), "alertname: "+name); count < 2 {
			t.Errorf("%s is in %d cases, want two: where it fires and where it does not", name, count)
		}
	})
	rules, err := yaml.Marshal(map[string]any{"groups": groups})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"rules.yaml": rules, "alerts.yaml": cases} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"check", "rules", "--lint-fatal", "rules.yaml"}, {"test", "rules", "alerts.yaml"}} {
		command := exec.Command("promtool", args...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

func readObject(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := cluster.DecodeYAML(string(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return objects[0]
}

// Knative's rule for ConfigMaps with an example: its checksum, in an
// annotation, so that an edit of the example by mistake can be noticed.
func TestExampleChecksum(t *testing.T) {
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	config := readObject(t, filepath.Join(root, "config", "300-config-autoscaler-keda.yaml"))
	example, _, _ := unstructured.NestedString(config.Object, "data", "_example")
	line := regexp.MustCompile("(\r?\n)+").ReplaceAllString(strings.TrimSpace(example), `\n`)
	want := fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(line)))
	if have := config.GetAnnotations()["knative.dev/example-checksum"]; have != want {
		t.Errorf("the annotation says %s, the example has %s (hack/config.sh --fix)", have, want)
	}
}
