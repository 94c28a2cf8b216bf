package e2e

// config/monitoring held against the program and a real Prometheus.

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
	"autoscaler-keda-hpa/e2e/dashboard"
)

// alertGroups are the groups of the shipped PrometheusRule.
func alertGroups(t *testing.T, root string) []any {
	t.Helper()
	rule := readObject(t, filepath.Join(root, "config", "monitoring", "prometheusrule.yaml"))
	groups, _, err := unstructured.NestedSlice(rule.Object, "spec", "groups")
	if err != nil || len(groups) == 0 {
		t.Fatalf("no groups of alerts: %v", err)
	}
	return groups
}

func eachAlert(groups []any, do func(rule map[string]any)) {
	for _, group := range groups {
		for _, rule := range group.(map[string]any)["rules"].([]any) {
			do(rule.(map[string]any))
		}
	}
}

// Of what an expression speaks, without what stands in quotes.
var (
	quoted = regexp.MustCompile(`"[^"]*"`)
	labels = regexp.MustCompile(`\b(?:by|on|ignoring|group_left)\s*\([^)]*\)`)
	metric = regexp.MustCompile(`\b(?:autoscaler_keda_hpa|kn|http_client|leader_election|process)_[a-z0-9_]+`)
)

// Each metric of alerts and dashboard is in the table of docs/operations.md,
// which a unit test holds against the program.
func TestMonitoringNames(t *testing.T) {
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := dashboard.Read(filepath.Join(root, "config"))
	if err != nil {
		t.Fatal(err)
	}
	var exprs []string
	eachAlert(alertGroups(t, root), func(rule map[string]any) { exprs = append(exprs, rule["expr"].(string)) })
	for _, panel := range d.Panels {
		if len(panel.Targets) == 0 && panel.Type != "row" {
			t.Errorf("panel %s asks nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	for _, expr := range exprs {
		names := metric.FindAllString(labels.ReplaceAllString(quoted.ReplaceAllString(expr, ""), ""), -1)
		if len(names) == 0 {
			t.Errorf("of which metric is %s?", expr)
		}
		for _, name := range names {
			if !strings.Contains(string(doc), "| `"+strings.TrimSuffix(name, "_bucket")+"` | ") {
				t.Errorf("no metric %s (in %s)", name, expr)
			}
		}
	}
}

// What the shipped alerts say of a real run, of which some are meant.
func TestMonitoring(t *testing.T) {
	s := newSite(t, cluster.Options{OnlyAPIServer: true})
	s.apply("-f", s.ConfigDir(), "created")
	s.start()
	groups := alertGroups(t, s.Root)
	// Ten minutes are for the person on call; here a moment does.
	eachAlert(groups, func(rule map[string]any) { rule["for"] = "0s" })
	m, err := s.StartMonitor(t.Context(), []*cluster.Program{s.program}, groups)
	if err != nil {
		t.Fatal(err)
	}
	c := &testCase{t, s.world, "default"}
	c.newPodAutoscaler("waits")
	c.waitActive(10*time.Second, "waits", "Unknown", "WaitingForHPA")
	c.newPodAutoscaler("refused")
	c.setAnnotation("refused", "target", "much")
	c.waitActive(10*time.Second, "refused", "False", "InvalidAnnotation")
	s.refuseConfig()

	want := map[string]map[string]string{
		"AutoscalerKedaHpaRevisionsRefused": {"reason": "InvalidAnnotation"},
		"AutoscalerKedaHpaRevisionUnready":  {"kn_revision_name": "waits"},
		"AutoscalerKedaHpaConfigRefused":    {"configmap": "config-autoscaler-keda"},
	}
	err = cluster.Poll(t.Context(), 30*time.Second, "the alerts that are meant to fire, and no other", func(ctx context.Context) error {
		rules, err := m.Rules(ctx)
		if err != nil {
			return err
		}
		return checkFiring(rules, want)
	})
	if err != nil {
		t.Error(err)
	}
	c.askPanels(m)
	s.stop()
}

func checkFiring(rules map[string]cluster.Rule, want map[string]map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[name]
		if rule.Health != "ok" {
			return fmt.Errorf("%s is %s: %s", name, rule.Health, rule.LastError)
		}
		expected, meant := want[name]
		if fires := rule.State == "firing"; fires != meant {
			return fmt.Errorf("%s is %s: %v", name, rule.State, rule.Alerts)
		}
		for label, value := range expected {
			if len(rule.Alerts) != 1 || rule.Alerts[0].Labels[label] != value {
				return fmt.Errorf("%s fires for %v, want one with %s=%s", name, rule.Alerts, label, value)
			}
		}
	}
	if len(rules) < len(want) {
		return fmt.Errorf("%d rules only", len(rules))
	}
	return nil
}

// askPanels wants an answer to each question of the dashboard, empty only
// where there is nothing to tell of without KEDA.
func (c *testCase) askPanels(m *cluster.Monitor) {
	c.Helper()
	d, err := dashboard.Read(c.ConfigDir())
	if err != nil {
		c.Fatal(err)
	}
	target := 10
	err = cluster.Poll(c.Context(), 30*time.Second, "an answer to each panel of the dashboard", func(ctx context.Context) error {
		target++ // a rate is that of something that happens
		c.setAnnotation("waits", "target", fmt.Sprint(target))
		for _, panel := range d.Panels {
			if err := askPanel(ctx, m, panel); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.Error(err)
	}
}

var mayBeEmpty = regexp.MustCompile(`kn_revision_pods|_replicas|held_until`)

func askPanel(ctx context.Context, m *cluster.Monitor, panel dashboard.Panel) error {
	for _, target := range panel.Targets {
		samples, err := m.Query(ctx, target.Expr, time.Now())
		if err != nil {
			return fmt.Errorf("panel %s: %w", panel.Title, err)
		}
		if len(samples) == 0 && !mayBeEmpty.MatchString(target.Expr) {
			return fmt.Errorf("panel %s: no answer to %s", panel.Title, target.Expr)
		}
	}
	return nil
}
