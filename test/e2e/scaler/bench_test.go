// Package scaler asks the program's ExternalScaler service the way KEDA does: with KEDA's own client
// code, of the version that the other tests run, and KEDA's own scaler of type external-push on top
// of it. It needs no cluster, but KEDA's modules in the place of these tests':
//
//	CGO_ENABLED=0 go test -modfile=tools/keda/go.mod -vet=off ./scaler
package scaler

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bench is a running server/main.c.
type bench struct {
	address string
	orders  io.Writer
}

// program is $SCALER_SERVER, else that of hack/build.sh.
func program() string {
	if path := os.Getenv("SCALER_SERVER"); path != "" {
		return path
	}
	return filepath.Join("..", "..", "..", "build", "scaler-server")
}

func start(t *testing.T) *bench {
	t.Helper()
	command := exec.Command(program())
	command.Stderr = os.Stderr
	orders, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("%v; hack/build.sh release scaler-server makes it", err)
	}
	t.Cleanup(func() {
		orders.Close() // which ends it
		if err := command.Wait(); err != nil {
			t.Errorf("scaler-server: %v", err)
		}
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("scaler-server told no port: %v", err)
	}
	return &bench{address: "127.0.0.1:" + strings.TrimSpace(port), orders: orders}
}

func (b *bench) order(t *testing.T, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(b.orders, format+"\n", args...); err != nil {
		t.Fatal(err)
	}
}
