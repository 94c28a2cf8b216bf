package e2e

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"autoscaler-keda-hpa/e2e/cluster"
	"autoscaler-keda-hpa/e2e/proxy"
)

// answerFaults are wrong answers to single writes: all of them at once, each
// to a revision of its own.
var answerFaults = []fault{{"answers", runAnswers}}

// answer is one of them.
type answer struct {
	name   string
	method string   // default POST
	parts  []string // which write, beside the revision's name; default scaledobjects
	times  int      // 0: until it has been told
	fault  proxy.Fault
	told   told // while it lasts, if a user can see it
	// The write comes from a change of the ready revision.
	edit bool
}

// told is what Active says.
type told struct{ status, reason, text string }

const (
	unknown    = "Unknown"
	notWritten = "ScaledObjectNotWritten"
)

func passing(text string) told { return told{unknown, notWritten, text} }

var (
	postSKS     = []string{"serverlessservices"}
	patchStatus = []string{"podautoscalers", "status"}
	patchSO     = []string{"scaledobjects"}
)

var answers = []answer{
	{name: "so-401", fault: proxy.Status(401, "Unauthorized", "who are you"), told: passing("who are you")},
	{name: "so-403", fault: proxy.Status(403, "Forbidden", "may not"), told: passing("may not")},
	{name: "so-404", fault: proxy.Status(404, "NotFound", "deployments.apps not found"), told: passing("deployments.apps not found")},
	{name: "so-409-conflict", fault: proxy.Status(409, "Conflict", "too old"), times: 3},
	{name: "so-409-exists", fault: proxy.Status(409, "AlreadyExists", "it is there"), times: 3},
	{name: "so-422", fault: proxy.Status(422, "Invalid", "spec.triggers: no"), told: told{"False", "ScaledObjectRejected", "spec.triggers: no"}},
	{name: "so-429", fault: proxy.Throttle(time.Second), told: passing("too many requests")},
	{name: "so-500", fault: proxy.Status(500, "InternalError", "it burns"), told: passing("it burns")},
	{name: "so-503", fault: proxy.Status(503, "ServiceUnavailable", "not now"), told: passing("not now")},
	{name: "so-html-502", fault: proxy.HTML(502), told: passing("HTTP 502")},
	{name: "so-html-200", fault: proxy.HTML(200), told: passing("unreadable answer")},
	{name: "so-refused", fault: proxy.Refuse(), told: passing("")},
	{name: "so-lost", fault: proxy.LoseReply(), times: 1},
	{name: "so-lost-and-reset", fault: proxy.ResetConnAfter(), times: 1},
	{name: "so-reset-before", fault: proxy.ResetConn(), times: 2},
	{name: "so-cut", fault: proxy.Cut(1, proxy.WithReset), times: 1},
	{name: "so-cut-in-order", fault: proxy.Cut(1, proxy.InOrder), times: 1},
	{name: "so-cut-short", fault: proxy.Cut(1, proxy.Short), times: 1},
	{name: "so-late", fault: proxy.Delay(3 * time.Second), times: 1},
	{name: "so-byte-by-byte", fault: proxy.ByteByByte(), times: 1},
	{name: "sks-500", parts: postSKS, fault: proxy.Status(500, "InternalError", "it burns"), times: 4},
	{name: "sks-409-exists", parts: postSKS, fault: proxy.Status(409, "AlreadyExists", "it is there"), times: 3},
	{name: "sks-lost", parts: postSKS, fault: proxy.LoseReply(), times: 1},
	{name: "sks-cut", parts: postSKS, fault: proxy.Cut(1, proxy.InOrder), times: 1},
	{name: "sks-html", parts: postSKS, fault: proxy.HTML(200), times: 2},
	{name: "status-409", method: "PATCH", parts: patchStatus, fault: proxy.Status(409, "Conflict", "too old"), times: 4},
	{name: "status-422", method: "PATCH", parts: patchStatus, fault: proxy.Status(422, "Invalid", "no"), times: 3},
	{name: "status-503", method: "PATCH", parts: patchStatus, fault: proxy.Status(503, "ServiceUnavailable", "not now", "Retry-After", "1"), times: 3},
	{name: "status-lost", method: "PATCH", parts: patchStatus, fault: proxy.LoseReply(), times: 2},
	{name: "patch-409", method: "PATCH", parts: patchSO, fault: proxy.Status(409, "Conflict", "too old"), times: 3, edit: true},
	{name: "patch-lost", method: "PATCH", parts: patchSO, fault: proxy.LoseReply(), times: 1, edit: true},
	{name: "patch-refused", method: "PATCH", parts: patchSO, fault: proxy.Refuse(), times: 2, edit: true},
	{name: "patch-500", method: "PATCH", parts: patchSO, fault: proxy.Status(500, "InternalError", "it burns"), told: passing("it burns"), edit: true},
	{name: "get-404", method: "GET", parts: patchSO, fault: proxy.Status(404, "NotFound", "gone"), times: 2, edit: true},
	{name: "get-html", method: "GET", parts: patchSO, fault: proxy.HTML(200), times: 2, edit: true},
}

