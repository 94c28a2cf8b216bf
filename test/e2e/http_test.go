package e2e

// Requests that wake a revision from zero and scale it, on the real data
// path: activators and queue-proxies of Knative, with an app behind them, in
// network namespaces of their own (cluster/http_*.go). All of it runs in one
// more namespace, which TestHTTP enters by running this program again.

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
)

// httpCases share one control plane and run at once; those of httpTroubles
// break parts of it, and run one by one before them.
var (
	httpCases = []struct {
		name string
		run  func(*httpCase)
	}{
		{"Set", httpSet},
		{"Zero", httpZero},
		{"Burst", httpBurst},
		{"Load", httpLoad},
		{"Short", httpShort},
		{"LastSecond", httpLastSecond},
		{"TwoActivators", httpTwoActivators},
		{"H2C", httpH2C},
		{"RPS", httpRPS},
		{"Cron", httpCron},
	}
	httpTroubles = []struct {
		name string
		run  func(*httpCase)
	}{
		{"Unreadable", httpUnreadable},
		{"ActivatorLost", httpActivatorLost},
		{"ActivatorHangs", httpActivatorHangs},
		{"ProgramRestart", httpProgramRestart},
		{"KEDARestart", httpKEDARestart},
		{"APIOutage", httpAPIOutage},
		{"LeaderChange", httpLeaderChange},
		{"TLS", httpTLS},
	}
)

func TestHTTP(t *testing.T) {
	if !cluster.InOwnNetwork() {
		runInOwnNetwork(t)
		return
	}
	w := startHTTPWorld(t)
	for _, row := range httpTroubles {
		t.Run(row.name, func(t *testing.T) { row.run(w.newCase(t)) })
	}
	// The group ends when all in it have.
	t.Run("at once", func(t *testing.T) {
		for _, row := range httpCases {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				row.run(w.newCase(t))
			})
		}
	})
	t.Run("Figures", func(t *testing.T) { httpFigures(w.newCase(t)) })
	t.Run("Crowd", func(t *testing.T) { httpCrowd(w.newCase(t)) })
	if err := w.set.Trouble(); err != nil {
		t.Error(err)
	}
}

// runInOwnNetwork runs this test, or those parts of it that were asked for, in
// a network namespace.
func runInOwnNetwork(t *testing.T) {
	if err := cluster.OwnNetworkAllowed(); err != nil {
		t.Skip(err)
	}
	run := "^TestHTTP$"
	if _, parts, ok := strings.Cut(flag.Lookup("test.run").Value.String(), "/"); ok {
		run += "/" + parts
	}
	args := []string{"-test.run=" + run, "-test.parallel=" + flag.Lookup("test.parallel").Value.String()}
	if skip := flag.Lookup("test.skip").Value.String(); skip != "" {
		args = append(args, "-test.skip="+skip)
	}
	if testing.Verbose() {
		args = append(args, "-test.v=true")
	}
	if deadline, ok := t.Deadline(); ok {
		args = append(args, fmt.Sprintf("-test.timeout=%s", time.Until(deadline)-10*time.Second))
	}
	program, err := os.Executable()
	if err == nil {
		err = cluster.RunInOwnNetwork(program, args...)
	}
	if err != nil {
		t.Fatalf("in the network namespace: %v (see above)", err)
	}
}

// httpWorld is a world that carries requests.
type httpWorld struct {
	*world
	set   *cluster.HTTPSet
	front *cluster.Front // the scaler's Service
}

func startHTTPWorld(t *testing.T) *httpWorld {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	if err := cluster.SetUpOwnNetwork(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	fmt.Println("starting a control plane that carries requests")
	c, err := cluster.Start(ctx, cluster.Options{
		WithoutKwok: true,
		Progress:    func(format string, args ...any) { fmt.Printf("    "+format+"\n", args...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &httpWorld{world: &world{Cluster: c}}
	t.Cleanup(func() { w.stop(t) })
	if w.set, err = c.StartHTTPSet(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if w.program, err = c.NewProgram(); err == nil {
		err = electable(ctx, c, w.program)
	}
	if err == nil {
		w.front, err = cluster.NewFront(w.program.Scaler)
	}
	if err == nil {
		err = w.set.ScaleBy(ctx, w.front.Address, false)
	}
	if err == nil {
		err = w.program.Start(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *httpWorld) stop(t *testing.T) {
	if w.program != nil && w.program.Running() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
	}
	if w.set != nil {
		w.set.Stop()
	}
	if w.front != nil {
		w.front.Close()
	}
	keep := t.Failed() || os.Getenv("E2E_KEEP") != ""
	w.Cluster.Stop(keep)
	if keep {
		fmt.Println("logs of all servers, of the program and of the pods:", w.Logs)
	}
}

// httpCase is a test on requests.
type httpCase struct {
	*testCase
	set   *cluster.HTTPSet
	front *cluster.Front
}

func (w *httpWorld) newCase(t *testing.T) *httpCase {
	return &httpCase{newCase(t, w.world), w.set, w.front}
}

// beyondCooldown is longer than KEDA takes to end a revision without requests:
// the cooldown and the polling interval of onRequests, and some.
const beyondCooldown = 12 * time.Second

// onRequests are the annotations of a service that scales on requests, with
// quick reactions.
func onRequests(metric string, more map[string]string) map[string]string {
	annotations := map[string]string{
		"metric":                        metric,
		"target":                        "1",
		"target-utilization-percentage": "100",
		"max-scale":                     "5",
		"window":                        "6s",
		"keda-polling-interval":         "2",
		"keda-cooldown-period":          "6",
	}
	maps.Copy(annotations, more)
	return annotations
}

// deployHTTP creates a service and waits until its first revision is ready.
// A port name of "h2c" tells Knative that the app speaks HTTP/2.
func (c *httpCase) deployHTTP(name, port string, annotations map[string]string) string {
	c.Helper()
	object := service{name: name, annotations: annotations}.object(c.namespace)
	containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	if port != "" {
		containers[0].(map[string]any)["ports"] = []any{map[string]any{"name": port, "containerPort": int64(8080)}}
	}
	if err := unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		c.Fatal(err)
	}
	client := c.Dynamic.Resource(cluster.Services).Namespace(c.namespace)
	if _, err := client.Create(c.Context(), object, metav1.CreateOptions{}); err != nil {
		c.Fatal(err)
	}
	return name + "-00001"
}

// deployAtZero deploys a service and waits until it has scaled to zero.
func (c *httpCase) deployAtZero(metric string, more map[string]string) string {
	c.Helper()
	revision := c.deployHTTP("app", "", onRequests(metric, more))
	c.waitReady(revision)
	c.waitZero(revision)
	return revision
}

// waitZero waits until no pod of a revision is wanted, and none is there but
// those that finish what they have.
func (c *httpCase) waitZero(revision string) {
	c.Helper()
	c.waitReplicas(2*time.Minute, revision, 0)
}

// highest follows how many pods a revision has ready, and returns a function
// that ends this and tells the most that there were.
func (c *httpCase) highest(revision string) func() int64 {
	ctx, cancel := context.WithCancel(c.Context())
	most := make(chan int64)
	go func() {
		var highest int64
		for ctx.Err() == nil {
			if _, ready, err := c.replicas(ctx, revision); err == nil {
				highest = max(highest, ready)
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
		most <- highest
	}()
	return func() int64 { cancel(); return <-most }
}
