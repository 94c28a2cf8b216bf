package scaler

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/kedacore/keda/v2/pkg/scalers"
	"github.com/kedacore/keda/v2/pkg/scalers/scalersconfig"
	v2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// pushScaler is what KEDA's operator makes of a trigger of type external-push.
func pushScaler(t *testing.T, b *bench, metric, revision, target string) scalers.PushScaler {
	t.Helper()
	log.SetLogger(testr.New(t))
	trigger := metadata(metric, revision, target)
	trigger["scalerAddress"] = b.address
	scaler, err := scalers.NewExternalPushScaler(&scalersconfig.ScalerConfig{
		ScalableObjectName:      revision,
		ScalableObjectNamespace: "app",
		TriggerMetadata:         trigger,
		TriggerIndex:            1,
		TriggerName:             "default-trigger-http",
		MetricType:              v2.AverageValueMetricType,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = scaler.Close(context.Background()) })
	return scaler
}

// What the HPA gets: the target as a quantity, the value, and whether it is active.
func TestKEDAScales(t *testing.T) {
	b := start(t)
	b.order(t, "set app hello-00001 2.5 0")
	scaler := pushScaler(t, b, "concurrency", "hello-00001", "0.7")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	specs := scaler.GetMetricSpecForScaling(ctx)
	if len(specs) != 1 {
		t.Fatalf("the specs are %v", specs)
	}
	external := specs[0].External
	if external.Metric.Name != "s1-concurrency" || external.Target.AverageValue == nil ||
		external.Target.AverageValue.String() != "700m" {
		t.Errorf("the HPA's metric is %v", external)
	}
	metrics, active, err := scaler.GetMetricsAndActivity(ctx, "s1-concurrency")
	if err != nil || len(metrics) != 1 || !active {
		t.Fatalf("have %v, active %v, %v", metrics, active, err)
	}
	if value := metrics[0].Value; value.MilliValue() != 2500 {
		t.Errorf("the value is %s", value.String())
	}
}

// What the operator's log and the ScaledObject's event say of a wrong trigger.
func TestKEDATellsWhatIsWrong(t *testing.T) {
	b := start(t)
	scaler := pushScaler(t, b, "concurrency", "hello-00001", "many")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, _, err := scaler.GetMetricsAndActivity(ctx, "s1-concurrency")
	if err == nil || !strings.Contains(err.Error(), `target "many": a plain decimal`) {
		t.Errorf("have %v", err)
	}
}

// From nothing to a request: KEDA hears of it within a second, then again, and of nothing else.
func TestKEDAIsPushedTo(t *testing.T) {
	b := start(t)
	scaler := pushScaler(t, b, "rps", "hello-00001", "70")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pushed := make(chan bool)
	go scaler.Run(ctx, pushed)
	// It is asked for until its first answer: then it is watched, and the stream is open.
	for {
		if _, active, err := scaler.GetMetricsAndActivity(ctx, "s1-rps"); err == nil {
			if active {
				t.Fatal("active without a request")
			}
			break
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	select {
	case active := <-pushed:
		t.Fatalf("pushed %v without a request", active)
	case <-time.After(time.Second):
	}
	begin := time.Now()
	b.order(t, "set app hello-00001 1 0")
	for i, most := range []time.Duration{time.Second, 4 * time.Second, 8 * time.Second} {
		select {
		case active := <-pushed:
			t.Logf("push %d after %v", i+1, time.Since(begin))
			if !active || time.Since(begin) > most {
				t.Errorf("pushed %v after %v, wanted true after %v", active,
					time.Since(begin), most)
			}
		case <-ctx.Done():
			t.Fatal("no push")
		}
	}
}
