// Command dashboard tells a story of some minutes on the real control plane,
// watched by a Prometheus of its own, and draws what the dashboard of
// config/monitoring shows of it. hack/dashboard.sh is its everyday face.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
	"autoscaler-keda-hpa/e2e/dashboard"
)

const (
	usage = "usage: dashboard FILE.svg\n"
	step  = 4 * time.Second // between two points of a line
)

func main() {
	if len(os.Args) != 2 || os.Args[1] == "--help" {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	c, err := cluster.Start(ctx, cluster.Options{Progress: tell})
	if err != nil {
		return err
	}
	defer c.Stop(false)
	s := &story{Cluster: c}
	if err := s.begin(ctx); err != nil {
		return err
	}
	config := filepath.Join(c.Root, "config")
	from := time.Now()
	// A question that Prometheus does not understand is better known now.
	if _, err := draw(ctx, s.monitor, config, from, from.Add(time.Minute)); err != nil {
		return err
	}
	if err := s.goOn(ctx); err != nil {
		return err
	}
	picture, err := draw(ctx, s.monitor, config, from, time.Now())
	if err != nil {
		return err
	}
	tell("%s: %d bytes", out, len(picture))
	return os.WriteFile(out, picture, 0o644)
}

func tell(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// draw asks what Grafana would ask.
func draw(ctx context.Context, m *cluster.Monitor, config string, from, to time.Time) ([]byte, error) {
	d, err := dashboard.Read(config)
	if err != nil {
		return nil, err
	}
	var all []dashboard.Answers
	for _, panel := range d.Panels {
		var answers dashboard.Answers
		for _, target := range panel.Targets {
			var samples []cluster.Sample
			if panel.Type == "timeseries" {
				samples, err = m.QueryRange(ctx, target.Expr, from, to, step)
			} else {
				samples, err = m.Query(ctx, target.Expr, to)
			}
			if err != nil {
				return nil, fmt.Errorf("panel %s: %w", panel.Title, err)
			}
			answers = append(answers, samples)
		}
		all = append(all, answers)
	}
	drawing := dashboard.Drawing{From: float64(from.Unix()), To: float64(to.Unix())}
	return drawing.Draw(d, all), nil
}
