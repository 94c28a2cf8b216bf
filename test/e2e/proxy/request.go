package proxy

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// requestMax is more than any API server takes.
const requestMax = 8 << 20

// Request is a request whose body has been read.
type Request struct {
	*http.Request
	body  []byte
	names []string // the segments of the path, and name
	name  string   // the body's metadata.name
	watch bool
}

func readRequest(r *http.Request) (*Request, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, requestMax))
	if err != nil {
		return nil, err
	}
	request := &Request{
		Request: r, body: body,
		names: strings.Split(strings.Trim(r.URL.Path, "/"), "/"),
		watch: r.Method == http.MethodGet && r.URL.Query().Has("watch"),
	}
	var object struct {
		Metadata struct{ Name string }
	}
	// A create has the name nowhere else.
	if json.Unmarshal(body, &object) == nil && object.Metadata.Name != "" {
		request.name = object.Metadata.Name
		request.names = append(request.names, request.name)
	}
	return request, nil
}

func (r *Request) conn() *conn { return r.Context().Value(connKey{}).(*conn) }

// outgoing is the request as it goes to the target.
func (r *Request) outgoing(target *url.URL) *http.Request {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host = target.Scheme, target.Host
	out.Host, out.RequestURI = "", ""
	out.Body, out.ContentLength = http.NoBody, 0
	if len(r.body) > 0 {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
	}
	return out
}

// Filter chooses requests; what it leaves empty may be anything.
type Filter struct {
	Method string
	// Parts must all be in the path, as whole segments (a resource, an object's
	// name, "status"), or be the name in the body.
	Parts []string
	// Not must be in neither.
	Not     string
	Watches bool // only watches
	Others  bool // only what is no watch
	Writes  bool // only what changes something
}

func (f Filter) matches(r *Request) bool {
	if f.Method != "" && f.Method != r.Method ||
		f.Watches && !r.watch || f.Others && r.watch || f.Writes && r.Method == http.MethodGet {
		return false
	}
	for _, part := range f.Parts {
		if !r.has(part) {
			return false
		}
	}
	return f.Not == "" || !r.has(f.Not)
}

func (r *Request) has(name string) bool {
	for _, have := range r.names {
		if have == name {
			return true
		}
	}
	return false
}
