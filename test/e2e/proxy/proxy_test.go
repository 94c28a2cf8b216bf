package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// bench is a target, a proxy before it, and a client of the proxy.
type bench struct {
	*testing.T
	*Proxy
	target *httptest.Server
	client *http.Client
	events chan string // what the target's watches send, but those of "silent"

	lock    sync.Mutex
	written []string // bodies that the target has taken
}

const largeAnswer = 100_000

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, events: make(chan string)}
	b.target = httptest.NewUnstartedServer(http.HandlerFunc(b.answer))
	b.target.EnableHTTP2 = true
	b.target.StartTLS()
	t.Cleanup(b.target.Close)
	pool := x509.NewCertPool()
	pool.AddCert(b.target.Certificate())
	var err error
	b.Proxy, err = Start("127.0.0.1:0", b.target.URL, b.target.TLS.Certificates[0], &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	// Before the target, which would wait for the proxy's watches.
	t.Cleanup(b.Proxy.Close)
	b.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true,
	}}
	return b
}

func (b *bench) answer(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 {
		b.Errorf("the proxy asks the target by %s", r.Proto)
	}
	switch {
	case r.URL.Query().Has("watch"):
		_ = http.NewResponseController(w).Flush()
		events := b.events
		if r.URL.Path == "/silent" {
			events = nil
		}
		for {
			select {
			case event := <-events:
				_, _ = io.WriteString(w, event)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	case r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		b.lock.Lock()
		b.written = append(b.written, string(body))
		b.lock.Unlock()
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	case r.URL.Path == "/large":
		w.Header().Set("Content-Length", fmt.Sprint(largeAnswer))
		_, _ = io.WriteString(w, strings.Repeat("x", largeAnswer))
	default:
		_, _ = io.WriteString(w, "hello from "+r.Host)
	}
}

func (b *bench) taken() int {
	b.lock.Lock()
	defer b.lock.Unlock()
	return len(b.written)
}

// ask makes one request, of at most 10 s.
func (b *bench) ask(method, path, body string) (int, string, error) {
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, b.URL+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	answer, err := b.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	if answer.ProtoMajor != 2 {
		b.Errorf("the proxy answers by %s", answer.Proto)
	}
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// watch opens a watch of a resource.
func (b *bench) watch(resource string) *http.Response {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	b.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+"/"+resource+"?watch=1", nil)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := b.client.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { answer.Body.Close() })
	return answer
}

// next reads what a watch brings next, or how it ended.
func next(answer *http.Response) (string, error) {
	buffer := make([]byte, 1000)
	n, err := answer.Body.Read(buffer)
	return string(buffer[:n]), err
}

func (b *bench) want(what string, have, want any) {
	b.Helper()
	if have != want {
		b.Errorf("%s: have %v, want %v", what, have, want)
	}
}

// wantReset wants a reset stream, told so by the peer.
func (b *bench) wantReset(err error) {
	b.Helper()
	if err == nil || !strings.Contains(err.Error(), "INTERNAL_ERROR") {
		b.Errorf("want the stream reset, have %v", err)
	}
}

func TestForward(t *testing.T) {
	b := newBench(t)
	status, text, err := b.ask("GET", "/a", "")
	b.want("error", err, nil)
	b.want("status", status, 200)
	b.want("text", text, "hello from "+strings.TrimPrefix(b.target.URL, "https://"))
	status, text, _ = b.ask("POST", "/a", `{"a":1}`)
	b.want("status", status, 201)
	b.want("text", text, `{"a":1}`)
	entries := b.Journal.Since(time.Time{}, func(e Entry) bool { return e.Method == "POST" && e.Status == 201 })
	b.want("noted", len(entries), 1)
	b.want("noted before", len(b.Journal.Since(time.Now(), nil)), 0)
	b.want("connections", b.Connections(), 1)
}

// What a watch brings is not kept back until more comes.
func TestWatchFlows(t *testing.T) {
	b := newBench(t)
	answer := b.watch("things")
	for _, event := range []string{"one", "two"} {
		b.events <- event
		text, err := next(answer)
		b.want("event", text, event)
		b.want("error", err, nil)
	}
	b.want("watches", b.Watches(), 1)
}

// Each answer that a fault makes up, as the client gets it, and what the
// target has heard of it.
func TestAnswers(t *testing.T) {
	none := func(err error) bool { return err == nil }
	reset := func(err error) bool { return err != nil && strings.Contains(err.Error(), "INTERNAL_ERROR") }
	// The transport may tell of the reset in one of several ways.
	gone := func(err error) bool {
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	}
	for name, row := range map[string]struct {
		fault   Fault
		path    string
		err     func(error) bool
		status  int
		text    string
		reaches int
	}{
		"answer":           {Answer(503, "no"), "/a", none, 503, "no", 0},
		"status":           {Status(409, "Conflict", "old"), "/a", none, 409, `"reason":"Conflict"`, 0},
		"throttle":         {Throttle(2 * time.Second), "/a", none, 429, "TooManyRequests", 0},
		"HTML":             {HTML(502), "/a", none, 502, "<h1>Bad Gateway</h1>", 0},
		"refused":          {Refuse(), "/a", reset, 0, "", 0},
		"lost reply":       {LoseReply(), "/a", reset, 0, "", 1},
		"reset connection": {ResetConn(), "/a", gone, 0, "", 0},
		"reset after":      {ResetConnAfter(), "/a", gone, 0, "", 1},
		"delay":            {Delay(200 * time.Millisecond), "/a", none, 201, "body", 1},
		"cut":              {Cut(1, WithReset), "/a", reset, 0, "bo", 1},
		"cut in order":     {Cut(1, InOrder), "/a", none, 201, "bo", 1},
		"cut short":        {Cut(1, Short), "/a", gone, 201, "bo", 1},
		"byte by byte":     {ByteByByte(), "/a", none, 201, "body", 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			rule := b.Inject(Filter{Method: "POST"}, 1, row.fault)
			status, text, err := b.ask("POST", row.path, "body")
			if !row.err(err) {
				t.Errorf("error: %v", err)
			}
			if row.status != 0 {
				b.want("status", status, row.status)
			}
			if !strings.Contains(text, row.text) || len(row.text) == 2 && len(text) != 2 {
				t.Errorf("text: have %q, want %q", text, row.text)
			}
			b.want("the target has heard of it", b.taken(), row.reaches)
			b.want("hits", rule.Hits(), 1)
			b.want("faults", b.Faults.Load(), int64(1))
			// It was for once.
			status, _, err = b.ask("POST", row.path, "body")
			b.want("status afterwards", status, 201)
			b.want("error afterwards", err, nil)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	b := newBench(t)
	b.Inject(Filter{}, 0, Throttle(7*time.Second))
	answer, err := b.client.Get(b.URL + "/a")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	b.want("Retry-After", answer.Header.Get("Retry-After"), "7")
}

func TestShiftDate(t *testing.T) {
	b := newBench(t)
	b.Inject(Filter{}, 0, ShiftDate(-time.Hour))
	answer, err := b.client.Get(b.URL + "/a")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if ago := time.Since(date); err != nil || ago < 59*time.Minute || ago > 61*time.Minute {
		t.Errorf("the Date is %s (%v), %s ago", answer.Header.Get("Date"), err, ago)
	}
}

func TestFilter(t *testing.T) {
	b := newBench(t)
	for _, row := range []struct {
		filter             Filter
		method, path, body string
		want               bool
	}{
		{Filter{}, "GET", "/a", "", true},
		{Filter{Method: "POST"}, "GET", "/a", "", false},
		{Filter{Parts: []string{"things"}}, "GET", "/apis/x/things/one", "", true},
		{Filter{Parts: []string{"thing"}}, "GET", "/apis/x/things/one", "", false},
		{Filter{Parts: []string{"things", "two"}}, "GET", "/apis/x/things/one", "", false},
		{Filter{Parts: []string{"things", "one"}}, "POST", "/things", `{"metadata":{"name":"one"}}`, true},
		{Filter{Parts: []string{"things"}, Not: "status"}, "PATCH", "/things/one/status", "{}", false},
		{Filter{Writes: true}, "GET", "/a", "", false},
		{Filter{Writes: true}, "DELETE", "/a", "", true},
		{Filter{Watches: true}, "GET", "/a", "", false},
		{Filter{Others: true}, "GET", "/a", "", true},
	} {
		rule := b.Inject(row.filter, 0, Answer(418, ""))
		status, _, err := b.ask(row.method, row.path, row.body)
		b.want("error", err, nil)
		b.want(fmt.Sprintf("%+v matches %s %s", row.filter, row.method, row.path), status == 418, row.want)
		rule.Remove()
	}
	b.Inject(Filter{Watches: true}, 1, Answer(410, ""))
	b.want("a watch", b.watch("things").StatusCode, 410)
}

// A watch is cut inside an event, here its second.
func TestCutWatch(t *testing.T) {
	for name, end := range map[string]End{"reset": WithReset, "in order": InOrder} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.Inject(Filter{Watches: true}, 1, Cut(2, end))
			answer := b.watch("things")
			b.events <- "{one}"
			text, err := next(answer)
			b.want("first", text, "{one}")
			b.want("error", err, nil)
			b.events <- "{second}"
			rest, err := io.ReadAll(answer.Body)
			b.want("rest", string(rest), "{sec")
			if end == InOrder {
				b.want("error", err, nil)
			} else {
				b.wantReset(err)
			}
		})
	}
}

