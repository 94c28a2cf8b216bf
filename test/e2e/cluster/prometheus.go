package cluster

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// Exporter is what Prometheus scrapes: gauges that a test sets, and that a
// POST to /set?name=N&value=V&LABEL=TEXT sets too (for the demo).
type Exporter struct {
	URL    string
	server *http.Server
	lock   sync.Mutex
	gauges map[string]float64 // by name and labels, as Prometheus writes them
}

func newExporter() (*Exporter, error) {
	listener, err := net.Listen("tcp", loopback(freePort()))
	if err != nil {
		return nil, err
	}
	e := &Exporter{URL: "http://" + listener.Addr().String(), gauges: map[string]float64{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", e.serveMetrics)
	mux.HandleFunc("POST /set", e.serveSet)
	e.server = &http.Server{Handler: mux}
	go func() { _ = e.server.Serve(listener) }()
	return e, nil
}

// Close stops the exporter's server.
func (e *Exporter) Close() { _ = e.server.Close() }

// Set gives a gauge a value; labels are pairs of name and text.
func (e *Exporter) Set(name string, value float64, labels map[string]string) {
	var pairs []string
	for _, label := range sortedKeys(labels) {
		pairs = append(pairs, fmt.Sprintf("%s=%q", label, labels[label]))
	}
	e.lock.Lock()
	defer e.lock.Unlock()
	e.gauges[name+"{"+strings.Join(pairs, ",")+"}"] = value
}

func (e *Exporter) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	e.lock.Lock()
	gauges := maps.Clone(e.gauges)
	e.lock.Unlock()
	var text bytes.Buffer
	for _, series := range sortedKeys(gauges) {
		fmt.Fprintf(&text, "%s %g\n", series, gauges[series])
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = w.Write(text.Bytes())
}

func (e *Exporter) serveSet(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	value, err := strconv.ParseFloat(query.Get("value"), 64)
	if err != nil || query.Get("name") == "" {
		http.Error(w, "want /set?name=N&value=V", http.StatusBadRequest)
		return
	}
	labels := map[string]string{}
	for label := range query {
		if label != "name" && label != "value" {
			labels[label] = query.Get(label)
		}
	}
	e.Set(query.Get("name"), value, labels)
	fmt.Fprintln(w, "ok")
}

const prometheusConfig = `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: exporter
  honor_labels: true
  static_configs: [{targets: [%q]}]
`

func (c *Cluster) startPrometheus(ctx context.Context) error {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		return fmt.Errorf("%w: install it with hack/deps.sh e2e", err)
	}
	if c.Exporter, err = newExporter(); err != nil {
		return err
	}
	config := c.path("config", "prometheus.yaml")
	text := fmt.Sprintf(prometheusConfig, strings.TrimPrefix(c.Exporter.URL, "http://"))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	c.PrometheusURL = "http://" + loopback(c.ports.prometheus)
	if _, err := c.run("prometheus", nil, program,
		"--config.file="+config, "--storage.tsdb.path="+c.path("data", "prometheus"),
		"--web.listen-address="+loopback(c.ports.prometheus)); err != nil {
		return err
	}
	return c.Wait(ctx, "Prometheus to be ready", func(ctx context.Context) error {
		return httpOK(ctx, c.PrometheusURL+"/-/ready")
	})
}
