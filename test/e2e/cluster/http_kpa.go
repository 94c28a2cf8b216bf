package cluster

import (
	"context"
	"fmt"
)

// StartKPA starts Knative's own autoscaler, to compare with. Services of its
// class want target-burst-capacity -1: else it asks, before it scales one to
// zero, whether the activators are in its path, by a name that nothing here
// resolves.
func (s *HTTPSet) StartKPA(ctx context.Context) error {
	// Half a minute from the decision to zero would make tests long.
	patch := `{"data": {"scale-to-zero-grace-period": "6s"}}`
	if err := s.patchConfig(ctx, "config-autoscaler", patch); err != nil {
		return err
	}
	process, err := s.startOnBridge("autoscaler", autoscalerIP, "knative-autoscaler",
		"CONFIG_LEADERELECTION_NAME=config-leader-election")
	if err != nil {
		return err
	}
	return s.Wait(ctx, "Knative's autoscaler", func(ctx context.Context) error {
		if exited, err := process.Exited(); exited {
			return fmt.Errorf("it has ended (%v); its last words:\n%s", err, process.Tail(5))
		}
		return listens(ctx, autoscalerIP+":8080")
	})
}
