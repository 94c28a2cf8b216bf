// Package cluster runs the real Kubernetes, Knative and KEDA control planes
// on loopback, with simulated nodes and pods (kwok), a real Prometheus, and
// the program under test in their middle. Everything is a child process of
// its own, on ports found free, and ends with the program that started it.
//
// The only stand-in is for the networking layer: nothing here carries
// requests, so ingress.go marks every Knative Ingress ready.
package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// SystemNamespace is where Knative's and our ConfigMaps are.
const SystemNamespace = "knative-serving"

// Options choose what a cluster is made of.
type Options struct {
	// Dir takes the cluster's files; one of its own under build/e2e/run if empty.
	Dir string
	// HPASync is how often the HPA controller looks at metrics; 0 means 5 s
	// (Kubernetes' own default, 15 s, only makes tests longer).
	HPASync time.Duration
	// WithoutKEDA leaves KEDA and its CRDs out until InstallKEDA is called.
	WithoutKEDA bool
	// OnlyAPIServer starts etcd and kube-apiserver with all CRDs and nothing
	// else: for benchmarks that stand in for the other controllers themselves.
	OnlyAPIServer bool
	// WithoutProgram leaves config/ to the test, and the program's login.
	WithoutProgram bool
	// WithoutKwok leaves nodes and pods to StartHTTPSet.
	WithoutKwok bool
	// Progress, if set, is told each step.
	Progress func(format string, args ...any)
}

// Cluster is a running control plane.
type Cluster struct {
	Root, Dir, Logs, Bin string
	Kubeconfig           string // an administrator's
	ProgramKubeconfig    string // the program's: a token of its ServiceAccount
	PrometheusURL        string
	Exporter             *Exporter
	Config               *rest.Config
	Dynamic              dynamic.Interface
	Typed                kubernetes.Interface
	Audit                *Audit

	options   Options
	modules   map[string]string
	pki       *authority
	ports     ports
	apiserver *Process
	lock      sync.Mutex
	processes []*Process
	cancel    context.CancelFunc
}

// ports are the loopback ports of one cluster.
type ports struct {
	etcd, etcdPeer, apiserver, controllerManager, scheduler int
	knativeWebhook, prometheus                              int
	kedaGRPC, kedaMetrics, kedaHealth                       int
	kedaAdapter, kedaAdapterMetrics                         int
	kedaWebhooks, kedaWebhooksMetrics, kedaWebhooksHealth   int
}

func newPorts() ports {
	var p ports
	for _, port := range []*int{
		&p.etcd, &p.etcdPeer, &p.apiserver, &p.controllerManager, &p.scheduler,
		&p.knativeWebhook, &p.prometheus,
		&p.kedaGRPC, &p.kedaMetrics, &p.kedaHealth,
		&p.kedaAdapter, &p.kedaAdapterMetrics,
		&p.kedaWebhooks, &p.kedaWebhooksMetrics, &p.kedaWebhooksHealth,
	} {
		*port = freePort()
	}
	return p
}

// Start brings a whole control plane up and waits until each part works. On
// an error everything is stopped and the logs stay where the error says.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	c, err := prepare(options)
	if err != nil {
		return nil, err
	}
	if err := c.bringUp(ctx); err != nil {
		c.Stop(true)
		return nil, fmt.Errorf("%w (logs: %s)", err, c.Logs)
	}
	return c, nil
}

