package trace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Options of a replay.
type Options struct {
	Prometheus string // its address, for the real KEDA
	// How long both may take to show a step's facts, or to agree on a read;
	// a fifth of it once that was waited for in vain a few times.
	Patience time.Duration
	Allowed  *Differences
	Progress func(format string, args ...any)
}

// Finding is a difference between the two servers.
type Finding struct {
	Step    int // its line in the trace; 0: none
	Request string
	Difference
	again int // found so often again in requests of the same kind
}

func (f Finding) String() string {
	text := fmt.Sprintf("step %d, %s\n  at %s\n    devcluster: %s\n    real:       %s",
		f.Step, f.Request, f.Where, shown(f.Ours), shown(f.Real))
	if f.again > 0 {
		text += fmt.Sprintf("\n  and %d times more", f.again)
	}
	return text
}

// shown is a value in one line that is not too long.
func shown(value any) string {
	if value == absent {
		return "(absent)"
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if len(data) > 400 {
		return string(data[:400]) + "…"
	}
	return string(data)
}

type replay struct {
	Options
	ours, real *Server
	findings   []Finding
	known      map[string]int // finding's kind -> its place
	watches    []Step
	inVain     int
}

func (r *replay) patience() time.Duration {
	if r.inVain >= 6 {
		return r.Patience / 5
	}
	return r.Patience
}

// Replay asks both servers all steps and returns how their answers differ
// beyond what is allowed.
func Replay(ctx context.Context, steps []Step, ours, real *Server, options Options) ([]Finding, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the watches
	r := &replay{Options: options, ours: ours, real: real, known: map[string]int{}}
	for i, step := range steps {
		begin := time.Now()
		if err := r.step(ctx, i+1, step); err != nil {
			return r.findings, fmt.Errorf("step %d, %s: %w", i+1, step, err)
		}
		r.Progress("%3d %5.1fs %s", i+1, time.Since(begin).Seconds(), step)
	}
	return r.findings, r.compareWatches(ctx)
}

func (r *replay) step(ctx context.Context, number int, step Step) error {
	short := r.awaitFacts(ctx, step)
	switch {
	case step.By == ByWorld:
		_, query, _ := strings.Cut(step.Path, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return err
		}
		return r.both(func(s *Server) error { return s.Metric(ctx, values) })
	case step.IsWatch():
		r.watches = append(r.watches, step)
		return r.both(func(s *Server) error {
			path, err := s.resolve(ctx, step, step.Path, r.Options)
			if err != nil {
				return err
			}
			// Known by the path that both have in common.
			return s.watch(ctx, path, step.Path, step.Accept)
		})
	case step.IsRead():
		r.add(number, step, short)
		return r.read(ctx, number, step)
	}
	return r.write(ctx, number, step, short)
}

// awaitFacts waits until both servers have shown what a write of the program
// was based on, and returns what they have not. A read shows its facts itself.
func (r *replay) awaitFacts(ctx context.Context, step Step) []Difference {
	if step.By != ByProgram || len(step.When) == 0 {
		return nil
	}
	var missing [2][]string
	_ = r.both(func(s *Server) error {
		which := 0
		if s == r.real {
			which = 1
		}
		missing[which] = s.await(ctx, step.When, r.patience())
		return nil
	})
	if len(missing[0]) == 0 && len(missing[1]) == 0 {
		return nil
	}
	r.inVain++
	return []Difference{{Where: "when", Ours: missing[0], Real: missing[1]}}
}

// both does something with each server at the same time.
func (r *replay) both(do func(s *Server) error) error {
	var errs [2]error
	var group sync.WaitGroup
	for i, server := range []*Server{r.ours, r.real} {
		group.Go(func() {
			if err := do(server); err != nil {
				errs[i] = fmt.Errorf("%s: %w", server.Name, err)
			}
		})
	}
	group.Wait()
	return errors.Join(errs[:]...)
}

// askBoth asks each server the step once.
func (r *replay) askBoth(ctx context.Context, step Step) (ours, real answer, err error) {
	err = r.both(func(s *Server) error {
		a, err := s.perform(ctx, step, r.Options)
		if s == r.ours {
			ours = a
		} else {
			real = a
		}
		return err
	})
	return ours, real, err
}

func (r *replay) write(ctx context.Context, number int, step Step, short []Difference) error {
	ours, real, err := r.askBoth(ctx, step)
	if errors.Is(err, errGone) {
		// Where much is deleted at once, what goes first depends on the moment.
		r.Progress("not asked: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	r.add(number, step, append(short, r.differences(step, ours, real)...))
	return nil
}

// read asks until both agree and show the step's facts.
func (r *replay) read(ctx context.Context, number int, step Step) error {
	deadline := time.Now().Add(r.patience())
	for {
		ours, real, err := r.askBoth(ctx, step)
		if err != nil {
			return err
		}
		differences := r.differences(step, ours, real)
		differences = append(differences, shortOf(step.When, ours, real)...)
		open := r.Allowed.without(step, differences)
		late := time.Now().After(deadline)
		if late {
			r.inVain++
		}
		if len(open) == 0 || late {
			r.add(number, step, differences)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// shortOf are the facts that an object read does not show yet.
func shortOf(when []Facts, ours, real answer) []Difference {
	var short []Difference
	for _, want := range when {
		for _, name := range sortedKeys(want.Has) {
			a, b := factsOf(ours.value)[name], factsOf(real.value)[name]
			if objectKey(real.value) == want.Object && (want.Has[name] != a || want.Has[name] != b) {
				where := fmt.Sprintf("when %s: %s is %s", want.Object, name, want.Has[name])
				short = append(short, Difference{where, a, b})
			}
		}
	}
	return short
}

// add notes what differs and is not allowed to.
func (r *replay) add(number int, step Step, differences []Difference) {
	r.Allowed.use(step, differences)
	for _, difference := range r.Allowed.without(step, differences) {
		kind := step.Kind() + " " + difference.Where
		if at, before := r.known[kind]; before {
			r.findings[at].again++
			continue
		}
		r.known[kind] = len(r.findings)
		r.findings = append(r.findings, Finding{Step: number, Request: step.String(), Difference: difference})
	}
}

func (r *replay) differences(step Step, ours, real answer) []Difference {
	var all []Difference
	check := func(where string, a, b any) {
		if shown(a) != shown(b) {
			all = append(all, Difference{where, a, b})
		}
	}
	check("status", ours.status, real.status)
	if step.Status != 0 {
		check("status as recorded", ours.status, step.Status)
	}
	check("content type", ours.media, real.media)
	check("warnings", ours.warnings, real.warnings)
	a, b := normal(ours.value), normal(real.value)
	if !step.IsRead() && step.Method != "POST" && !strings.Contains(step.Path, "/status?") {
		delete(fieldsOf(a), "status")
		delete(fieldsOf(b), "status")
	}
	return append(all, compare(a, b)...)
}

func fieldsOf(value any) map[string]any {
	fields, _ := value.(map[string]any)
	if text(fields, "kind") == "Status" {
		return nil // its status is no other's to write
	}
	return fields
}

// ---- one server ----

// perform asks the step; a conflict is read and tried again, as the program
// and kubectl do.
func (s *Server) perform(ctx context.Context, step Step, options Options) (answer, error) {
	for try := 1; ; try++ {
		path, err := s.resolve(ctx, step, step.Path, options)
		if err != nil {
			return answer{}, err
		}
		body, err := s.resolve(ctx, step, string(step.Body), options)
		if err != nil {
			return answer{}, err
		}
		a, err := s.ask(ctx, step.Method, path, step.Accept, step.Type, []byte(body))
		if err != nil {
			return a, err
		}
		if a.status == http.StatusConflict && step.Status != http.StatusConflict && try < 5 {
			continue
		}
		if step.IsRead() && a.status == http.StatusOK {
			bare, _, _ := strings.Cut(step.Path, "?")
			s.lists[bare] = listing{text(a.value, "metadata", "resourceVersion"), text(a.value, "metadata", "continue")}
		}
		return a, nil
	}
}

var placeholder = regexp.MustCompile(`\$\{(\w+)( [^}]*)?\}`)

// resolve puts in what the placeholders stand for on this server now.
func (s *Server) resolve(ctx context.Context, step Step, template string, options Options) (string, error) {
	var failure error
	inPath := template == step.Path
	bare, _, _ := strings.Cut(step.Path, "?")
	text := placeholder.ReplaceAllStringFunc(template, func(found string) string {
		parts := placeholder.FindStringSubmatch(found)
		var value string
		var err error
		switch parts[1] {
		case "now":
			value = time.Now().UTC().Format(time.RFC3339)
		case "prometheus":
			value = options.Prometheus
		case "uid":
			value, err = s.uid(ctx, strings.TrimSpace(parts[2]), options)
		case "continue":
			value = url.QueryEscape(s.lists[bare].next)
		case "version":
			if value = s.lists[bare].version; !inPath {
				value, err = s.version(ctx, strings.TrimSuffix(bare, "/status"))
			}
		default:
			err = fmt.Errorf("unknown placeholder %s", found)
		}
		failure = errors.Join(failure, err)
		return value
	})
	return text, failure
}

func (s *Server) version(ctx context.Context, path string) (string, error) {
	a, err := s.get(ctx, path)
	if err != nil {
		return "", err
	}
	if version := text(a.value, "metadata", "resourceVersion"); version != "" {
		return version, nil
	}
	gone := []Facts{{s.objectAt(path), map[string]string{there: ""}}}
	if a.status == http.StatusNotFound && len(s.await(ctx, gone, time.Second)) == 0 {
		return "", fmt.Errorf("%s: %w", path, errGone)
	}
	return "", fmt.Errorf("the version of %s: %d %s", path, a.status, shown(a.value))
}

// errGone is for an object that a watch has seen, and seen deleted.
var errGone = errors.New("deleted by now")

// objectAt is "Kind/name" of a path.
func (s *Server) objectAt(path string) string {
	name := path[strings.LastIndex(path, "/")+1:]
	for kind, format := range resourcePaths {
		if fmt.Sprintf(format, s.namespace, name) == path {
			return kind + "/" + name
		}
	}
	return ""
}

// resourcePaths are where the kinds are that have uids in a trace.
var resourcePaths = map[string]string{
	"Service":                 "/apis/serving.knative.dev/v1/namespaces/%s/services/%s",
	"Configuration":           "/apis/serving.knative.dev/v1/namespaces/%s/configurations/%s",
	"Revision":                "/apis/serving.knative.dev/v1/namespaces/%s/revisions/%s",
	"PodAutoscaler":           "/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/%s/podautoscalers/%s",
	"ServerlessService":       "/apis/networking.internal.knative.dev/v1alpha1/namespaces/%s/serverlessservices/%s",
	"ScaledObject":            "/apis/keda.sh/v1alpha1/namespaces/%s/scaledobjects/%s",
	"HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/%s/horizontalpodautoscalers/%s",
	"Deployment":              "/apis/apps/v1/namespaces/%s/deployments/%s",
}

// uid waits for the object: another controller may still have to make it.
func (s *Server) uid(ctx context.Context, object string, options Options) (string, error) {
	kind, name, _ := strings.Cut(object, "/")
	format, known := resourcePaths[kind]
	if !known {
		return "", fmt.Errorf("no path is known for the uid of %s", object)
	}
	path := fmt.Sprintf(format, s.namespace, name)
	for deadline := time.Now().Add(options.Patience); ; {
		a, err := s.get(ctx, path)
		if err != nil {
			return "", err
		}
		if uid := text(a.value, "metadata", "uid"); uid != "" {
			return uid, nil
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("waited for the uid of %s; %s is answered %d", object, path, a.status)
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
