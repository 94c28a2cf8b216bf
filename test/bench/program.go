package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"autoscaler-keda-hpa/e2e/cluster"
)

// unlimited is a client without client-go's own rate limit.
func unlimited(c *cluster.Cluster) (dynamic.Interface, error) {
	config := rest.CopyConfig(c.Config)
	config.QPS = -1
	return dynamic.NewForConfig(config)
}

func prepareNamespace(ctx context.Context, client dynamic.Interface) error {
	object := &unstructured.Unstructured{Object: fields{
		"apiVersion": "v1", "kind": "Namespace", "metadata": fields{"name": namespace},
	}}
	_, err := client.Resource(cluster.Namespaces).Create(ctx, object, metav1.CreateOptions{})
	return err
}

func measureProgram(ctx context.Context, c *cluster.Cluster, result *Result) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := unlimited(c)
	if err != nil {
		return err
	}
	if err := prepareNamespace(ctx, client); err != nil {
		return err
	}
	program, err := c.NewProgram()
	if err != nil {
		return err
	}
	if err := program.Start(ctx); err != nil {
		return err
	}
	defer program.Kill()
	time.Sleep(2 * time.Second)
	idle, err := readUsage(program.Pid())
	if err != nil {
		return err
	}
	standIn, err := startStandIn(ctx, client, result.Workers)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := createAll(ctx, client, result); err != nil {
		return err
	}
	if err := waitReady(ctx, client, standIn, result.Revisions); err != nil {
		return fmt.Errorf("%w; the program's last words:\n%s", err, program.Tail(5))
	}
	result.Wall = time.Since(begin).Seconds()
	after, err := readUsage(program.Pid())
	if err != nil {
		return err
	}
	result.CPU = (after.cpu - idle.cpu).Seconds()
	result.RSSIdle, result.RSSAfter, result.RSSPeak = idle.rss, after.rss, after.peak
	return countRequests(c, begin, result)
}

func createAll(ctx context.Context, client dynamic.Interface, result *Result) error {
	return inParallel(ctx, result.Revisions, result.Workers, func(ctx context.Context, i int) error {
		_, err := client.Resource(gvr.pa).Namespace(namespace).Create(ctx, podAutoscaler(i), metav1.CreateOptions{})
		return err
	})
}

// waitReady watches until each PodAutoscaler is ready.
func waitReady(ctx context.Context, client dynamic.Interface, s *standIn, count int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	ready := map[string]bool{}
	version := "0"
	for {
		stream, err := client.Resource(gvr.pa).Namespace(namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: version})
		if err != nil {
			return err
		}
		for open := true; open; {
			var event watch.Event
			// A quiet stream must not hide that the stand-in gave up.
			select {
			case err := <-s.failed:
				return fmt.Errorf("stand-in: %w", err)
			case event, open = <-stream.ResultChan():
			}
			object, isObject := event.Object.(*unstructured.Unstructured)
			if !isObject {
				continue
			}
			version = object.GetResourceVersion()
			if cluster.ConditionOf(object, "Ready").Status == "True" {
				ready[object.GetName()] = true
			}
			if len(ready) == count {
				stream.Stop()
				return nil
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d are ready: %w", len(ready), count, ctx.Err())
		}
	}
}

// countRequests reads the API server's own log of what the program asked for.
func countRequests(c *cluster.Cluster, begin time.Time, result *Result) error {
	time.Sleep(time.Second) // the log is written behind the answers
	requests, err := c.Audit.Requests(func(r cluster.Request) bool {
		return r.Received.After(begin) && r.ObjectRef.Namespace == namespace
	})
	if err != nil {
		return err
	}
	var writes, statuses float64
	for _, r := range requests {
		if r.IsWrite() {
			writes++
		}
		if r.ObjectRef.Subresource == "status" {
			statuses++
		}
		if r.ResponseStatus.Code == 409 {
			result.Conflicts++
		}
	}
	all := float64(result.Revisions)
	result.Requests, result.Writes, result.Statuses = float64(len(requests))/all, writes/all, statuses/all
	return nil
}
