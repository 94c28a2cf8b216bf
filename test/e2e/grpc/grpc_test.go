// Package grpc holds the server of pkg/grpc against the client that KEDA is built with.
package grpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

const patience = 30 * time.Second

func invoke(ctx context.Context, c *grpc.ClientConn, method string, message []byte, options ...grpc.CallOption) ([]byte, error) {
	var answer []byte
	err := c.Invoke(ctx, "/echo.Echo/"+method, &message, &answer, append(options, grpc.ForceCodec(bytesCodec{}))...)
	return answer, err
}

// open is a call whose answers are a stream.
func open(ctx context.Context, c *grpc.ClientConn, method, message string) (grpc.ClientStream, error) {
	description := &grpc.StreamDesc{ServerStreams: true}
	stream, err := c.NewStream(ctx, description, "/echo.Echo/"+method, grpc.ForceCodec(bytesCodec{}))
	if err != nil {
		return nil, err
	}
	request := []byte(message)
	if err := stream.SendMsg(&request); err != nil {
		return nil, err
	}
	return stream, stream.CloseSend()
}

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if status.Code(err) != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

// waitGone waits until so many held calls have gone, on a connection of its own.
func waitGone(t *testing.T, s *server, want int) {
	t.Helper()
	c := s.connect(t)
	deadline := time.Now().Add(patience)
	for {
		answer, err := invoke(t.Context(), c, "Gone", nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := strconv.Atoi(string(answer))
		if err != nil || got > want {
			t.Fatalf("%q calls have gone, want %d (%v)", answer, want, err)
		}
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d calls have gone after %v, want %d", got, patience, want)
		}
	}
}

func TestUnary(t *testing.T) {
	c := startServer(t).connect(t)
	for _, size := range []int{0, 1, 16384, 65535, 65536} {
		message := bytes.Repeat([]byte{'x'}, size)
		answer, err := invoke(t.Context(), c, "Echo", message)
		if err != nil || !bytes.Equal(answer, message) {
			t.Errorf("%d bytes: %d came back, %v", size, len(answer), err)
		}
	}
	for _, size := range []int{65537, 1 << 20} {
		_, err := invoke(t.Context(), c, "Echo", make([]byte, size))
		wantCode(t, err, codes.ResourceExhausted)
	}
	_, err := invoke(t.Context(), c, "Echo", nil)
	wantCode(t, err, codes.OK)
}

func TestRefusals(t *testing.T) {
	c := startServer(t).connect(t)
	text := "metadata.target: \"ü%\" is no number;\n\twant 1.5"
	_, err := invoke(t.Context(), c, "Refuse", []byte(text))
	wantCode(t, err, codes.InvalidArgument)
	if got := status.Convert(err).Message(); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
	_, err = invoke(t.Context(), c, "Refuse", []byte(strings.Repeat("x", 5000)))
	if got := status.Convert(err).Message(); len(got) != 1024 {
		t.Errorf("a text of %d bytes, want 1024", len(got))
	}
	_, err = invoke(t.Context(), c, "Nothing", nil)
	wantCode(t, err, codes.Unimplemented)
	_, err = invoke(t.Context(), c, "Echo", []byte("text"), grpc.UseCompressor(gzip.Name))
	wantCode(t, err, codes.Unimplemented)
}

func TestServerStream(t *testing.T) {
	c := startServer(t).connect(t)
	stream, err := open(t.Context(), c, "Count", "10000")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		var message []byte
		err := stream.RecvMsg(&message)
		if errors.Is(err, io.EOF) && i == 10000 {
			return
		}
		if err != nil || string(message) != strconv.Itoa(i) {
			t.Fatalf("message %d is %q, %v", i, message, err)
		}
	}
}

func TestDeadlineAndCancel(t *testing.T) {
	s := startServer(t)
	c := s.connect(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := invoke(ctx, c, "Hold", nil)
	wantCode(t, err, codes.DeadlineExceeded)
	waitGone(t, s, 1)
	ctx, cancel = context.WithCancel(t.Context())
	stream, err := open(ctx, c, "Hold", "x")
	if err != nil {
		t.Fatal(err)
	}
	var message []byte
	if err := stream.RecvMsg(&message); err != nil || string(message) != "x" {
		t.Fatalf("%q, %v", message, err)
	}
	cancel()
	wantCode(t, stream.RecvMsg(&message), codes.Canceled)
	waitGone(t, s, 2)
}

// KEDA holds one stream open for each ScaledObject, all on one connection, and asks between them.
func TestManyStreams(t *testing.T) {
	const count = 2000
	s := startServer(t)
	c := s.connect(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			want := strconv.Itoa(i)
			stream, err := open(ctx, c, "Hold", want)
			if err != nil {
				t.Error(err)
				return
			}
			var message []byte
			if err := stream.RecvMsg(&message); err != nil || string(message) != want {
				t.Errorf("stream %d: %q, %v", i, message, err)
			}
		})
	}
	all.Wait()
	if _, err := invoke(ctx, c, "Echo", []byte("x")); err != nil {
		t.Errorf("beside %d streams: %v", count, err)
	}
	cancel() // all of them at once
	waitGone(t, s, count)
	if _, err := invoke(t.Context(), c, "Echo", []byte("x")); err != nil {
		t.Errorf("after %d streams: %v", count, err)
	}
}

func TestConnectionLost(t *testing.T) {
	s := startServer(t)
	c := s.connect(t)
	for range 3 {
		stream, err := open(t.Context(), c, "Hold", "x")
		if err != nil {
			t.Fatal(err)
		}
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, s, 3)
}

// Pings as often as this client ever sends them.
func TestKeepalive(t *testing.T) {
	t.Parallel()
	c := startServer(t).connect(t, grpc.WithKeepaliveParams(keepalive.ClientParameters{
		Time: 10 * time.Second, Timeout: time.Second, PermitWithoutStream: true}))
	ctx, cancel := context.WithTimeout(t.Context(), 13*time.Second)
	defer cancel()
	stream, err := open(ctx, c, "Hold", "x")
	if err != nil {
		t.Fatal(err)
	}
	var message []byte
	if err := stream.RecvMsg(&message); err != nil {
		t.Fatal(err)
	}
	// Unavailable, if a ping were not answered or answered by GOAWAY.
	wantCode(t, stream.RecvMsg(&message), codes.DeadlineExceeded)
}

func TestHealth(t *testing.T) {
	s := startServer(t)
	c := s.connect(t)
	health := grpc_health_v1.NewHealthClient(c)
	for service, want := range map[string]codes.Code{"": codes.OK, "echo.Echo": codes.OK, "echo.Other": codes.NotFound} {
		answer, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
		wantCode(t, err, want)
		if err == nil && answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("%q is %v", service, answer.Status)
		}
	}
	watch, err := health.Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err == nil {
		_, err = watch.Recv()
	}
	wantCode(t, err, codes.Unimplemented)
}

// What is under way is not cut off by a stop; what comes then goes elsewhere.
func TestStop(t *testing.T) {
	s := startServer(t)
	c := s.connect(t)
	stream, err := open(t.Context(), c, "Hold", "x")
	if err != nil {
		t.Fatal(err)
	}
	var message []byte
	if err := stream.RecvMsg(&message); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	wantCode(t, stream.RecvMsg(&message), codes.Unavailable)
	if took := time.Since(began); took < time.Second {
		t.Errorf("the stream ended %v after the signal; the server waits 2 s", took)
	}
	_, err = invoke(t.Context(), c, "Echo", nil)
	wantCode(t, err, codes.Unavailable)
}
