package proxy

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Answer answers itself; headers are pairs of name and value.
func Answer(status int, body string, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *Request, _ Forward) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Status answers with a metav1.Status, as API servers do.
func Status(code int, reason, message string, headers ...string) Fault {
	body, err := json.Marshal(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure",
		"code": code, "reason": reason, "message": message,
	})
	if err != nil {
		panic(err)
	}
	return Answer(code, string(body), append(headers, "Content-Type", "application/json")...)
}

// Throttle is a 429 with Retry-After.
func Throttle(wait time.Duration) Fault {
	return Status(http.StatusTooManyRequests, "TooManyRequests", "too many requests, please try again later",
		"Retry-After", strconv.Itoa(int(wait.Seconds())))
}

// HTML answers with a page, as the load balancers before API servers do.
func HTML(code int) Fault {
	return Answer(code, "<!DOCTYPE html>\n<html><body><h1>"+http.StatusText(code)+"</h1></body></html>\n",
		"Content-Type", "text/html")
}

// Refuse resets the stream; the target hears nothing of the request.
func Refuse() Fault {
	return func(http.ResponseWriter, *Request, Forward) { panic(http.ErrAbortHandler) }
}

// LoseReply lets the target do as asked, and resets the stream.
func LoseReply() Fault {
	return func(w http.ResponseWriter, r *Request, forward Forward) {
		forward(&discard{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}
}

// ResetConn breaks the connection (TCP RST) before the target hears of the
// request.
func ResetConn() Fault {
	return func(_ http.ResponseWriter, r *Request, _ Forward) {
		r.conn().reset()
		panic(http.ErrAbortHandler)
	}
}

// ResetConnAfter lets the target do as asked, and breaks the connection.
func ResetConnAfter() Fault {
	return func(w http.ResponseWriter, r *Request, forward Forward) {
		forward(&discard{header: http.Header{}}, r)
		r.conn().reset()
		panic(http.ErrAbortHandler)
	}
}

// Delay waits before the target hears of the request.
func Delay(wait time.Duration) Fault {
	return func(w http.ResponseWriter, r *Request, forward Forward) {
		select {
		case <-time.After(wait):
			forward(w, r)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// HoldReply lets the target do as asked, says so by done (if not nil), and
// keeps the answer back until release is closed.
func HoldReply(done chan<- struct{}, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *Request, forward Forward) {
		held := &discard{header: http.Header{}, keep: true}
		forward(held, r)
		if done != nil {
			done <- struct{}{}
		}
		select {
		case <-release:
			held.writeTo(w)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// Goaway asks the client, beside the answer, to leave the connection (HTTP/2
// GOAWAY): what is under way there may end well.
func Goaway() Fault {
	return func(w http.ResponseWriter, r *Request, forward Forward) {
		w.Header().Set("Connection", "close")
		forward(w, r)
	}
}

// End is how an answer that is cut ends.
type End int

const (
	// WithReset is a reset of the stream (RST_STREAM).
	WithReset End = iota
	// InOrder is an end as of a whole answer (END_STREAM).
	InOrder
	// Short is the same, but of less than Content-Length has promised.
	Short
)

// Cut ends the answer in the middle of its n-th piece (1: the first), a piece
// being what the target sent at once: of a watch an event or a few.
func Cut(n int, end End) Fault {
	return func(w http.ResponseWriter, r *Request, forward Forward) {
		cutter := &cutter{ResponseWriter: w, left: n, end: end}
		defer func() {
			if cutter.left == 0 && end != WithReset {
				_ = recover() // of forward, which takes it for a broken client
			}
		}()
		forward(cutter, r)
	}
}

// ShiftDate has the target's clock, as the Date of its answers tells it,
// wrong by so much.
func ShiftDate(by time.Duration) Fault {
	return func(w http.ResponseWriter, r *Request, forward Forward) { forward(&shifter{w, by}, r) }
}

// ByteByByte sends each byte of the answer in a frame of its own.
func ByteByByte() Fault {
	return func(w http.ResponseWriter, r *Request, forward Forward) { forward(&trickle{w}, r) }
}
