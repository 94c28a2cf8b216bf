package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Monitor is a Prometheus that watches the program as an installation's would:
// the one that KEDA asks knows nothing of it.
type Monitor struct {
	URL string
}

// Sample is one value of a series, or its last one.
type Sample struct {
	Labels map[string]string
	Times  []float64 // seconds since the epoch
	Values []float64
}

// StartMonitor scrapes each program once a second, under the name of its pod;
// rules are groups of alerts, or nil.
func (c *Cluster) StartMonitor(ctx context.Context, programs []*Program, rules []any) (*Monitor, error) {
	path, err := exec.LookPath("prometheus")
	if err != nil {
		return nil, fmt.Errorf("%w: install it with hack/deps.sh e2e", err)
	}
	var targets []any
	for _, program := range programs {
		address := strings.TrimSuffix(strings.TrimPrefix(program.Metrics, "http://"), "/metrics")
		targets = append(targets, map[string]any{
			"targets": []string{address}, "labels": map[string]string{"pod": "autoscaler-keda-hpa-" + program.name}})
	}
	rulesFile := c.path("config", "monitor-rules.yaml")
	config := map[string]any{
		"global":         map[string]any{"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
		"rule_files":     []string{rulesFile},
		"scrape_configs": []any{map[string]any{"job_name": "autoscaler-keda-hpa", "static_configs": targets}},
	}
	configFile := c.path("config", "monitor.yaml")
	for file, value := range map[string]any{configFile: config, rulesFile: map[string]any{"groups": rules}} {
		text, err := yaml.Marshal(value)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return nil, err
		}
	}
	m := &Monitor{URL: "http://" + loopback(freePort())}
	if _, err := c.run("monitor", nil, path, "--config.file="+configFile,
		"--storage.tsdb.path="+c.path("data", "monitor"),
		"--web.listen-address="+strings.TrimPrefix(m.URL, "http://")); err != nil {
		return nil, err
	}
	return m, c.Wait(ctx, "the program's Prometheus to be ready", func(ctx context.Context) error {
		return httpOK(ctx, m.URL+"/-/ready")
	})
}

// ask asks Prometheus' API, which has to have an answer.
func (m *Monitor) ask(ctx context.Context, path string, query url.Values, out any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL+"/api/v1/"+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var envelope struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&envelope); err != nil {
		return fmt.Errorf("%s: %s: %w", path, answer.Status, err)
	}
	if envelope.Status != "success" {
		return fmt.Errorf("%s %v: %s", path, query["query"], envelope.Error)
	}
	return json.Unmarshal(envelope.Data, out)
}

// Rule is what Prometheus makes of one alert.
type Rule struct {
	Name, Health, LastError, State string
	Alerts                         []struct {
		State  string
		Labels map[string]string
	}
}

// Rules are those that it was started with, by name.
func (m *Monitor) Rules(ctx context.Context) (map[string]Rule, error) {
	var answer struct {
		Groups []struct{ Rules []Rule }
	}
	if err := m.ask(ctx, "rules", nil, &answer); err != nil {
		return nil, err
	}
	rules := map[string]Rule{}
	for _, group := range answer.Groups {
		for _, rule := range group.Rules {
			rules[rule.Name] = rule
		}
	}
	return rules, nil
}

type point [2]any // a time, and a value as text

func (p point) parse() (at, value float64, err error) {
	at, _ = p[0].(float64)
	text, _ := p[1].(string)
	value, err = strconv.ParseFloat(text, 64)
	return at, value, err
}

type matrix struct {
	Result []struct {
		Metric map[string]string
		Value  point
		Values []point
	}
}

func (m *Monitor) query(ctx context.Context, path string, query url.Values) ([]Sample, error) {
	var answer matrix
	if err := m.ask(ctx, path, query, &answer); err != nil {
		return nil, err
	}
	var samples []Sample
	for _, series := range answer.Result {
		sample := Sample{Labels: series.Metric}
		points := series.Values
		if path == "query" {
			points = []point{series.Value}
		}
		for _, p := range points {
			at, value, err := p.parse()
			if err != nil {
				return nil, fmt.Errorf("%v: %w", query["query"], err)
			}
			sample.Times = append(sample.Times, at)
			sample.Values = append(sample.Values, value)
		}
		samples = append(samples, sample)
	}
	return samples, nil
}

// Query asks for the values at one moment.
func (m *Monitor) Query(ctx context.Context, expr string, at time.Time) ([]Sample, error) {
	return m.query(ctx, "query", url.Values{"query": {expr}, "time": {seconds(at)}})
}

// QueryRange asks for the values from one moment to another, a step apart.
func (m *Monitor) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Sample, error) {
	return m.query(ctx, "query_range", url.Values{"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)},
		"step": {fmt.Sprintf("%.3f", step.Seconds())}})
}

func seconds(at time.Time) string { return fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000) }
