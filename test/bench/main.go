// Command bench measures what the program costs against a real API server:
// N PodAutoscalers are created at once, a light stand-in makes what KEDA, the
// HPA controller and Knative would make, and the clock stops when all are
// ready. Beside it stands the floor: the same writes done straight, by as many
// workers, with nobody deciding anything.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"autoscaler-keda-hpa/e2e/cluster"
)

func main() {
	count := flag.Int("n", 1000, "PodAutoscalers")
	workers := flag.Int("workers", 32, "requests in flight of the stand-in, the creator and the floor")
	asJSON := flag.Bool("json", false, "print JSON instead of a table")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	result, err := measure(ctx, *count, *workers)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if *asJSON {
		_ = json.NewEncoder(os.Stdout).Encode(result)
		return
	}
	result.print(os.Stdout)
}

// measure brings up a fresh API server for each of the two runs, so that
// neither finds what the other left.
func measure(ctx context.Context, count, workers int) (*Result, error) {
	result := &Result{Revisions: count, Workers: workers}
	steps := []func(context.Context, *cluster.Cluster, *Result) error{measureProgram, measureFloor}
	for _, step := range steps {
		c, err := cluster.Start(ctx, cluster.Options{OnlyAPIServer: true})
		if err != nil {
			return nil, err
		}
		err = step(ctx, c, result)
		c.Stop(err != nil)
		if err != nil {
			return nil, err
		}
	}
	return result, nil
}
