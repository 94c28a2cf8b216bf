package e2e

import (
	"bufio"
	"context"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
	"autoscaler-keda-hpa/e2e/trace"
)

// TestTrace holds devcluster to the real control plane: the recorded requests
// of the program and the demo are asked of both, and whatever differs has to
// be listed in test/cluster/DIFFERENCES.md. See package trace.
func TestTrace(t *testing.T) {
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	steps, err := trace.Load("trace/demo.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := trace.LoadDifferences(filepath.Join(root, "test", "cluster", "DIFFERENCES.md"))
	if err != nil {
		t.Fatal(err)
	}
	ours := startDevcluster(t, root)
	c := startBare(t)
	findings, err := trace.Replay(t.Context(), steps, ours, realServer(t, c), trace.Options{
		Prometheus: c.PrometheusURL,
		Patience:   20 * time.Second,
		Allowed:    allowed,
		Progress:   t.Logf,
	})
	for _, finding := range findings {
		t.Errorf("%s", finding)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range allowed.Unused() {
		t.Errorf("listed, and found no more: %s", row)
	}
}

// startBare starts a control plane without the program: what it would write
// is in the trace.
func startBare(t *testing.T) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Start(t.Context(), cluster.Options{HPASync: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop(t.Failed()) })
	return c
}

// selected are the labels by which the queries of samples/ select a series;
// hack/demo.sh --real sets them too.
var selected = map[string]map[string]string{"mails_waiting": {"revision": "on-mails-00001"}}

func realServer(t *testing.T, c *cluster.Cluster) *trace.Server {
	t.Helper()
	server, err := trace.NewServer("the real one", c.Kubeconfig, "default")
	if err != nil {
		t.Fatal(err)
	}
	server.Metric = func(_ context.Context, query url.Values) error {
		value, err := strconv.ParseFloat(query.Get("value"), 64)
		if err != nil {
			return err
		}
		labels := map[string]string{"namespace": query.Get("namespace")}
		maps.Copy(labels, selected[query.Get("name")])
		c.Exporter.Set(query.Get("name"), value, labels)
		return nil
	}
	return server
}

// startDevcluster starts $DEVCLUSTER, or what hack/build.sh leaves.
func startDevcluster(t *testing.T, root string) *trace.Server {
	t.Helper()
	path := os.Getenv("DEVCLUSTER")
	if path == "" {
		path = filepath.Join(root, "build", "devcluster")
	}
	dir := t.TempDir()
	process := exec.Command(path, "--dir", dir, "--hpa-sync", "1s")
	process.Stderr = os.Stderr
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatalf("%v; hack/build.sh builds it", err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		if err := process.Wait(); err != nil {
			t.Errorf("devcluster on SIGTERM: %v", err)
		}
	})
	// Its first line says that it serves.
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("devcluster has not said that it serves: %v", err)
	}
	server, err := trace.NewServer("devcluster", filepath.Join(dir, "kubeconfig"), "default")
	if err != nil {
		t.Fatal(err)
	}
	server.Metric = func(ctx context.Context, query url.Values) error {
		return server.Post(ctx, "/devcluster/metric?"+query.Encode())
	}
	// As on the real one here: nobody measures cpu, and pods start at once.
	for _, path := range []string{"usage?namespace=default&value=nan", "pods?startAfter=20ms"} {
		if err := server.Post(t.Context(), "/devcluster/"+path); err != nil {
			t.Fatal(err)
		}
	}
	return server
}
