// Package e2e drives the program under test on the real Kubernetes, Knative
// and KEDA control planes. See README.md.
package e2e

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
)

// world is a control plane with the program in its middle.
type world struct {
	*cluster.Cluster
	program *cluster.Program
}

// The one world that all tests share but those that need one of their own.
// It starts with the first test that asks for it.
var shared struct {
	once  sync.Once
	world *world
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if w := shared.world; w != nil {
		if err := w.end(); err != nil {
			fmt.Println("--- FAIL: at the end:", err)
			code = max(code, 1)
		}
		keep := code != 0 || os.Getenv("E2E_KEEP") != ""
		w.Cluster.Stop(keep)
		if keep {
			fmt.Println("logs of all servers and of the program:", w.Logs)
		}
	}
	os.Exit(code)
}

// end stops the program with SIGTERM, which it must take well, and looks back
// on whether its rights sufficed all the time.
func (w *world) end() error {
	if err := w.program.Stop(); err != nil {
		return fmt.Errorf("the program on SIGTERM: %w\n%s", err, w.program.Tail(15))
	}
	forbidden, err := w.Audit.Forbidden()
	if err == nil && len(forbidden) > 0 {
		err = fmt.Errorf("the program asked %d times for what it has no right to; the first: %s %s",
			len(forbidden), forbidden[0].Verb, forbidden[0].URI)
	}
	return err
}

func startWorld(options cluster.Options) (*world, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	begin := time.Now()
	options.Progress = func(format string, args ...any) { fmt.Printf("    "+format+"\n", args...) }
	fmt.Println("starting a control plane")
	c, err := cluster.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	program, err := c.NewProgram()
	if err == nil {
		err = electable(ctx, c, program)
	}
	if err == nil {
		err = program.Start(ctx)
	}
	if err != nil {
		c.Stop(true)
		return nil, fmt.Errorf("%w (logs: %s)", err, c.Logs)
	}
	fmt.Printf("control plane and program up in %.1fs\n", time.Since(begin).Seconds())
	return &world{c, program}, nil
}

func sharedWorld(t *testing.T) *world {
	t.Helper()
	shared.once.Do(func() { shared.world, shared.err = startWorld(cluster.Options{}) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.world
}
