package cluster

import (
	"fmt"
	"time"
)

// StartAutoscalerHPA starts Knative's own autoscaler-hpa, with leader election,
// and returns what stops it well: it lets go of its lease then.
func (c *Cluster) StartAutoscalerHPA() (stop func() error, err error) {
	env := []string{
		"SYSTEM_NAMESPACE=" + SystemNamespace, "POD_NAME=autoscaler-hpa",
		"CONFIG_LOGGING_NAME=config-logging", "CONFIG_OBSERVABILITY_NAME=config-observability",
		fmt.Sprintf("PROFILING_PORT=%d", freePort()),
	}
	process, err := c.tool("knative-autoscaler-hpa", env, "--kubeconfig="+c.Kubeconfig)
	if err != nil {
		return nil, err
	}
	return func() error {
		c.forget(process)
		return process.Stop(30 * time.Second)
	}, nil
}