func runAnswers(f *faults) {
	begin := time.Now()
	var revisions []string
	f.Run("each", func(t *testing.T) {
		for _, row := range answers {
			revisions = append(revisions, row.name+"-00001")
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				f.on(t).meetAnswer(row)
			})
		}
	})
	f.settle(begin, revisions)
}

func (f *faults) meetAnswer(row answer) {
	revision := row.name + "-00001"
	filter := proxy.Filter{Method: row.method, Parts: append([]string{revision, "scaledobjects"}, row.parts...), Others: true}
	if row.parts != nil {
		filter.Parts = append([]string{revision}, row.parts...)
	}
	if filter.Method == "" {
		filter.Method = "POST"
	}
	inject := func() *proxy.Rule { return f.proxy.Inject(filter, row.times, row.fault) }
	if row.edit {
		f.meetInEdit(row, revision, inject)
		return
	}
	rule := inject()
	defer rule.Remove()
	f.deployCPU(row.name)
	f.waitTold(row, revision)
	if row.times == 0 {
		rule.Remove()
	}
	f.waitReady(revision)
	f.wantMet(row, rule)
}

func (f *faults) waitTold(row answer, revision string) {
	f.Helper()
	if row.told.reason != "" {
		f.waitActive(30*time.Second, revision, row.told.status, row.told.reason, row.told.text)
	}
}

func (f *faults) wantMet(row answer, rule *proxy.Rule) {
	f.Helper()
	if rule.Hits() == 0 || row.times > 0 && rule.Hits() != row.times {
		f.Errorf("%d requests met the fault, want %d", rule.Hits(), row.times)
	}
	f.Logf("%d requests met the fault", rule.Hits())
}

// meetInEdit has the fault meet the change of a ScaledObject that is there,
// and takes the change back, so that it ends as the others.
func (f *faults) meetInEdit(row answer, revision string, inject func() *proxy.Rule) {
	f.deployCPU(row.name)
	f.waitReady(revision)
	f.eventually(30*time.Second, revision+" to be initialized", func(ctx context.Context) error {
		pa, err := f.get(ctx, cluster.PodAutoscalers, revision)
		if err != nil {
			return err
		}
		return cluster.WantCondition(pa, "Ready", "True")
	})
	f.staysReady(revision)
	rule := inject()
	defer rule.Remove()
	begin := time.Now()
	f.annotate(revision, map[string]any{"max-scale": "5"})
	f.waitTold(row, revision)
	if row.times == 0 {
		rule.Remove()
	}
	f.waitMost(revision, 5)
	f.wantMet(row, rule)
	f.annotate(revision, map[string]any{"max-scale": "3"})
	f.waitMost(revision, 3)
	writes, err := f.Audit.WritesSince(begin, f.namespace)
	if err != nil {
		f.Fatal(err)
	}
	done := 0
	for _, w := range writes {
		if w.ObjectRef.Resource == "scaledobjects" && w.ObjectRef.Name == revision && w.ResponseStatus.Code == 200 {
			done++
		}
	}
	if done != 2 {
		f.Errorf("two changes took %d writes of the ScaledObject", done)
	}
}