func prepare(options Options) (*Cluster, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	if options.HPASync == 0 {
		options.HPASync = 5 * time.Second
	}
	if options.Progress == nil {
		options.Progress = func(string, ...any) {}
	}
	c := &Cluster{Root: root, Bin: BinDir(root), options: options, ports: newPorts()}
	if c.modules, err = loadModules(root); err != nil {
		return nil, err
	}
	if c.Dir = options.Dir; c.Dir == "" {
		c.Dir = filepath.Join(BuildDir(root), "run",
			fmt.Sprintf("%s-%d-%d", time.Now().Format("20060102-150405"), os.Getpid(), c.ports.apiserver))
	}
	c.Logs = filepath.Join(c.Dir, "logs")
	for _, dir := range []string{c.Logs, c.path("pki"), c.path("data"), c.path("config")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Cluster) bringUp(ctx context.Context) error {
	// Client libraries tell of each watch that a restarted server broke.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	background, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	steps := []step{
		{"etcd, kube-apiserver", c.startAPIServer},
		{"kube-controller-manager, kube-scheduler", c.startKubernetes},
		{"kwok", c.startKwok},
		{"exporter, Prometheus", c.startPrometheus},
		{"Knative", c.startKnative},
		{"ingress stand-in", func(context.Context) error { return c.startIngressStandIn(background) }},
		{"manifests of the program under test", c.installProgram},
		{"KEDA", func(ctx context.Context) error {
			if c.options.WithoutKEDA {
				return nil
			}
			return c.InstallKEDA(ctx)
		}},
	}
	if c.options.WithoutKwok {
		steps = slices.DeleteFunc(steps, func(s step) bool { return s.name == "kwok" })
	}
	if c.options.OnlyAPIServer {
		steps = []step{{"etcd, kube-apiserver", c.startAPIServer}, {"CRDs", c.applyAllCRDs},
			{"manifests of the program under test", c.installProgram}}
	}
	return c.runSteps(ctx, steps)
}

// step is one part of bringing a cluster up.
type step struct {
	name string
	do   func(context.Context) error
}

func (c *Cluster) runSteps(ctx context.Context, steps []step) error {
	for _, step := range steps {
		begin := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("starting %s: %w", step.name, err)
		}
		c.options.Progress("%-45s %4.1fs", step.name, time.Since(begin).Seconds())
	}
	return nil
}

func (c *Cluster) path(parts ...string) string {
	return filepath.Join(append([]string{c.Dir}, parts...)...)
}

// run starts a child that ends with the cluster.
func (c *Cluster) run(name string, env []string, program string, args ...string) (*Process, error) {
	p, err := start(c.Logs, name, env, program, args...)
	if err != nil {
		return nil, err
	}
	c.lock.Lock()
	c.processes = append(c.processes, p)
	c.lock.Unlock()
	return p, nil
}

// tool starts one of the built programs as run does.
func (c *Cluster) tool(name string, env []string, args ...string) (*Process, error) {
	return c.run(name, env, filepath.Join(c.Bin, name), args...)
}

// Wait polls for up to a minute, and gives up early when a server has died.
func (c *Cluster) Wait(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := Poll(ctx, time.Minute, what, func(ctx context.Context) error {
		if dead := c.Dead(); dead != nil {
			cancel(dead)
			return dead
		}
		return check(ctx)
	})
	return err
}

// Dead tells of the first server that ended by itself.
func (c *Cluster) Dead() error {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, p := range c.processes {
		if exited, err := p.Exited(); exited {
			return fmt.Errorf("%s has ended (%v); its last words:\n%s", p.Name, err, p.Tail(15))
		}
	}
	return nil
}

func (c *Cluster) forget(gone *Process) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for i, p := range c.processes {
		if p == gone {
			c.processes = append(c.processes[:i:i], c.processes[i+1:]...)
			return
		}
	}
}

// Stop ends every process, the last started first, and removes the cluster's
// files; keepLogs leaves the logs.
func (c *Cluster) Stop(keepLogs bool) {
	if c.cancel != nil {
		c.cancel()
	}
	if c.Exporter != nil {
		c.Exporter.Close()
	}
	c.lock.Lock()
	processes := c.processes
	c.processes = nil
	c.lock.Unlock()
	// Nothing is worth saving: no grace, so that a test ends quickly.
	for i := len(processes) - 1; i >= 0; i-- {
		processes[i].Kill()
	}
	if !keepLogs {
		_ = os.RemoveAll(c.Dir)
		return
	}
	for _, dir := range []string{"data", "pki", "config"} {
		_ = os.RemoveAll(c.path(dir))
	}
}
