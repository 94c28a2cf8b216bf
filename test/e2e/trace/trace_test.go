package trace

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func parse(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := decode([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func TestCompare(t *testing.T) {
	const object = `{"kind":"Kind","metadata":{"name":"a"},"status":`
	for name, test := range map[string]struct {
		ours, real string
		want       []string // where
	}{
		"equal":                   {`{"a":[1,{"b":null}]}`, `{"a":[1,{"b":null}]}`, nil},
		"number and text":         {`{"a":1}`, `{"a":"1"}`, []string{"answer.a"}},
		"one and 1.0":             {`{"a":1}`, `{"a":1.0}`, []string{"answer.a"}},
		"null is not absent":      {`{"a":null}`, `{}`, []string{"answer.a"}},
		"only the real one":       {`{}`, `{"a":false}`, []string{"answer.a"}},
		"by place":                {`{"a":[1,2]}`, `{"a":[1,3,4]}`, []string{"answer.a[1]", "answer.a[2]"}},
		"the kind is the root":    {object + `1}`, object + `2}`, []string{"Kind.status"}},
		"an item is a root":       {`{"kind":"KindList","items":[` + object + `1}]}`, `{"kind":"KindList","items":[` + object + `2}]}`, []string{"Kind.status"}},
		"conditions by type":      {`[{"type":"A","status":"1"},{"type":"B"}]`, `[{"type":"A","status":"2"},{"type":"B"}]`, []string{"answer[A].status"}},
		"their order counts":      {`[{"type":"A"},{"type":"B"}]`, `[{"type":"B"},{"type":"A"}]`, []string{"answer (order)"}},
		"one condition more":      {`[{"type":"A"},{"type":"B"}]`, `[{"type":"A"}]`, []string{"answer[B]"}},
		"versions":                {`{"resourceVersion":"5"}`, `{"resourceVersion":"77"}`, nil},
		"an empty version is one": {`{"resourceVersion":""}`, `{"resourceVersion":"77"}`, []string{"answer.resourceVersion"}},
		"times":                   {`{"a":"since 2026-11-22T10:00:00Z."}`, `{"a":"since 2027-01-01T00:00:00.123456Z."}`, nil},
		"uids":                    {`{"a":"x 48d471b1-8a8d-48a2-adce-382afd03e76e"}`, `{"a":"x 00000000-8a8d-48a2-adce-382afd03e76e"}`, nil},
		"managedFields":           {`{}`, `{"managedFields":[]}`, nil},
		"claimed discovery":       {`{"kind":"APIResourceList","resources":[{"name":"a","verbs":["get"]}]}`, `{"kind":"APIResourceList","resources":[{"name":"a","verbs":["get"]},{"name":"b"}]}`, nil},
		"discovery that lies":     {`{"kind":"APIResourceList","resources":[{"name":"a","verbs":["get","put"]}]}`, `{"kind":"APIResourceList","resources":[{"name":"a","verbs":["get"]}]}`, []string{"APIResourceList.resources[a].verbs"}},
		"verbs in any order":      {`{"kind":"APIResourceList","resources":[{"name":"a","verbs":["get","put"]}]}`, `{"kind":"APIResourceList","resources":[{"name":"a","verbs":["put","get"]}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var where []string
			for _, difference := range compare(normal(parse(t, test.ours)), normal(parse(t, test.real))) {
				where = append(where, difference.Where)
			}
			if !reflect.DeepEqual(where, test.want) {
				t.Errorf("differs at %q, want %q", where, test.want)
			}
		})
	}
}

func TestCompareTables(t *testing.T) {
	table := func(columns, cells string) string {
		return `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"columnDefinitions":[` + columns +
			`],"rows":[{"cells":[` + cells + `],"object":{"metadata":{"name":"a"}}}]}`
	}
	const columns = `{"name":"Name"},{"name":"Ready"},{"name":"Age"}`
	for name, test := range map[string]struct {
		ours, real string
		want       []string
	}{
		"ages":     {table(columns, `"a","True","5s"`), table(columns, `"a","True","2m10s"`), nil},
		"no age":   {table(columns, `"a","True","5s"`), table(columns, `"a","True","soon"`), []string{"Table.rows.a.cells.Age"}},
		"a cell":   {table(columns, `"a","True","5s"`), table(columns, `"a","5s","5s"`), []string{"Table.rows.a.cells.Ready"}},
		"priority": {table(columns, `"a","True","5s"`), table(`{"name":"Name"},{"name":"Ready","priority":1},{"name":"Age"}`, `"a","True","5s"`), []string{"Table.columnDefinitions.Ready.priority"}},
		"order":    {table(`{"name":"Ready"},{"name":"Name"}`, `"True","a"`), table(`{"name":"Name"},{"name":"Ready"}`, `"a","True"`), []string{"Table.columns[0]", "Table.columns[1]"}},
	} {
		t.Run(name, func(t *testing.T) {
			var where []string
			for _, difference := range compare(normal(parse(t, test.ours)), normal(parse(t, test.real))) {
				where = append(where, difference.Where)
			}
			if !reflect.DeepEqual(where, test.want) {
				t.Errorf("differs at %q, want %q", where, test.want)
			}
		})
	}
}

func TestKind(t *testing.T) {
	same := func(name string, equal bool, a, b Step) {
		t.Run(name, func(t *testing.T) {
			if (a.Kind() == b.Kind()) != equal {
				t.Errorf("%q\n%q", a.Kind(), b.Kind())
			}
		})
	}
	get := func(path string) Step { return Step{By: ByKubectl, Method: "GET", Path: path} }
	same("names", true, get("/apis/g/v1/namespaces/a/things/one"), get("/apis/g/v1/namespaces/b/things/two"))
	same("a name or all", false, get("/apis/g/v1/namespaces/a/things/one"), get("/apis/g/v1/namespaces/a/things"))
	same("core names", true, get("/api/v1/namespaces/a/things/one"), get("/api/v1/namespaces/a/things/two"))
	same("subresources", false, get("/api/v1/namespaces/a/things/one/status"), get("/api/v1/namespaces/a/things/one"))
	same("namespaces themselves", false, get("/api/v1/namespaces"), get("/api/v1/namespaces/a/things"))
	same("limits", true, get("/api/v1/things?limit=500"), get("/api/v1/things?limit=2"))
	same("pages", false, get("/api/v1/things?limit=2&continue=x"), get("/api/v1/things?limit=2"))
	same("selected values", true, get("/api/v1/things?fieldSelector=a%3Db"), get("/api/v1/things?fieldSelector=a%3Dc"))
	same("their order", true, get("/api/v1/things?fieldSelector=a%3Db%2Cc%3Dd"), get("/api/v1/things?fieldSelector=c%3Dd%2Ca%3Db"))
	same("selected fields", false, get("/api/v1/things?fieldSelector=a%3Db"), get("/api/v1/things?fieldSelector=c%3Db"))
	same("forms", false, get("/api/v1/things"), Step{By: ByKubectl, Method: "GET", Path: "/api/v1/things", Accept: "application/json;as=Table"})
	same("who asks", false, get("/api/v1/things"), Step{By: ByProgram, Method: "GET", Path: "/api/v1/things"})
	same("media types", false, Step{Method: "PATCH", Path: "/api/v1/things/a", Type: "application/json-patch+json"},
		Step{Method: "PATCH", Path: "/api/v1/things/a", Type: "application/merge-patch+json"})
}

const (
	program = `"userAgent":"autoscaler-keda-hpa/0.1.0"`
	kubectl = `"userAgent":"kubectl/v1.36.3"`
)

// What a devcluster of two PodAutoscaler versions, a write of the program and
// polls of kubectl would write down.
var rawLines = strings.Join([]string{
	`{"method":"GET","path":"/apis?timeout=32s",` + kubectl + `,"status":200,"answer":"{}"}`,
	`{"method":"GET","path":"/api/v1/namespaces/default/pods/a",` + kubectl + `,"status":404,"answer":"{}"}`,
	`{"method":"PATCH","path":"/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/default/podautoscalers/a/status?fieldManager=f",` + program +
		`,"contentType":"application/merge-patch+json","body":"{\"metadata\":{\"resourceVersion\":\"12\"},\"status\":{\"since\":\"2026-11-22T10:00:00Z\",\"of\":\"48d471b1-8a8d-48a2-adce-382afd03e76e\"}}"` +
		`,"status":200,"answer":"{\"kind\":\"PodAutoscaler\",\"metadata\":{\"name\":\"a\",\"uid\":\"48d471b1-8a8d-48a2-adce-382afd03e76e\",\"resourceVersion\":\"20\"}}"}`,
	`{"method":"GET","path":"/api/v1/namespaces/default/pods/a",` + kubectl + `,"status":200,"answer":"{}"}`,
	`{"method":"GET","path":"/apis?timeout=32s",` + kubectl + `,"status":200,"answer":"{}"}`,
	`{"method":"POST","path":"/devcluster/metric?name=m&namespace=default&value=3",` + kubectl + `,"status":200,"answer":"{}"}`,
	`{"method":"POST","path":"/devcluster/compact",` + kubectl + `,"status":200,"answer":"{}"}`,
	`{"method":"GET","path":"/apis/g/v1/podautoscalers?watch=1&timeoutSeconds=333",` + program + `,"status":200,"watch":true,"answer":[` +
		`"{\"type\":\"ADDED\",\"object\":{\"kind\":\"PodAutoscaler\",\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"12\"},\"spec\":{\"reachability\":\"Reachable\"}}}",` +
		`"{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"PodAutoscaler\",\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"30\"},\"spec\":{\"reachability\":\"Unreachable\"}}}"]}`,
}, "\n")

func TestReduce(t *testing.T) {
	steps, err := Reduce(strings.NewReader(rawLines))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, step := range steps {
		path, _, _ := strings.Cut(step.Path, "?")
		paths = append(paths, step.Method+" "+path)
	}
	// The watch first, discovery once, of two polls the last.
	want := []string{"GET /apis/g/v1/podautoscalers", "GET /apis",
		"PATCH /apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/default/podautoscalers/a/status",
		"GET /api/v1/namespaces/default/pods/a", "POST /devcluster/metric"}
	if !reflect.DeepEqual(paths, want) {
		t.Fatalf("steps %q, want %q", paths, want)
	}
	if want := "/apis/g/v1/podautoscalers?watch=1&timeoutSeconds=300"; steps[0].Path != want {
		t.Errorf("watch %q, want %q", steps[0].Path, want)
	}
	body := `{"metadata":{"resourceVersion":"${version}"},"status":{"of":"${uid PodAutoscaler/a}","since":"${now}"}}`
	if string(steps[2].Body) != body {
		t.Errorf("body %s, want %s", steps[2].Body, body)
	}
	// Version 12 was there before the write made 20, version 30 was not.
	when := []Facts{{"PodAutoscaler/a", map[string]string{there: "yes", "reachability": "Reachable"}}}
	if !reflect.DeepEqual(steps[2].When, when) {
		t.Errorf("when %v, want %v", steps[2].When, when)
	}
	if steps[4].By != ByWorld {
		t.Errorf("the metric is by %q", steps[4].By)
	}
}

func TestDropPassing(t *testing.T) {
	count := func(value string) Step {
		return Step{By: ByProgram, Method: "PATCH", When: []Facts{{"HorizontalPodAutoscaler/a", map[string]string{"currentReplicas": value}}}}
	}
	steps := []Step{count("1"), count("2"), {By: ByKubectl, Method: "GET"}, count("3"), {By: ByWorld, Method: "POST"}, count("4")}
	dropPassing(steps)
	var left []string
	for _, step := range steps {
		for _, facts := range step.When {
			left = append(left, facts.Has["currentReplicas"])
		}
	}
	if want := []string{"3", "4"}; !reflect.DeepEqual(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

func TestMissing(t *testing.T) {
	s := &Server{told: map[string][]told{}, at: map[string]int{}, changed: make(chan struct{})}
	see := func(facts map[string]string) {
		s.note("/w", "Kind/a", told{path: "/w", kind: "MODIFIED", facts: facts})
	}
	has := func(name, value string) bool {
		return len(s.missing([]Facts{{"Kind/a", map[string]string{name: value}}})) == 0
	}
	if has("x", "1") {
		t.Error("seen before anything was")
	}
	see(map[string]string{"x": "1"})
	see(map[string]string{"x": "2"})
	see(map[string]string{"x": "3"})
	if !has("x", "2") || !has("x", "3") {
		t.Error("what passed by in order is not found")
	}
	if has("x", "1") {
		t.Error("what was before is found again")
	}
}

func TestObjectAt(t *testing.T) {
	s := &Server{namespace: "default"}
	if at := s.objectAt("/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects/a"); at != "ScaledObject/a" {
		t.Errorf("it is %q", at)
	}
	if at := s.objectAt("/apis/keda.sh/v1alpha1/namespaces/other/scaledobjects/a"); at != "" {
		t.Errorf("of another namespace it is %q", at)
	}
}

func TestDifferences(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.md")
	text := "# Title\n| request | where | why |\n|---|---|---|\n" +
		"| `GET */things/*` | `Thing.spec.*` | reason |\n| `*` | `status` | reason |\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := LoadDifferences(path)
	if err != nil {
		t.Fatal(err)
	}
	step := Step{Method: "GET", Path: "/api/v1/things/a"}
	all := []Difference{{Where: "Thing.spec.x"}, {Where: "Thing.status"}}
	open := d.without(step, all)
	if len(open) != 1 || open[0].Where != "Thing.status" {
		t.Errorf("open are %v", open)
	}
	if open := d.without(Step{Method: "PUT", Path: "/api/v1/things/a"}, all); len(open) != 2 {
		t.Errorf("of another request open are %v", open)
	}
	d.use(step, all)
	if unused := d.Unused(); len(unused) != 1 || !strings.Contains(unused[0], "`status`") {
		t.Errorf("unused are %q", unused)
	}
	if err := os.WriteFile(path, []byte("| `GET /x` | `y` | at times: now and then |\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if d, err := LoadDifferences(path); err != nil || len(d.Unused()) > 0 {
		t.Errorf("what is there at times only is missed: %v %v", d, err)
	}
	if err := os.WriteFile(path, []byte("| `GET /x` | `y` | |\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDifferences(path); err == nil {
		t.Error("a difference without a reason is taken")
	}
}

// TestTheTrace checks what can be checked without a server: that the recorded
// trace can be read and has no uid or version left in it.
func TestTheTrace(t *testing.T) {
	steps, err := Load("demo.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		for _, text := range []string{step.Path, string(step.Body)} {
			if uidPattern.MatchString(text) || timePattern.MatchString(text) || versions.MatchString(text) {
				t.Errorf("step %d has a value of its time: %s", i+1, text)
			}
		}
	}
}
