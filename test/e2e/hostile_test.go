package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
)

// hostile are annotations that nobody writes by mistake, and a word of what is
// to be said of each. They stay below the 256 KiB that Kubernetes allows all
// annotations of an object together.
var hostile = map[string]struct{ annotation, value, said string }{
	"big":      {"keda-triggers", "[" + strings.Repeat(`"a",`, 60_000) + `"a"]`, "64"},
	"text":     {"scaled-object-override", strings.Repeat("% s", 80_000), ": 1:1: "},
	"brackets": {"extra-prometheus-triggers", strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "32"},
	"braces":   {"scaled-object-override", strings.Repeat(`{"spec":`, 10_000) + "1" + strings.Repeat("}", 10_000), "32"},
	"flow":     {"keda-triggers", strings.Repeat("- ", 10_000) + "a", "32"},
	"laughs":   {"keda-triggers", "- &a [x, x]\n- &b [*a, *a]\n- [*b, *b]\n", "anchors"},
	"tag":      {"keda-triggers", "- !!python/object:os.system {type: cron}\n", "tags"},
	"many":     {"keda-triggers", strings.Repeat("- {type: cron, metadata: {a: b}}\n", 65), "64"},
	"escape":   {"keda-triggers", `[{"type": "cr\u0000on", "metadata": {"a": "b"}}]`, "NUL"},
	"nul":      {"keda-triggers", "[{\"type\": \"cr\x00on\", \"metadata\": {\"a\": \"b\"}}]", ": 1:14: "},
	"nultext":  {"prometheus-query", "sum(raw_scale\x00)", "NUL"},
	"nan":      {"target", "NaN", "NaN"},
	"overflow": {"keda-polling-interval", "99999999999999999999999999", "whole seconds"},
	"exponent": {"keda-activation-target", "1e999999999", "decimal"},
	"negative": {"keda-fallback-replicas", "-9223372036854775809", "2147483647"},
	"kinds":    {"scaling-modifiers", `{"formula": 1, "target": {}}`, "formula"},
	"quantity": {"keda-triggers", "- {type: memory, metricType: AverageValue, metadata: {value: 1Gi1}}", "1Gi1"},
	"template": {"prometheus-query", "{{ " + strings.Repeat("( ", 10_000), "column 4"},
}

// Each is refused with a short text that names it, and none holds up another
// revision, one that is deployed last of all.
func TestHostile(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	for name, bad := range hostile {
		annotations := map[string]string{"min-scale": "1", "metric": "raw_scale"}
		if bad.annotation != "prometheus-query" {
			annotations["prometheus-query"] = fmt.Sprintf("sum(raw_scale{namespace=%q})", c.namespace)
		}
		if bad.annotation != "target" {
			annotations["target"] = "5"
		}
		annotations[bad.annotation] = bad.value
		c.deploy(service{name: name, annotations: annotations})
	}
	pid := c.program.Pid()
	c.deploy(service{name: "good", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	c.waitReady("good-00001")
	for name, bad := range hostile {
		// Whole, and short: the value is not in it.
		message := c.waitActive(30*time.Second, name+"-00001", "False", "InvalidAnnotation", prefix+bad.annotation, bad.said)
		if len(message) > 2048 {
			t.Errorf("%s: a message of %d bytes: %.200s...", name, len(message), message)
		}
		c.wantNoScaledObject(name + "-00001")
		t.Logf("%s: %s", name, message)
	}
	c.waitCondition(10*time.Second, cluster.PodAutoscalers, "good-00001", "Active", "True", "")
	if !c.program.Running() || c.program.Pid() != pid {
		t.Error("the program did not keep running")
	}
}