func (f *faults) waitMost(revision string, want int64) {
	f.Helper()
	f.eventually(30*time.Second, fmt.Sprintf("%s: maxReplicaCount %d", revision, want), func(ctx context.Context) error {
		so, err := f.get(ctx, cluster.ScaledObjects, revision)
		if err != nil {
			return err
		}
		if have, _, _ := unstructured.NestedInt64(so.Object, "spec", "maxReplicaCount"); have != want {
			return fmt.Errorf("it is %d", have)
		}
		return nil
	})
}

// ---- wrong answers to everything ----

// storm is an answer that every request gets for a while.
type storm struct {
	name  string
	fault proxy.Fault
}

var storms = []storm{
	{name: "401", fault: proxy.Status(401, "Unauthorized", "who are you")},
	{name: "403", fault: proxy.Status(403, "Forbidden", "may not")},
	{name: "500", fault: proxy.Status(500, "InternalError", "it burns")},
	{name: "503", fault: proxy.Status(503, "ServiceUnavailable", "not now", "Retry-After", "1")},
	{name: "429", fault: proxy.Throttle(2 * time.Second)},
	{name: "html", fault: proxy.HTML(200)},
	{name: "empty", fault: proxy.Answer(200, "")},
	{name: "refused", fault: proxy.Refuse()},
	{name: "reset", fault: proxy.ResetConn()},
	{name: "410", fault: proxy.Status(410, "Expired", "too old resource version")},
	{name: "404", fault: proxy.Status(404, "NotFound", "the server could not find the requested resource")},
}

func stormFaults() []fault {
	var all []fault
	for _, s := range storms {
		all = append(all, fault{"storm-" + s.name, func(f *faults) { f.meetStorm(s) }})
	}
	return all
}

// stormLasts is long enough for back-off to show.
const stormLasts = 3500 * time.Millisecond

func (f *faults) meetStorm(s storm) {
	begin := time.Now()
	rule := f.proxy.Inject(proxy.Filter{}, 0, s.fault)
	defer rule.Remove()
	// Watches that are open would not meet it.
	f.proxy.AbortStreams(proxy.Filter{})
	revisions := f.some()
	time.Sleep(stormLasts - time.Since(begin))
	f.wantBounded(begin)
	f.wantBackoff(begin)
	rule.Remove()
	f.settle(begin, revisions)
}

// wantBounded wants at most a few requests a second for each thing asked, and
// of Events, which have a budget of their own, not many either.
func (f *faults) wantBounded(begin time.Time) {
	f.Helper()
	counts := map[string]int{}
	seconds := time.Since(begin).Seconds()
	all := f.proxy.Journal.Since(begin, nil)
	for _, entry := range all {
		path, query, _ := strings.Cut(entry.URI, "?")
		if !strings.HasSuffix(path, "/events") {
			parameters, _ := url.ParseQuery(query)
			path += " " + entry.Name + parameters.Get("fieldSelector")
		}
		counts[entry.Method+" "+path]++
	}
	for what, count := range counts {
		// The first tries come at once.
		first, perSecond := 6.0, 2.0
		if strings.HasSuffix(what, "/events") {
			first, perSecond = 25, 5
		}
		if float64(count) > first+perSecond*seconds {
			f.Errorf("%d times in %.1fs: %s", count, seconds, what)
		}
	}
	f.Logf("%d requests in %.1fs, of %d kinds", len(all), seconds, len(counts))
}

// wantBackoff wants that the tries of a watch have come to be rare.
func (f *faults) wantBackoff(begin time.Time) {
	f.Helper()
	tries := f.proxy.Journal.Since(begin, func(e proxy.Entry) bool {
		return strings.Contains(e.URI, "/podautoscalers?")
	})
	if len(tries) < 2 {
		f.Fatalf("%d tries of a watch", len(tries))
	}
	pause := tries[len(tries)-1].Begin.Sub(tries[len(tries)-2].Begin)
	f.Logf("%d tries of a watch, the last two %.2fs apart", len(tries), pause.Seconds())
	// A kind that is gone is asked for once a second at first.
	if pause < 900*time.Millisecond {
		f.Errorf("no back-off: the last two tries were %s apart", pause)
	}
}
