package trace

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// raw is a line of devcluster's --trace.
type raw struct {
	Method, Path, Accept, ContentType, UserAgent string
	Body                                         any
	Status                                       int
	Answer                                       any // an object, text, or the lines of a watch
}

// event is what a watch told of an object.
type event struct {
	version int64
	gone    bool
	object  any
}

// reducer makes steps of raw lines.
type reducer struct {
	uids   map[string]string  // uid -> Kind/name
	events map[string][]event // Kind/name -> what the program saw, by version
	told   map[string]map[string]string
	latest int64 // the highest version of an answer so far
	steps  []Step
}

// Reduce makes a trace of what devcluster --trace wrote.
func Reduce(in io.Reader) ([]Step, error) {
	lines, err := readRaw(in)
	if err != nil {
		return nil, err
	}
	r := &reducer{uids: map[string]string{}, events: map[string][]event{}, told: map[string]map[string]string{}}
	for _, line := range lines {
		r.learn(line)
	}
	for key := range r.events {
		slices.SortStableFunc(r.events[key], func(a, b event) int { return int(a.version - b.version) })
	}
	for _, line := range foldReads(watchesFirst(lines)) {
		r.add(line)
	}
	dropPassing(r.steps)
	return r.steps, nil
}

// dropPassing drops the replica counts that were passed on the way to others:
// in how many steps a count gets somewhere is a matter of moments. Only its
// last value before something else is asked for has to come about.
func dropPassing(steps []Step) {
	later := map[string]bool{} // "Kind/name fact" that a later step has
	for i := len(steps) - 1; i >= 0; i-- {
		step := &steps[i]
		if step.By == ByWorld || step.By == ByKubectl && !step.IsRead() {
			clear(later)
		}
		if step.By != ByProgram {
			continue
		}
		for _, facts := range step.When {
			for name := range facts.Has {
				mark := facts.Object + " " + name
				if strings.HasSuffix(name, "Replicas") && later[mark] {
					delete(facts.Has, name)
				}
				later[mark] = true
			}
		}
		step.When = slices.DeleteFunc(step.When, func(f Facts) bool { return len(f.Has) == 0 })
	}
}

func readRaw(in io.Reader) ([]raw, error) {
	var all []raw
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for number := 1; lines.Scan(); number++ {
		var line raw
		if err := decode(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if stream, ok := line.Answer.(string); ok && line.isWatch() {
			line.Answer = splitLines(stream)
		}
		line.Answer, line.Body = unpack(line.Answer), unpack(line.Body)
		all = append(all, line)
	}
	return all, lines.Err()
}

func splitLines(stream string) []any {
	var lines []any
	for line := range strings.Lines(stream) {
		lines = append(lines, line)
	}
	return lines
}

// unpack reads JSON that is given as text, alone or as the lines of a watch.
func unpack(value any) any {
	switch value := value.(type) {
	case string:
		var inner any
		if decode([]byte(value), &inner) == nil {
			return inner
		}
	case []any:
		for i := range value {
			value[i] = unpack(value[i])
		}
	}
	return value
}

func (l raw) by() string {
	switch {
	case strings.HasPrefix(l.Path, "/devcluster/metric?"):
		return ByWorld
	case strings.HasPrefix(l.Path, "/devcluster/"):
		return ""
	case strings.HasPrefix(l.UserAgent, "autoscaler-keda-hpa"):
		return ByProgram
	case strings.HasPrefix(l.UserAgent, "kubectl"):
		return ByKubectl
	}
	return ""
}

func (l raw) isWatch() bool { return Step{Path: l.Path}.IsWatch() }

// learn notes the uids in an answer, and the versions that the program's
// watches brought.
func (r *reducer) learn(line raw) {
	r.learnUIDs(line.Answer, "")
	if !line.isWatch() || line.by() != ByProgram {
		return
	}
	stream, _ := line.Answer.([]any)
	for _, told := range stream {
		object := field(told, "object")
		version, err := strconv.ParseInt(text(object, "metadata", "resourceVersion"), 10, 64)
		if err != nil || !watched[text(object, "kind")] || text(told, "type") == "BOOKMARK" {
			continue
		}
		key := objectKey(object)
		r.events[key] = append(r.events[key], event{version, text(told, "type") == "DELETED", object})
	}
}

// learnUIDs finds whatever names a kind, a name and a uid: objects, owner
// references, what events are about. Items of a list may not say their kind.
func (r *reducer) learnUIDs(value any, kind string) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			r.learnUIDs(element, kind)
		}
	case map[string]any:
		own := text(value, "kind")
		if own == "" {
			own = kind
		}
		for _, where := range []any{value, value["metadata"]} {
			uid, name := text(where, "uid"), text(where, "name")
			if _, known := resourcePaths[own]; known && uid != "" && name != "" {
				r.uids[uid] = own + "/" + name
			}
		}
		for key, inner := range value {
			below := ""
			if key == "items" {
				below = strings.TrimSuffix(own, "List")
			}
			r.learnUIDs(inner, below)
		}
	}
}

