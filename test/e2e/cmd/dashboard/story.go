package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
)

const (
	namespace = "shop"
	quick     = 20 // Services that are well
	patience  = 2 * time.Minute
)

// story is what happens: two replicas, Services with more and less traffic,
// some that are refused, a leader that dies, a KEDA that is away.
type story struct {
	*cluster.Cluster
	replicas [2]*cluster.Program
	monitor  *cluster.Monitor
}

const electionMap = `
apiVersion: v1
kind: ConfigMap
metadata: {name: config-leader-election-dashboard, namespace: knative-serving}
data: {lease-duration: 15s, renew-deadline: 10s, retry-period: 2s}
---
apiVersion: v1
kind: Namespace
metadata: {name: ` + namespace + `}
`

func (s *story) begin(ctx context.Context) error {
	if err := s.ApplyYAML(ctx, electionMap); err != nil {
		return err
	}
	address := fmt.Sprintf(`{"data":{"autoscaler.keda.prometheus-address":%q}}`, s.PrometheusURL)
	if _, err := s.Kubectl(ctx, "-n", cluster.SystemNamespace, "patch", "configmap", "config-autoscaler-keda",
		"--type=merge", "-p", address); err != nil {
		return err
	}
	for i, name := range []string{"a", "b"} {
		p, err := s.NewReplica(name)
		if err != nil {
			return err
		}
		p.Args, p.Env = nil, []string{"CONFIG_LEADERELECTION_NAME=config-leader-election-dashboard"}
		if err := p.Start(ctx); err != nil {
			return err
		}
		s.replicas[i] = p
	}
	var err error
	s.monitor, err = s.StartMonitor(ctx, s.replicas[:], nil)
	return err
}

func (s *story) goOn(ctx context.Context) error {
	for _, chapter := range []struct {
		what string
		do   func(context.Context) error
		then time.Duration
	}{
		{"twenty Services", s.deployGood, 20 * time.Second},
		{"four that are refused", s.deployRefused, 20 * time.Second},
		{"a rush", s.traffic(func(i int) float64 { return 10 * float64(1+i%6) }), 40 * time.Second},
		{"the leader is killed", s.killLeader, 25 * time.Second},
		{"and comes back", s.bringBack, 20 * time.Second},
		{"KEDA is away", func(context.Context) error { s.StopKEDA(); return nil }, 10 * time.Second},
		{"two more Services meanwhile", s.deployMore, 70 * time.Second},
		{"KEDA is back", s.StartKEDA, 40 * time.Second},
		{"night falls over half of them", s.traffic(func(i int) float64 { return 12 * float64(i%2) }), 60 * time.Second},
	} {
		tell("%s", chapter.what)
		if err := chapter.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", chapter.what, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(chapter.then): // time is what the picture shows
		}
	}
	return nil
}

// service is a Knative Service that scales on its part of the gauge demand.
func service(name string, annotations map[string]string) string {
	all := map[string]string{
		"class": "hpa.autoscaling.knative.dev", "metric": "demand", "target": "10", "min-scale": "1", "max-scale": "5",
		"window": "6s", "keda-polling-interval": "5", "keda-cooldown-period": "20", "keda-initial-cooldown-period": "20",
		"prometheus-query": fmt.Sprintf(`sum(demand{service=%q})`, name),
	}
	for key, value := range annotations {
		all[key] = value
	}
	var lines strings.Builder
	for key, value := range all {
		fmt.Fprintf(&lines, "        autoscaling.knative.dev/%s: %q\n", key, value)
	}
	return fmt.Sprintf(`---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: %s, namespace: %s}
spec:
  template:
    metadata:
      annotations:
%s    spec: {containers: [{image: ko.local/app}]}
`, name, namespace, lines.String())
}

func goodName(i int) string { return fmt.Sprintf("part-%02d", i) }

func (s *story) deployGood(ctx context.Context) error {
	var all strings.Builder
	for i := range quick {
		s.Exporter.Set("demand", 5, map[string]string{"service": goodName(i)})
		annotations := map[string]string{}
		if i%4 == 0 {
			annotations["min-scale"] = "0"
		}
		all.WriteString(service(goodName(i), annotations))
	}
	if err := s.ApplyYAML(ctx, all.String()); err != nil {
		return err
	}
	return cluster.Poll(ctx, patience, "twenty Services to be ready", func(ctx context.Context) error {
		ready, err := s.Kubectl(ctx, "-n", namespace, "get", "ksvc",
			"-o", `jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{" "}{end}`)
		if err == nil && strings.Count(ready, "True") < quick {
			err = fmt.Errorf("Ready: %s", ready)
		}
		return err
	})
}

func (s *story) deployRefused(ctx context.Context) error {
	return s.ApplyYAML(ctx, service("typo", map[string]string{"keda-triggers": `[{"type":"cron"`})+
		service("wrong-unit", map[string]string{"keda-polling-interval": "soon"})+
		// KEDA's webhook wants a request for what is a percentage of it.
		service("no-request", map[string]string{"metric": "cpu", "target": "70"})+
		service("no-such-scaler", map[string]string{"keda-triggers": `[{"type":"weather","metadata":{}}]`}))
}

func (s *story) deployMore(ctx context.Context) error {
	return s.ApplyYAML(ctx, service("late-1", nil)+service("late-2", nil))
}

func (s *story) traffic(demand func(i int) float64) func(context.Context) error {
	return func(context.Context) error {
		for i := range quick {
			s.Exporter.Set("demand", math.Round(demand(i)), map[string]string{"service": goodName(i)})
		}
		return nil
	}
}

// leader is the replica that says so itself.
func (s *story) leader(ctx context.Context) (*cluster.Program, error) {
	samples, err := s.monitor.Query(ctx, "leader_election_master_status == 1", time.Now())
	if err != nil || len(samples) != 1 {
		return nil, fmt.Errorf("%d leaders: %w", len(samples), err)
	}
	if strings.HasSuffix(samples[0].Labels["pod"], "-a") {
		return s.replicas[0], nil
	}
	return s.replicas[1], nil
}

func (s *story) killLeader(ctx context.Context) error {
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	leader.Kill()
	return nil
}

func (s *story) bringBack(ctx context.Context) error {
	for _, p := range s.replicas {
		if !p.Running() {
			return p.Start(ctx)
		}
	}
	return nil
}
