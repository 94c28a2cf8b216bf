package cluster

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"
)

// kubernetesVersion is told to the Kubernetes programs at link time: Knative
// refuses a server that does not say a proper version.
const kubernetesVersion = "v1.36.3"

// A toolSet is a Go module of its own under test/e2e/tools: Kubernetes,
// Knative, KEDA and kwok each want other versions of the same libraries.
type toolSet struct {
	name     string
	programs map[string]string // file in the bin directory → package
	ldflags  string
	modules  []string // whose CRDs and ConfigMaps are read at run time
}

var toolSets = []toolSet{
	{
		name:     "kubernetes",
		programs: map[string]string{"kubernetes": "."},
		ldflags:  versionFlags("k8s.io/component-base/version"),
	},
	{
		name: "knative",
		programs: map[string]string{
			"knative-activator":      "knative.dev/serving/cmd/activator",
			"knative-autoscaler":     "knative.dev/serving/cmd/autoscaler",
			"knative-autoscaler-hpa": "knative.dev/serving/cmd/autoscaler-hpa",
			"knative-controller":     "knative.dev/serving/cmd/controller",
			"knative-queue":          "knative.dev/serving/cmd/queue",
			"knative-webhook":        "knative.dev/serving/cmd/webhook",
		},
		modules: []string{"knative.dev/serving", "knative.dev/networking", "knative.dev/caching"},
	},
	{
		name:     "kwok",
		programs: map[string]string{"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
		modules:  []string{"sigs.k8s.io/kwok"},
	},
	{
		name: "keda",
		programs: map[string]string{
			"keda-operator": "github.com/kedacore/keda/v2/cmd/operator",
			"keda-adapter":  "github.com/kedacore/keda/v2/cmd/adapter",
			"keda-webhooks": "github.com/kedacore/keda/v2/cmd/webhooks",
		},
		modules: []string{"github.com/kedacore/keda/v2"},
	},
	{
		name:    "prometheus-operator",
		modules: []string{"github.com/prometheus-operator/prometheus-operator"},
	},
}

// aliases are the names that the one Kubernetes program answers to.
var aliases = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"}

func versionFlags(pkg string) string {
	numbers := strings.Split(strings.TrimPrefix(kubernetesVersion, "v"), ".")
	flags := ""
	for _, set := range [][2]string{
		{"gitVersion", kubernetesVersion}, {"gitMajor", numbers[0]}, {"gitMinor", numbers[1]},
		{"gitCommit", "unknown"}, {"gitTreeState", "clean"},
	} {
		flags += fmt.Sprintf(" -X %s.%s=%s", pkg, set[0], set[1])
	}
	return flags
}

// Root is the checkout that this program works in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "test", "e2e", "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not inside a checkout (no test/e2e/go.mod above here)")
		}
	}
}

// BuildDir is where built programs and the runs' files go.
func BuildDir(root string) string { return filepath.Join(root, "build", "e2e") }

// BinDir is where the built programs are.
func BinDir(root string) string { return filepath.Join(BuildDir(root), "bin") }

// Build builds every tool set whose sources changed since it was last built,
// and notes where the modules with the manifests are.
func Build(root string, progress io.Writer) error {
	if err := os.MkdirAll(BinDir(root), 0o755); err != nil {
		return err
	}
	modules := map[string]string{}
	for _, set := range toolSets {
		if err := set.build(root, progress); err != nil {
			return fmt.Errorf("building %s: %w", set.name, err)
		}
		for _, module := range set.modules {
			dir, err := set.moduleDir(root, module)
			if err != nil {
				return err
			}
			modules[module] = dir
		}
	}
	for _, alias := range aliases {
		link := filepath.Join(BinDir(root), alias)
		if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := os.Symlink("kubernetes", link); err != nil {
			return err
		}
	}
	data, err := json.MarshalIndent(modules, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(modulesFile(root), data, 0o644)
}

func modulesFile(root string) string { return filepath.Join(BuildDir(root), "modules.json") }

func (s toolSet) dir(root string) string {
	return filepath.Join(root, "test", "e2e", "tools", s.name)
}

func (s toolSet) build(root string, progress io.Writer) error {
	want, err := s.fingerprint(root)
	if err != nil {
		return err
	}
	stamp := filepath.Join(BinDir(root), s.name+".stamp")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == want && s.built(root) {
		return nil
	}
	for _, name := range sortedKeys(s.programs) {
		fmt.Fprintf(progress, "building %s (the first time takes minutes) ... ", name)
		begin := time.Now()
		command := s.goCommand(root, "build", "-buildvcs=false", "-ldflags", "-s -w"+s.ldflags,
			"-o", filepath.Join(BinDir(root), name), s.programs[name])
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		fmt.Fprintf(progress, "%s\n", time.Since(begin).Round(time.Second))
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}

func (s toolSet) built(root string) bool {
	for name := range s.programs {
		if _, err := os.Stat(filepath.Join(BinDir(root), name)); err != nil {
			return false
		}
	}
	return true
}

// fingerprint changes with everything that goes into the set's programs.
func (s toolSet) fingerprint(root string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), s.ldflags, s.programs)
	files, err := filepath.Glob(filepath.Join(s.dir(root), "*"))
	if err != nil {
		return "", err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(file), len(data), data)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func (s toolSet) goCommand(root string, args ...string) *exec.Cmd {
	command := exec.Command("go", args...)
	command.Dir = s.dir(root)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	return command
}

// moduleDir says where the module cache has a module's files, fetching them
// if the cache was emptied meanwhile.
func (s toolSet) moduleDir(root, module string) (string, error) {
	list := s.goCommand(root, "list", "-m", "-f", "{{.Dir}}", module)
	var complaint bytes.Buffer
	list.Stderr = &complaint
	out, err := list.Output()
	dir := strings.TrimSpace(string(out))
	if err == nil && dir == "" {
		if text, err := s.goCommand(root, "mod", "download", module).CombinedOutput(); err != nil {
			return "", fmt.Errorf("fetching %s: %w\n%s", module, err, text)
		}
		list = s.goCommand(root, "list", "-m", "-f", "{{.Dir}}", module)
		out, err = list.Output()
		dir = strings.TrimSpace(string(out))
	}
	if err != nil || dir == "" {
		return "", fmt.Errorf("module %s is not in the module cache: %v %s", module, err, complaint.String())
	}
	return dir, nil
}

// loadModules reads what Build noted.
func loadModules(root string) (map[string]string, error) {
	const remedy = "build the tools first: hack/e2e.sh or hack/cluster.sh do"
	data, err := os.ReadFile(modulesFile(root))
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, remedy)
	}
	modules := map[string]string{}
	if err := json.Unmarshal(data, &modules); err != nil {
		return nil, fmt.Errorf("%s: %w", modulesFile(root), err)
	}
	for module, dir := range modules {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("module %s is gone: %w; %s", module, err, remedy)
		}
	}
	return modules, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
