package grpc

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// server is the C program of echo/main.c; GRPC_ECHO names another build of it.
type server struct {
	address string
	cmd     *exec.Cmd
}

func startServer(t *testing.T, arguments ...string) *server {
	t.Helper()
	program := os.Getenv("GRPC_ECHO")
	if program == "" {
		program = "../../../build/grpc-echo"
	}
	cmd := exec.Command(program, arguments...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v (cmake --build build --target grpc-echo makes it)", program, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("%s does not tell its port: %v", program, err)
	}
	return &server{address: "127.0.0.1:" + strings.TrimSpace(port), cmd: cmd}
}

// connect is one connection, which KEDA's external scalers share, too.
func (s *server) connect(t *testing.T, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	connection, err := grpc.NewClient(s.address, append([]grpc.DialOption{plain}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// bytesCodec lets messages be any bytes.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(message any) ([]byte, error) {
	bytes, ok := message.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("no bytes: %T", message)
	}
	return *bytes, nil
}

func (bytesCodec) Unmarshal(data []byte, message any) error {
	bytes, ok := message.(*[]byte)
	if !ok {
		return fmt.Errorf("no bytes: %T", message)
	}
	*bytes = append([]byte(nil), data...)
	return nil
}
