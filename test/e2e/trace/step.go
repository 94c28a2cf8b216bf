package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Who asks.
const (
	ByProgram = "program"
	ByKubectl = "kubectl"
	ByWorld   = "world" // not for a server: a metric of the outside world changes
)

// Step is one request of the trace. Its path and body may have placeholders:
//
//	${uid Kind/name}  the uid of that object
//	${version}        the resourceVersion of the object that the path names,
//	                  in a query the one of the latest list of that path
//	${continue}       where the latest list of that path goes on
//	${now}            the time, RFC 3339
//	${prometheus}     the address of Prometheus
type Step struct {
	By     string          `json:"by"`
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Accept string          `json:"accept,omitempty"`
	Type   string          `json:"type,omitempty"` // of the body
	Body   json.RawMessage `json:"body,omitempty"`
	Status int             `json:"status"`
	When   []Facts         `json:"when,omitempty"`
}

// Facts are what is so about an object.
type Facts struct {
	Object string            `json:"object"` // Kind/name
	Has    map[string]string `json:"has"`
}

// String is the request for a reader.
func (s Step) String() string {
	text := s.By + ": " + s.Method + " " + s.Path
	if strings.Contains(s.Accept, "as=Table") {
		text += " as Table"
	}
	return text
}

// IsWatch says whether the answer is a stream of events.
func (s Step) IsWatch() bool {
	_, query, _ := strings.Cut(s.Path, "?")
	values, err := url.ParseQuery(query)
	return err == nil && (values.Get("watch") == "1" || values.Get("watch") == "true")
}

// IsRead says whether the request changes nothing.
func (s Step) IsRead() bool { return s.Method == "GET" }

// What the numbers and names in a query do not matter for.
var (
	queryNumbers = regexp.MustCompile(`(resourceVersion|timeoutSeconds|timeout|limit|continue)=[^&]*`)
	namespaces   = regexp.MustCompile(`/namespaces/[^/?]+`)
)

// Kind is what the request is as to its form: two of one kind differ only in
// names and values. A trace must have all kinds that the program and the demo
// use.
func (s Step) Kind() string {
	path, query, _ := strings.Cut(s.Path, "?")
	path = namespaces.ReplaceAllString(path, "/namespaces/*")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	// The name behind a resource: /api/v1/[namespaces/*/]R/NAME or
	// /apis/G/V/[namespaces/*/]R/NAME.
	at := map[string]int{"api": 3, "apis": 4}[parts[0]]
	if at > 0 && len(parts) > at && parts[at-1] == "namespaces" && parts[at] == "*" {
		at += 2
	}
	if at > 0 && len(parts) > at {
		parts[at] = "NAME"
	}
	keys := strings.Split(queryNumbers.ReplaceAllString(query, "$1"), "&")
	for i, key := range keys {
		if name, selector, found := strings.Cut(key, "elector="); found {
			// kubectl describe names the fields in any order.
			terms := strings.Split(strings.ReplaceAll(selector, "%2C", ","), ",")
			for j := range terms {
				terms[j], _, _ = strings.Cut(strings.ReplaceAll(terms[j], "%3D", "="), "=")
			}
			slices.Sort(terms)
			keys[i] = name + "elector=" + strings.Join(terms, ",")
		}
	}
	slices.Sort(keys)
	accept := ""
	for _, form := range []string{"as=Table", "as=APIGroupDiscoveryList", "protobuf"} {
		if strings.Contains(s.Accept, form) {
			accept = form
			break
		}
	}
	return strings.Join([]string{s.By, s.Method, "/" + strings.Join(parts, "/"),
		strings.Join(keys, "&"), s.Type, accept}, " ")
}

// Load reads a trace.
func Load(path string) ([]Step, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var steps []Step
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 4<<20)
	for number := 1; lines.Scan(); number++ {
		var step Step
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&step); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		steps = append(steps, step)
	}
	return steps, lines.Err()
}

// Write writes a trace.
func Write(path string, steps []Step) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, step := range steps {
		if err := encoder.Encode(step); err != nil {
			return err
		}
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// MissingKinds are the kinds of requests of some steps that others have not.
func MissingKinds(steps, among []Step) []string {
	known := map[string]bool{}
	for _, step := range among {
		known[step.Kind()] = true
	}
	missing := map[string]bool{}
	for _, step := range steps {
		if !known[step.Kind()] {
			missing[step.Kind()] = true
		}
	}
	return sortedKeys(missing)
}
