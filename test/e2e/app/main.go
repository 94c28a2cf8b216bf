// Command app is the server in the pods of the HTTP tests: it answers slowly,
// in pieces, and over HTTP/1.1 and HTTP/2 without TLS alike.
//
//	?ms=N      waits N milliseconds before it answers
//	?pieces=N  answers in N pieces of a line each, the wait before each
//
// Each line names the pod and the protocol that the request came by.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	server := &http.Server{Addr: ":" + os.Getenv("PORT"), Handler: http.HandlerFunc(answer), Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

func answer(w http.ResponseWriter, r *http.Request) {
	wait := time.Duration(number(r, "ms", 0)) * time.Millisecond
	for range number(r, "pieces", 1) {
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
		fmt.Fprintln(w, os.Getenv("POD_NAME"), r.Proto)
		_ = http.NewResponseController(w).Flush()
	}
}

func number(r *http.Request, name string, otherwise int) int {
	value, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		return otherwise
	}
	return value
}
