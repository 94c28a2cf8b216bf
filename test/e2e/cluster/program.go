package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Program is the program under test, which can be killed and started again.
type Program struct {
	URL     string // of its probes
	Metrics string // of its /metrics
	Scaler  string // host and port of its external scaler
	Log     string
	Args    []string // what it is started with, besides --kubeconfig
	Env     []string // the same, besides what it cannot do without
	cluster *Cluster
	process *Process
	name    string
	env     []string
	path    string
}

// ProgramPath is the program under test: $AUTOSCALER_KEDA_HPA, else what
// hack/build.sh leaves.
func ProgramPath(root string) string {
	if path := os.Getenv("AUTOSCALER_KEDA_HPA"); path != "" {
		return path
	}
	return filepath.Join(root, "build", "autoscaler-keda-hpa")
}

// NewProgram prepares the program under test without starting it.
func (c *Cluster) NewProgram() (*Program, error) { return c.NewReplica("program") }

// NewReplica prepares one of several: name is that of its pod and of its log.
func (c *Cluster) NewReplica(name string) (*Program, error) {
	path, err := filepath.Abs(ProgramPath(c.Root))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w; hack/build.sh builds it", err)
	}
	probes, metrics, scaler := freePort(), freePort(), freePort()
	return &Program{
		URL:     "http://" + loopback(probes),
		Metrics: "http://" + loopback(metrics) + "/metrics",
		Scaler:  loopback(scaler),
		Log:     filepath.Join(c.Logs, name+".log"),
		Args:    []string{"--disable-ha"},
		cluster: c,
		name:    name,
		path:    path,
		env: []string{
			"SYSTEM_NAMESPACE=" + SystemNamespace, "POD_NAME=autoscaler-keda-hpa-" + name,
			fmt.Sprintf("PROBES_PORT=%d", probes), fmt.Sprintf("METRICS_PROMETHEUS_PORT=%d", metrics),
			fmt.Sprintf("SCALER_PORT=%d", scaler),
		},
	}, nil
}

// Start starts the program and waits until it says that it is ready.
func (p *Program) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	return Poll(ctx, 30*time.Second, "the program to be ready", func(ctx context.Context) error {
		if exited, err := p.process.Exited(); exited {
			return fmt.Errorf("it has ended (%v); its last words:\n%s", err, p.process.Tail(15))
		}
		return httpOK(ctx, p.URL+"/readiness")
	})
}

// Launch starts the program and does not wait.
func (p *Program) Launch() error {
	if p.Running() {
		return errors.New("the program runs already")
	}
	args := append([]string{"--kubeconfig", p.cluster.ProgramKubeconfig}, p.Args...)
	process, err := start(p.cluster.Logs, p.name, append(p.env, p.Env...), p.path, args...)
	p.process = process
	return err
}

// Running says whether the program is there.
func (p *Program) Running() bool {
	if p.process == nil {
		return false
	}
	exited, _ := p.process.Exited()
	return !exited
}

// Pid is the program's process id.
func (p *Program) Pid() int { return p.process.Pid() }

// Kill is kill -9.
func (p *Program) Kill() {
	if p.Running() {
		p.process.Kill()
	}
}

// Stop sends SIGTERM; the program has 5 s to end with exit code 0.
func (p *Program) Stop() error {
	if !p.Running() {
		if p.process == nil {
			return nil
		}
		_, err := p.process.Exited()
		return fmt.Errorf("the program had ended before (%v); its last words:\n%s", err, p.process.Tail(15))
	}
	return p.process.Stop(5 * time.Second)
}

// Tail returns the last lines of the program's log.
func (p *Program) Tail(lines int) string { return tail(p.Log, lines) }
