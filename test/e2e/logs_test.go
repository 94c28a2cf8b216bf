package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"autoscaler-keda-hpa/e2e/cluster"
)

// The level of the log follows config-logging, and config-observability
// switches /metrics off and on; Knative's webhook takes what is set.
func TestLogsAndMetricsConfig(t *testing.T) {
	w := sharedWorld(t)
	c := newCase(t, w)

	defer c.setKey("config-logging", "loglevel.hpaautoscaler", nil)
	defer c.setKey("config-observability", "metrics-protocol", nil)
	c.setKey("config-logging", "loglevel.hpaautoscaler", "debug")
	c.waitLine("the level changes", func(line map[string]any) bool {
		return line["message"] == "log level changed" && line["to"] == "debug"
	})
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	key := c.namespace + "/app-00001"
	c.waitLine("a single step", func(line map[string]any) bool {
		return line["severity"] == "DEBUG" && line["knative.dev/key"] == key && line["message"] == "step done"
	})
	c.waitLine("a decision", func(line map[string]any) bool {
		return line["severity"] == "INFO" && line["knative.dev/key"] == key && line["message"] == "reconciled" &&
			line["knative.dev/traceid"] != nil && line["duration"] != nil && line["written"] != nil
	})
	c.waitMetrics(http.StatusOK)
	c.setKey("config-observability", "metrics-protocol", "none")
	c.waitMetrics(http.StatusNotFound)
	c.setKey("config-observability", "metrics-protocol", nil)
	c.waitMetrics(http.StatusOK)
}

// setKey sets a key of a ConfigMap of Knative's; nil takes it out.
func (c *testCase) setKey(name, key string, value any) {
	c.Helper()
	data, err := json.Marshal(map[string]any{"data": map[string]any{key: value}})
	if err == nil {
		_, err = c.Typed.CoreV1().ConfigMaps(cluster.SystemNamespace).Patch(context.Background(),
			name, types.MergePatchType, data, metav1.PatchOptions{})
	}
	if err != nil {
		c.Errorf("%s of %s: %v", key, name, err)
	}
}

// waitLine waits for a line of the program's log.
func (c *testCase) waitLine(what string, match func(line map[string]any) bool) {
	c.Helper()
	c.eventually(20*time.Second, what, func(context.Context) error {
		text, err := os.ReadFile(c.program.Log)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		count := 0
		for ; lines.Scan(); count++ {
			var line map[string]any
			if json.Unmarshal(lines.Bytes(), &line) == nil && match(line) {
				return nil
			}
		}
		return fmt.Errorf("none among %d lines", count)
	})
}

// waitMetrics waits until /metrics answers with that status.
func (c *testCase) waitMetrics(want int) {
	c.Helper()
	c.eventually(20*time.Second, fmt.Sprintf("/metrics answers %d", want), func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.program.Metrics, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != want {
			return fmt.Errorf("it answers %d", response.StatusCode)
		}
		return nil
	})
}
