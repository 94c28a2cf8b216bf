package proxy

import (
	"fmt"
	"sync"
	"time"
)

// Entry is a request; while it is under way, End is zero.
type Entry struct {
	Begin, End time.Time
	Method     string
	URI        string
	Name       string // of the object in the body, if any
	Proto      string
	Watch      bool
	Status     int // 0: not answered
}

// String tells of it in one line.
func (e Entry) String() string {
	took := "under way"
	if !e.End.IsZero() {
		took = fmt.Sprintf("%.3fs", e.End.Sub(e.Begin).Seconds())
	}
	return fmt.Sprintf("%s %s %s (%d, %s)", e.Begin.Format("15:04:05.000"), e.Method, e.URI, e.Status, took)
}

// Journal has all requests in the order in which they came.
type Journal struct {
	lock    sync.Mutex
	entries []*Entry
}

func (j *Journal) begin(r *Request) *Entry {
	entry := &Entry{
		Begin: time.Now(), Method: r.Method, URI: r.URL.RequestURI(), Name: r.name,
		Proto: r.Proto, Watch: r.watch,
	}
	j.lock.Lock()
	defer j.lock.Unlock()
	j.entries = append(j.entries, entry)
	return entry
}

func (j *Journal) end(entry *Entry, status int) {
	j.lock.Lock()
	defer j.lock.Unlock()
	entry.End, entry.Status = time.Now(), status
}

// Since returns those that came after a time, and that keep (if any) wants.
func (j *Journal) Since(begin time.Time, keep func(Entry) bool) []Entry {
	j.lock.Lock()
	defer j.lock.Unlock()
	var found []Entry
	for _, entry := range j.entries {
		if entry.Begin.After(begin) && (keep == nil || keep(*entry)) {
			found = append(found, *entry)
		}
	}
	return found
}
