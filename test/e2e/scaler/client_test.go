package scaler

import (
	"context"
	"strings"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const patience = 20 * time.Second

func connect(t *testing.T, b *bench) (context.Context, pb.ExternalScalerClient) {
	t.Helper()
	connection, err := grpc.NewClient(b.address,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx, pb.NewExternalScalerClient(connection)
}

func metadata(metric, revision, target string) map[string]string {
	return map[string]string{"scalerAddress": "ours.example:9092",
		"metric": metric, "revision": revision, "target": target}
}

func ref(metadata map[string]string) *pb.ScaledObjectRef {
	return &pb.ScaledObjectRef{Name: "hello-00001", Namespace: "app", ScalerMetadata: metadata}
}

func TestAnswers(t *testing.T) {
	b := start(t)
	ctx, client := connect(t, b)
	hello := ref(metadata("concurrency", "hello-00001", "0.7"))
	b.order(t, "set app hello-00001 3 100")

	spec, err := client.GetMetricSpec(ctx, hello)
	if err != nil {
		t.Fatal(err)
	}
	if s := spec.MetricSpecs; len(s) != 1 || s[0].MetricName != "concurrency" ||
		s[0].TargetSize != 1 || s[0].TargetSizeFloat != 0.7 {
		t.Errorf("the spec is %v", s)
	}
	active, err := client.IsActive(ctx, hello)
	if err != nil || !active.Result {
		t.Errorf("with 3 requests queued it is active: %v, %v", active, err)
	}
	values, err := client.GetMetrics(ctx,
		&pb.GetMetricsRequest{ScaledObjectRef: hello, MetricName: "concurrency"})
	if err != nil {
		t.Fatal(err)
	}
	if v := values.MetricValues; len(v) != 1 || v[0].MetricName != "concurrency" ||
		v[0].MetricValue != 3 || v[0].MetricValueFloat != 3 {
		t.Errorf("the values are %v", v)
	}
	// Nobody has sent a request to that one: no error, a zero.
	idle := ref(metadata("rps", "idle-00001", "140"))
	if active, err := client.IsActive(ctx, idle); err != nil || active.Result {
		t.Errorf("nobody asks for it, and it is active: %v, %v", active, err)
	}
	rate, err := client.GetMetrics(ctx,
		&pb.GetMetricsRequest{ScaledObjectRef: idle, MetricName: "rps"})
	if err != nil || len(rate.MetricValues) != 1 || rate.MetricValues[0].MetricValueFloat != 0 {
		t.Errorf("the rate of nothing is %v, %v", rate, err)
	}
}

func TestRefusals(t *testing.T) {
	b := start(t)
	ctx, client := connect(t, b)
	rows := []struct {
		name     string
		metadata map[string]string
		code     codes.Code
		says     string
	}{
		{"no metadata", nil, codes.InvalidArgument, "no revision: the name of a PodAutoscaler"},
		{"another metric", metadata("cpu", "r", "1"), codes.InvalidArgument,
			`metric "cpu": concurrency or rps is wanted`},
		{"no number", metadata("rps", "r", "ü%1"), codes.InvalidArgument, `target "ü%1": a plain`},
		{"too much of it", map[string]string{"x": strings.Repeat("x", 70000)},
			codes.ResourceExhausted, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := client.IsActive(ctx, ref(row.metadata))
			if status.Code(err) != row.code || !strings.Contains(err.Error(), row.says) {
				t.Errorf("have %v, wanted %v with %q", err, row.code, row.says)
			}
			stream, err := client.StreamIsActive(ctx, ref(row.metadata))
			if err == nil {
				_, err = stream.Recv()
			}
			if status.Code(err) != row.code {
				t.Errorf("the stream: have %v, wanted %v", err, row.code)
			}
		})
	}
	hello := ref(metadata("rps", "hello-00001", "1"))
	_, err := client.GetMetrics(ctx,
		&pb.GetMetricsRequest{ScaledObjectRef: hello, MetricName: "concurrency"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("a metric of another trigger: %v", err)
	}
	specs, err := client.StreamMetricSpec(ctx, hello)
	if err == nil {
		_, err = specs.Recv()
	}
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("StreamMetricSpec: %v", err)
	}
}

// Activators that cannot be read are no zero.
func TestUnread(t *testing.T) {
	b := start(t)
	ctx, client := connect(t, b)
	hello := ref(metadata("concurrency", "hello-00001", "70"))
	b.order(t, "mute")
	begin := time.Now()
	_, err := client.IsActive(ctx, hello)
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "are mute") {
		t.Errorf("have %v, wanted Unavailable and why", err)
	}
	if waited := time.Since(begin); waited < 2*time.Second || waited > 10*time.Second {
		t.Errorf("it said so after %v: the first question waits for a page, but not for ever", waited)
	}
	b.order(t, "speak")
	for {
		active, err := client.IsActive(ctx, hello)
		if err == nil {
			if active.Result {
				t.Error("active without a request")
			}
			return
		}
		if status.Code(err) != codes.Unavailable || ctx.Err() != nil {
			t.Fatalf("still %v", err)
		}
	}
}

// Streams that are open when the server stops end well, so that KEDA comes again at once.
func TestStop(t *testing.T) {
	b := start(t)
	ctx, client := connect(t, b)
	stream, err := client.StreamIsActive(ctx, ref(metadata("rps", "hello-00001", "70")))
	if err != nil {
		t.Fatal(err)
	}
	b.order(t, "set app hello-00001 1 0")
	if response, err := stream.Recv(); err != nil || !response.Result {
		t.Fatalf("the push: %v, %v", response, err)
	}
	b.order(t, "stop")
	for {
		if _, err = stream.Recv(); err != nil {
			break
		}
	}
	if err.Error() != "EOF" {
		t.Errorf("the stream ended with %v", err)
	}
}