func TestHoldReply(t *testing.T) {
	b := newBench(t)
	done, release := make(chan struct{}, 1), make(chan struct{})
	b.Inject(Filter{Method: "POST"}, 1, HoldReply(done, release))
	answered := make(chan int, 1)
	go func() {
		status, _, _ := b.ask("POST", "/a", "body")
		answered <- status
	}()
	<-done
	b.want("the target has it", b.taken(), 1)
	select {
	case <-answered:
		t.Fatal("answered before it was released")
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	b.want("status", <-answered, 201)
}

// What is under way ends well, and the next request has a new connection.
func TestGoaway(t *testing.T) {
	b := newBench(t)
	answer := b.watch("things")
	b.Inject(Filter{Others: true}, 1, Goaway())
	_, _, err := b.ask("GET", "/a", "")
	b.want("error", err, nil)
	_, _, err = b.ask("GET", "/a", "")
	b.want("error", err, nil)
	b.want("connections", b.Connections(), 2)
	b.events <- "still here"
	text, err := next(answer)
	b.want("event", text, "still here")
	b.want("error", err, nil)
}

func TestReset(t *testing.T) {
	b := newBench(t)
	answer := b.watch("things")
	b.Reset()
	if _, err := next(answer); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("want a reset connection, have %v", err)
	}
	b.want("connections", b.Connections(), 0)
	_, _, err := b.ask("GET", "/a", "")
	b.want("error", err, nil)
}

