package cluster

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"time"
)

// auditPolicy notes every request of the program under test, and no others:
// a watch when it starts and when it ends, everything else when it ends.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["` + ProgramUser + `"]
- level: None
`

// Audit is the API server's log of what the program under test asked for.
type Audit struct {
	path   string
	lock   sync.Mutex
	starts [][2]time.Time // when the API server was starting
}

// starting notes that the API server was starting, from a time to now: until
// it has read its roles it forbids whatever it is asked.
func (a *Audit) starting(from time.Time) {
	a.lock.Lock()
	defer a.lock.Unlock()
	a.starts = append(a.starts, [2]time.Time{from, time.Now()})
}

func (a *Audit) wasStarting(at time.Time) bool {
	a.lock.Lock()
	defer a.lock.Unlock()
	return slices.ContainsFunc(a.starts, func(start [2]time.Time) bool {
		return at.After(start[0]) && at.Before(start[1])
	})
}

// Request is one request, as the API server saw it end.
type Request struct {
	Verb      string    `json:"verb"`
	URI       string    `json:"requestURI"`
	UserAgent string    `json:"userAgent"`
	Received  time.Time `json:"requestReceivedTimestamp"`
	ObjectRef struct {
		Resource, Namespace, Name, Subresource string
	} `json:"objectRef"`
	ResponseStatus struct{ Code int } `json:"responseStatus"`
	Annotations    map[string]string  `json:"annotations"`
}

// IsWrite says whether the request could have changed anything.
func (r Request) IsWrite() bool {
	switch r.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return true
	}
	return false
}

// Requests returns the requests for which keep says yes, in the order in
// which they ended.
func (a *Audit) Requests(keep func(Request) bool) ([]Request, error) {
	file, err := os.Open(a.path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var requests []Request
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var request Request
		// The last line may be half written, or cut off by a kill.
		if json.Unmarshal(lines.Bytes(), &request) == nil && keep(request) {
			requests = append(requests, request)
		}
	}
	return requests, lines.Err()
}

// WritesSince are the writes after a time, optionally in one namespace only.
func (a *Audit) WritesSince(since time.Time, namespace string) ([]Request, error) {
	return a.Requests(func(r Request) bool {
		return r.IsWrite() && r.Received.After(since) && (namespace == "" || r.ObjectRef.Namespace == namespace)
	})
}

// Forbidden are the requests for which the program's rights did not suffice,
// on an API server that was ready.
func (a *Audit) Forbidden() ([]Request, error) {
	return a.Requests(func(r Request) bool {
		return r.Annotations["authorization.k8s.io/decision"] == "forbid" && !a.wasStarting(r.Received)
	})
}
