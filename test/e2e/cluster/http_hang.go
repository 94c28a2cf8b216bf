package cluster

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HangingActivator takes connections for its metrics and answers nothing. Only
// who looks for metrics knows of it: no request is sent there.
type HangingActivator struct {
	Asked    atomic.Int64 // connections taken
	listener net.Listener
	set      *HTTPSet
}

const hangingSlice = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: activator-service-hangs
  namespace: knative-serving
  labels: {kubernetes.io/service-name: activator-service}
addressType: IPv4
endpoints: [{addresses: [%q], conditions: {ready: true}}]
ports: [{name: http-metrics, port: %d, protocol: TCP}]
`

// AddHangingActivator puts one beside those that are there. Knative's
// controllers look at Endpoints, so that none of it is in a request's way.
func (s *HTTPSet) AddHangingActivator(ctx context.Context) (*HangingActivator, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(bridgeIP, "0"))
	if err != nil {
		return nil, err
	}
	h := &HangingActivator{listener: listener, set: s}
	go func() {
		for {
			// The client's end is what closes it.
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			h.Asked.Add(1)
			defer conn.Close()
		}
	}()
	port := listener.Addr().(*net.TCPAddr).Port
	if err := s.ApplyYAML(ctx, fmt.Sprintf(hangingSlice, bridgeIP, port)); err != nil {
		listener.Close()
		return nil, err
	}
	return h, nil
}

// Remove takes it away again.
func (h *HangingActivator) Remove(ctx context.Context) error {
	defer h.listener.Close()
	return h.set.Typed.DiscoveryV1().EndpointSlices(SystemNamespace).
		Delete(ctx, "activator-service-hangs", metav1.DeleteOptions{})
}