func TestAbortStreams(t *testing.T) {
	b := newBench(t)
	one, two := b.watch("silent"), b.watch("things")
	b.want("aborted", b.AbortStreams(Filter{Parts: []string{"silent"}}), 1)
	_, err := next(one)
	b.wantReset(err)
	b.want("connections", b.Connections(), 1)
	b.events <- "still here"
	text, _ := next(two)
	b.want("event", text, "still here")
}

func TestSilence(t *testing.T) {
	for name, how := range map[string]Silence{"stuck": Stuck, "lost": Lost} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			answer := b.watch("things")
			end, err := b.Silence(how)
			if err != nil {
				t.Fatal(err)
			}
			heard := make(chan string, 1)
			b.events <- "late"
			go func() { text, _ := next(answer); heard <- text }()
			select {
			case text := <-heard:
				t.Fatalf("heard %q of a silent connection", text)
			case <-time.After(200 * time.Millisecond):
			}
			// A new connection works.
			other := &http.Client{Transport: b.client.Transport.(*http.Transport).Clone()}
			fresh, err := other.Get(b.URL + "/a")
			if err != nil {
				t.Fatal(err)
			}
			fresh.Body.Close()
			end()
			b.want("heard in the end", <-heard, "late")
		})
	}
}

// Lost, unlike Stuck, is seen by the kernel: nothing is acknowledged.
func TestLostIsSeenByTheKernel(t *testing.T) {
	for name, row := range map[string]struct {
		how Silence
		err error
	}{"stuck": {Stuck, os.ErrDeadlineExceeded}, "lost": {Lost, syscall.ETIMEDOUT}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			client, err := tls.Dial("tcp", strings.TrimPrefix(b.URL, "https://"),
				&tls.Config{RootCAs: b.client.Transport.(*http.Transport).TLSClientConfig.RootCAs})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			tcp := client.NetConn().(syscall.Conn)
			const tcpUserTimeout = 18
			if err := control(tcp, func(fd int) error {
				return syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, tcpUserTimeout, 500)
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Silence(row.how); err != nil {
				t.Fatal(err)
			}
			_, _ = client.Write([]byte("anybody there?"))
			_ = client.SetReadDeadline(time.Now().Add(4 * time.Second))
			if _, err := io.ReadAll(client); !errors.Is(err, row.err) {
				t.Errorf("have %v, want %v", err, row.err)
			}
		})
	}
}

func TestPartition(t *testing.T) {
	b := newBench(t)
	end, err := b.Partition()
	if err != nil {
		t.Fatal(err)
	}
	dial := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+"/a", nil)
		answer, err := b.client.Do(request)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	if err := dial(300 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("behind the partition: %v", err)
	}
	end()
	b.want("afterwards", dial(10*time.Second), nil)
}
