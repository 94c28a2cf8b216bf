package proxy

import (
	"bytes"
	"errors"
	"net/http"
	"time"
)

// notingWriter remembers the status.
type notingWriter struct {
	http.ResponseWriter
	status int
}

func (w *notingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *notingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard takes an answer that goes nowhere, or (keep) not yet.
type discard struct {
	header http.Header
	status int
	keep   bool
	body   bytes.Buffer
}

func (w *discard) Header() http.Header    { return w.header }
func (w *discard) WriteHeader(status int) { w.status = status }

func (w *discard) Write(data []byte) (int, error) {
	if w.keep {
		w.body.Write(data)
	}
	return len(data), nil
}

func (w *discard) writeTo(to http.ResponseWriter) {
	for name, values := range w.header {
		to.Header()[name] = values
	}
	to.WriteHeader(w.status)
	_, _ = to.Write(w.body.Bytes())
}

// cutter passes on until half of its last piece.
type cutter struct {
	http.ResponseWriter
	left int
	end  End
}

var errCut = errors.New("cut")

func (w *cutter) WriteHeader(status int) {
	if w.end == InOrder {
		w.Header().Del("Content-Length")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *cutter) Write(data []byte) (int, error) {
	if w.left--; w.left > 0 {
		return w.ResponseWriter.Write(data)
	}
	_, _ = w.ResponseWriter.Write(data[:len(data)/2])
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	return len(data) / 2, errCut
}

func (w *cutter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// shifter changes the Date.
type shifter struct {
	http.ResponseWriter
	by time.Duration
}

func (w *shifter) WriteHeader(status int) {
	if date, err := http.ParseTime(w.Header().Get("Date")); err == nil {
		w.Header().Set("Date", date.Add(w.by).UTC().Format(http.TimeFormat))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *shifter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// trickle writes each byte by itself.
type trickle struct{ http.ResponseWriter }

func (w *trickle) Write(data []byte) (int, error) {
	flush := http.NewResponseController(w.ResponseWriter)
	for i := range data {
		if _, err := w.ResponseWriter.Write(data[i : i+1]); err != nil {
			return i, err
		}
		_ = flush.Flush()
	}
	return len(data), nil
}

func (w *trickle) Unwrap() http.ResponseWriter { return w.ResponseWriter }
