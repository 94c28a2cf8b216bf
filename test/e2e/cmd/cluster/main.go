// Command cluster builds the control plane's programs (build), and runs a
// control plane until it is told to stop (run). hack/cluster.sh is its
// everyday face.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
)

const usage = `usage: cluster build
       cluster run [--dir DIR] [--program] [--without-keda] [--hpa-sync DURATION]

build  builds the programs of the control plane that are missing or out of date
run    starts a control plane and keeps it up until SIGTERM or SIGINT; writes
       DIR/env (lines for a shell) once everything is up
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	root, err := cluster.Root()
	if err != nil {
		return err
	}
	switch args[0] {
	case "build":
		return cluster.Build(root, os.Stdout)
	case "run":
		return runCluster(root, args[1:])
	case "--help", "-h", "help":
		fmt.Print(usage)
		return nil
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
}

func runCluster(root string, args []string) error {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	dir := flags.String("dir", filepath.Join(root, "build", "cluster"), "where the cluster's files go")
	program := flags.Bool("program", false, "run the program too, with the rights that it ships with")
	withoutKEDA := flags.Bool("without-keda", false, "leave KEDA out")
	sync := flags.Duration("hpa-sync", 5*time.Second, "how often the HPA controller looks at metrics")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	path, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	c, err := cluster.Start(ctx, cluster.Options{
		Dir: path, WithoutKEDA: *withoutKEDA, HPASync: *sync,
		Progress: func(format string, args ...any) { fmt.Printf(format+"\n", args...) },
	})
	if err != nil {
		return err
	}
	defer c.Stop(true)
	p, err := startProgram(ctx, c, *program)
	if err != nil {
		return err
	}
	if err := writeEnv(c, filepath.Join(path, "env")); err != nil {
		return err
	}
	defer os.Remove(filepath.Join(path, "env"))
	fmt.Println("up")
	return keepUp(ctx, c, p)
}

func startProgram(ctx context.Context, c *cluster.Cluster, wanted bool) (*cluster.Program, error) {
	if !wanted {
		return nil, nil
	}
	p, err := c.NewProgram()
	if err != nil {
		return nil, err
	}
	if err := p.Start(ctx); err != nil {
		return nil, fmt.Errorf("%w (log: %s)", err, p.Log)
	}
	return p, nil
}

// keepUp waits for a signal; a server that dies meanwhile ends everything,
// since a control plane with a hole only confuses.
func keepUp(ctx context.Context, c *cluster.Cluster, p *cluster.Program) error {
	for {
		select {
		case <-ctx.Done():
			if p != nil {
				return p.Stop()
			}
			return nil
		case <-time.After(time.Second):
		}
		if err := c.Dead(); err != nil {
			return err
		}
		if p != nil && !p.Running() {
			return errors.New("the program has ended; its last words:\n" + p.Tail(15))
		}
	}
}

func writeEnv(c *cluster.Cluster, path string) error {
	var text strings.Builder
	for _, pair := range [][2]string{
		{"KUBECONFIG", c.Kubeconfig},
		{"PROGRAM_KUBECONFIG", c.ProgramKubeconfig},
		{"PROMETHEUS_URL", c.PrometheusURL},
		{"EXPORTER_URL", c.Exporter.URL},
		{"KUBECTL", filepath.Join(c.Bin, "kubectl")},
		{"CLUSTER_LOGS", c.Logs},
	} {
		fmt.Fprintf(&text, "export %s='%s'\n", pair[0], pair[1])
	}
	// Written aside and moved: who sees the file sees all of it.
	if err := os.WriteFile(path+".new", []byte(text.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