// watchesFirst puts the program's watches to the front: a watch is told of
// when it ends.
func watchesFirst(lines []raw) []raw {
	isFirst := func(l raw) bool { return l.isWatch() && l.by() == ByProgram }
	var first, others []raw
	seen := map[string]bool{}
	for _, line := range lines {
		path := seconds.ReplaceAllString(line.Path, "")
		switch {
		case !isFirst(line):
			others = append(others, line)
		case !seen[path]:
			seen[path] = true
			first = append(first, line)
		}
	}
	slices.SortFunc(first, func(a, b raw) int { return strings.Compare(a.Path, b.Path) })
	return append(first, others...)
}

var discovery = regexp.MustCompile(`^/(api|apis|apis/[^/]+/[^/]+|openapi/.*|version|api/v1)(\?|$)`)

// foldReads keeps the last of equal reads that an asker makes before it does
// anything else than reading (what it waited for is in the last one), and the
// first of each discovery.
func foldReads(lines []raw) []raw {
	keep := make([]bool, len(lines))
	latest := map[string]map[string]int{} // asker -> what it read -> where
	discovered := map[string]bool{}
	for i, line := range lines {
		by, same := line.by(), line.Method+" "+line.Path+" "+line.Accept
		switch {
		case by == "" || line.Status == 304:
			continue
		case line.Method == "GET" && discovery.MatchString(line.Path):
			keep[i] = !discovered[same]
			discovered[same] = true
			continue
		case line.Method != "GET":
			latest[by] = nil
			// The world is changed by who then waits for what comes of it.
			if by == ByWorld {
				latest[ByKubectl] = nil
			}
		case !line.isWatch():
			if latest[by] == nil {
				latest[by] = map[string]int{}
			}
			if before, polled := latest[by][same]; polled {
				keep[before] = false
			}
			latest[by][same] = i
		}
		keep[i] = true
	}
	var kept []raw
	for i, line := range lines {
		if keep[i] {
			kept = append(kept, line)
		}
	}
	return kept
}

func (r *reducer) add(line raw) {
	step := Step{By: line.by(), Method: line.Method, Path: r.generalPath(line.Path), Accept: line.Accept,
		Type: line.ContentType, Status: line.Status}
	if body, ok := line.Body.(map[string]any); ok {
		step.Body, _ = json.Marshal(r.general(body, ""))
	} else if list, ok := line.Body.([]any); ok {
		step.Body, _ = json.Marshal(r.general(list, ""))
	} else {
		step.Type = ""
	}
	switch {
	case step.By == ByProgram && !step.IsWatch():
		r.latest = max(r.latest, versionOf(line.Answer))
		step.When = r.before(line)
	case step.By == ByKubectl && step.IsRead() && line.Status == 200:
		if facts := factsOf(line.Answer); len(facts) > 0 {
			step.When = []Facts{{objectKey(line.Answer), facts}}
		}
	}
	r.steps = append(r.steps, step)
}

