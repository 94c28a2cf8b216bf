package trace

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Server is one of the two that a trace is replayed on.
type Server struct {
	Name string
	// Metric changes a metric of the outside world as the query of
	// devcluster's /devcluster/metric says.
	Metric func(ctx context.Context, query url.Values) error

	base, token, namespace string
	client                 *http.Client

	lock    sync.Mutex
	changed chan struct{}      // closed at the next event
	told    map[string][]told  // Kind/name -> what the watches brought
	at      map[string]int     // "Kind/name fact" -> the event that showed it last
	lists   map[string]listing // path -> its latest list
}

// told is what a watch told of an object.
type told struct {
	path  string // of the watch
	kind  string // of event
	value any
	facts map[string]string
}

type listing struct{ version, next string }

// NewServer is for the server of a kubeconfig; namespace is the one that the
// trace was recorded in.
func NewServer(name, kubeconfig, namespace string) (*Server, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	token := config.BearerToken
	config.BearerToken = "" // each request sets it
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return &Server{Name: name, base: strings.TrimSuffix(config.Host, "/"), token: token, namespace: namespace, client: client,
		changed: make(chan struct{}), told: map[string][]told{}, at: map[string]int{}, lists: map[string]listing{}}, nil
}

// answer is what a server said.
type answer struct {
	status   int
	media    string // content type
	warnings []string
	value    any
	object   string // as it came
}

func (s *Server) open(ctx context.Context, method, path, accept, media string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	return s.client.Do(request)
}

const maxAnswer = 16 << 20

func (s *Server) ask(ctx context.Context, method, path, accept, media string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	response, err := s.open(ctx, method, path, accept, media, body)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, warnings: response.Header.Values("Warning"), object: string(data)}
	a.media, _, _ = strings.Cut(response.Header.Get("Content-Type"), ";")
	if strings.Contains(a.media, "protobuf") && method == "GET" {
		// The same in a form that can be compared.
		plain, err := s.ask(ctx, method, path, "application/json", "", nil)
		plain.media = a.media
		return plain, err
	}
	if decode(data, &a.value) != nil {
		a.value = string(data)
	}
	return a, nil
}

func (s *Server) get(ctx context.Context, path string) (answer, error) {
	return s.ask(ctx, "GET", path, "application/json", "", nil)
}

// watch opens a watch and keeps what it brings until ctx ends.
func (s *Server) watch(ctx context.Context, path, name, accept string) error {
	response, err := s.open(ctx, "GET", path, accept, "", nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		data, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("%s: %s: %s", path, response.Status, data)
	}
	go func() {
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, maxAnswer)
		for lines.Scan() {
			s.take(name, lines.Bytes())
		}
		if ctx.Err() == nil {
			s.note(name, "", told{path: name, kind: "END"})
		}
	}()
	return nil
}

func (s *Server) take(path string, line []byte) {
	var value any
	if decode(line, &value) != nil {
		s.note(path, "", told{path: path, kind: "UNREADABLE", value: string(line)})
		return
	}
	object := field(value, "object")
	kind := text(value, "type")
	key := ""
	if kind != "BOOKMARK" && kind != "ERROR" {
		key = eventKey(object)
	}
	// Others may live beside the trace, but not in its namespace.
	namespace := text(object, "metadata", "namespace")
	if key == "" || namespace == "" || namespace == s.namespace || strings.Contains(path, "fieldSelector=") {
		facts := factsOf(object)
		if kind == "DELETED" {
			facts = map[string]string{}
		}
		s.note(path, key, told{path, kind, object, facts})
	}
}

// eventKey is the object's, or the one of the row of a Table.
func eventKey(object any) string {
	if rows, ok := field(object, "rows").([]any); ok && len(rows) > 0 {
		return text(rows[0], "object", "kind") + "/" + text(rows[0], "object", "metadata", "name")
	}
	return objectKey(object)
}

// note keeps an event; those about no object (bookmarks, errors) are kept
// under their watch's path.
func (s *Server) note(path, key string, event told) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if key == "" {
		key = path
	}
	s.told[key] = append(s.told[key], event)
	close(s.changed)
	s.changed = make(chan struct{})
}

// await waits until the watches have shown each fact, in the event that
// showed that fact last or in a later one. It returns the facts that are
// missing, with what was seen instead.
func (s *Server) await(ctx context.Context, when []Facts, limit time.Duration) []string {
	deadline := time.After(limit)
	for {
		s.lock.Lock()
		missing, changed := s.missing(when), s.changed
		s.lock.Unlock()
		if len(missing) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-deadline:
			return missing
		case <-ctx.Done():
			return []string{ctx.Err().Error()}
		}
	}
}

func (s *Server) missing(when []Facts) []string {
	var missing []string
	for _, want := range when {
		events := s.told[want.Object]
		for _, name := range sortedKeys(want.Has) {
			mark := want.Object + " " + name
			from := min(s.at[mark], len(events))
			at := slices.IndexFunc(events[from:], func(e told) bool {
				return e.facts[name] == want.Has[name]
			})
			if at >= 0 {
				s.at[mark] = from + at
				continue
			}
			var seen []string
			for _, event := range events[from:] {
				if value := event.facts[name]; len(seen) == 0 || seen[len(seen)-1] != value {
					seen = append(seen, value)
				}
			}
			missing = append(missing, fmt.Sprintf("%s: %s is never %q; seen: %q", want.Object, name, want.Has[name], seen))
		}
	}
	return missing
}

// events are the events of a watch by the object that they are about.
func (s *Server) events(path string) map[string][]told {
	s.lock.Lock()
	defer s.lock.Unlock()
	found := map[string][]told{}
	for key, events := range maps.All(s.told) {
		for _, event := range events {
			if event.path == path {
				found[key] = append(found[key], event)
			}
		}
	}
	return found
}

// Post asks for something without a body that has to succeed.
func (s *Server) Post(ctx context.Context, path string) error {
	a, err := s.ask(ctx, "POST", path, "", "", nil)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("POST %s: %d %s", path, a.status, a.object)
	}
	return err
}