func versionOf(answer any) int64 {
	version, _ := strconv.ParseInt(text(answer, "metadata", "resourceVersion"), 10, 64)
	return version
}

// before are the facts that were new since the last step about the same name
// when a request of the program was answered.
func (r *reducer) before(line raw) []Facts {
	name := text(line.Body, "involvedObject", "name")
	if name == "" {
		name = text(line.Answer, "metadata", "name")
	}
	limit := versionOf(line.Answer)
	if line.Method == "GET" || limit == 0 {
		limit = r.latest
	}
	var when []Facts
	for _, kind := range sortedKeys(watched) {
		key := kind + "/" + name
		if facts := r.news(key, limit); len(facts) > 0 {
			when = append(when, Facts{key, facts})
		}
	}
	return when
}

// news are the facts about an object that no step has had before; "" is what
// is no longer so.
func (r *reducer) news(key string, limit int64) map[string]string {
	kind, _, _ := strings.Cut(key, "/")
	told := r.told[key]
	if told == nil {
		told = map[string]string{}
		r.told[key] = told
	}
	now := r.factsAt(key, limit)
	if len(now) == 0 {
		delete(r.told, key)
		if told[there] == "" {
			return nil
		}
		return map[string]string{there: ""} // it is gone
	}
	news := map[string]string{}
	for name, value := range now {
		if told[name] != value && !own(kind, name) {
			news[name] = value
		}
	}
	for name, value := range told {
		// A condition that is Unknown says nothing, an annotation that is gone does.
		if _, still := now[name]; !still && value != "" && strings.HasPrefix(name, "keda-") {
			news[name] = ""
		}
	}
	maps.Copy(told, news)
	return news
}

// own says whether the program itself makes that fact.
func own(kind, fact string) bool {
	return kind == "PodAutoscaler" && (fact == "Active" || fact == "Ready") || kind == "ServerlessService" && fact == "mode"
}

func (r *reducer) factsAt(key string, limit int64) map[string]string {
	var last *event
	for i, event := range r.events[key] {
		if event.version < limit {
			last = &r.events[key][i]
		}
	}
	if last == nil || last.gone {
		return map[string]string{}
	}
	return factsOf(last.object)
}

var (
	timePattern = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	uidPattern  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	versions    = regexp.MustCompile(`([?&])resourceVersion=[1-9]\d*`)
	tokens      = regexp.MustCompile(`([?&])continue=[^&]+`)
	seconds     = regexp.MustCompile(`([?&])timeoutSeconds=\d+`)
	hashes      = regexp.MustCompile(`hash=[^&]*&?`)
)

func (r *reducer) generalText(value string) string {
	value = timePattern.ReplaceAllString(value, "$${now}")
	return uidPattern.ReplaceAllStringFunc(value, func(uid string) string {
		if object, known := r.uids[uid]; known {
			return "${uid " + object + "}"
		}
		return uid
	})
}

// generalPath also drops what OpenAPI's documents are cached by.
func (r *reducer) generalPath(path string) string {
	path = versions.ReplaceAllString(path, "${1}resourceVersion=$${version}")
	path = tokens.ReplaceAllString(path, "${1}continue=$${continue}")
	path = seconds.ReplaceAllString(path, "${1}timeoutSeconds=300")
	if strings.HasPrefix(path, "/openapi/") {
		path = hashes.ReplaceAllString(path, "")
	}
	decoded, err := url.PathUnescape(path)
	if err != nil || r.generalText(decoded) == decoded {
		return path
	}
	return uidPattern.ReplaceAllStringFunc(path, func(uid string) string { return r.generalText(uid) })
}

// general puts placeholders into a body.
func (r *reducer) general(value any, key string) any {
	switch value := value.(type) {
	case map[string]any:
		for name := range value {
			value[name] = r.general(value[name], name)
		}
	case []any:
		for i := range value {
			value[i] = r.general(value[i], "")
		}
	case string:
		switch key {
		case "resourceVersion":
			return "${version}"
		case "serverAddress":
			return "${prometheus}"
		}
		return r.generalText(value)
	}
	return value
}
