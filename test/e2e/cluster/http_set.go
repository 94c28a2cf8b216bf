package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"autoscaler-keda-hpa/e2e/proxy"
)

// MetricsPort is where an activator says how many requests wait in it.
const MetricsPort = 9090

// HTTPSet carries requests: real activators, and pods that are real
// queue-proxies with an app behind them. What is left of a data path, the
// gateway, is the test itself.
type HTTPSet struct {
	Activators []*Activator
	*kubelet

	network *podNetwork
	relay   *proxy.Relay
	cancel  context.CancelFunc
	servers []*Process
	boxes   map[string]*sandbox
}

// Activator is one of Knative's activators, in a network of its own.
type Activator struct {
	*Process
	IP string
}

// MetricsURL is its page of metrics.
func (a *Activator) MetricsURL() string {
	return fmt.Sprintf("http://%s:%d/metrics", a.IP, MetricsPort)
}

// StartHTTPSet starts as many activators and the node whose pods are
// processes, on a cluster started with WithoutKwok, in a network namespace.
func (c *Cluster) StartHTTPSet(ctx context.Context, activators int) (*HTTPSet, error) {
	background, cancel := context.WithCancel(context.Background())
	s := &HTTPSet{cancel: cancel, network: newPodNetwork(c.Logs), boxes: map[string]*sandbox{}}
	if err := s.bringUp(ctx, background, c, activators); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *HTTPSet) bringUp(ctx, background context.Context, c *Cluster, activators int) error {
	var err error
	// The API server listens on loopback, and activators have loopbacks of their own.
	if s.relay, err = proxy.StartRelay(net.JoinHostPort(bridgeIP, "0"), loopback(c.ports.apiserver)); err != nil {
		return err
	}
	if s.kubelet, err = c.startKubelet(ctx, background, s.network); err != nil {
		return err
	}
	if err := c.exposeRequests(ctx); err != nil {
		return err
	}
	for i := range activators {
		activator, err := s.startActivator(i)
		if err != nil {
			return err
		}
		s.Activators = append(s.Activators, activator)
	}
	if err := s.waitActivators(ctx); err != nil {
		return err
	}
	return s.ListActivators(ctx, MetricsPort)
}

// exposeRequests makes the activators and queue-proxies that are started from
// now on tell their requests to Prometheus.
func (c *Cluster) exposeRequests(ctx context.Context) error {
	file := filepath.Join(c.modules["knative.dev/serving"], "config", "core", "configmaps", "observability.yaml")
	objects, err := readManifests(file)
	if err != nil {
		return err
	}
	for _, key := range []string{"metrics-protocol", "request-metrics-protocol"} {
		if err := setData(objects[0], key, "prometheus"); err != nil {
			return err
		}
	}
	return c.Apply(ctx, objects...)
}

func (s *HTTPSet) startActivator(number int) (*Activator, error) {
	ip := fmt.Sprintf(activatorIP, 11+number)
	process, err := s.startOnBridge(fmt.Sprintf("activator-%d", number), ip, "knative-activator")
	return &Activator{process, ip}, err
}

// StopActivator ends one of them as a lost node does: at once, and it is not
// among the Service's any more.
func (s *HTTPSet) StopActivator(ctx context.Context, number int) error {
	s.Activators[number].Kill()
	return s.ListActivators(ctx, MetricsPort)
}

// StartActivator starts one again that was stopped.
func (s *HTTPSet) StartActivator(ctx context.Context, number int) error {
	activator, err := s.startActivator(number)
	if err != nil {
		return err
	}
	s.Activators[number] = activator
	if err := s.waitActivators(ctx); err != nil {
		return err
	}
	return s.ListActivators(ctx, MetricsPort)
}

// AddActivator starts one more.
func (s *HTTPSet) AddActivator(ctx context.Context) error {
	s.Activators = append(s.Activators, nil)
	return s.StartActivator(ctx, len(s.Activators)-1)
}

// AllowZeroInitialScale makes revisions possible that begin without a pod.
func (s *HTTPSet) AllowZeroInitialScale(ctx context.Context) error {
	return s.patchConfig(ctx, "config-autoscaler", `{"data": {"allow-zero-initial-scale": "true"}}`)
}

// startOnBridge starts one of Knative's servers in a network of its own.
func (s *HTTPSet) startOnBridge(name, ip, program string, env ...string) (*Process, error) {
	box := s.boxes[name]
	if box == nil {
		var err error
		if box, err = s.network.newSandbox(name, ip); err != nil {
			return nil, err
		}
		s.boxes[name] = box
	}
	kubeconfig := s.path("config", name+".kubeconfig")
	if err := s.writeRelayKubeconfig(kubeconfig); err != nil {
		return nil, err
	}
	process, err := box.start("knative", append([]string{
		"POD_NAME=" + name, "POD_IP=" + ip, "SYSTEM_NAMESPACE=" + SystemNamespace,
		"CONFIG_LOGGING_NAME=config-logging", "CONFIG_OBSERVABILITY_NAME=config-observability",
	}, env...), filepath.Join(s.Bin, program), "--kubeconfig="+kubeconfig)
	if err == nil {
		s.servers = append(s.servers, process)
	}
	return process, err
}

// writeRelayKubeconfig writes an administrator's, for who is on the bridge.
func (s *HTTPSet) writeRelayKubeconfig(path string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["e2e"] = &clientcmdapi.Cluster{
		Server:                   "https://" + s.relay.Address,
		TLSServerName:            "localhost",
		CertificateAuthorityData: s.pki.pem,
	}
	config.AuthInfos["e2e"] = &clientcmdapi.AuthInfo{Token: s.Config.BearerToken}
	config.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: "e2e"}
	config.CurrentContext = "e2e"
	return clientcmd.WriteToFile(*config, path)
}

func (s *HTTPSet) waitActivators(ctx context.Context) error {
	for _, activator := range s.Activators {
		err := s.Wait(ctx, "activator "+activator.IP, func(ctx context.Context) error {
			if exited, err := activator.Exited(); exited {
				return fmt.Errorf("it has ended (%v); its last words:\n%s", err, activator.Tail(5))
			}
			for _, port := range []int{8012, 8013} {
				if err := listens(ctx, net.JoinHostPort(activator.IP, strconv.Itoa(port))); err != nil {
					return err
				}
			}
			return httpOK(ctx, activator.MetricsURL())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// listens is nil if a connection is taken there.
func listens(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err == nil {
		conn.Close()
	}
	return err
}

const activatorEndpoints = `
apiVersion: v1
kind: Endpoints
metadata: {name: activator-service, namespace: knative-serving}
subsets:
- addresses: [%s]
  ports:
  - {name: http-metrics, port: %d}
  - {name: http, port: 8012}
  - {name: http2, port: 8013}
  - {name: https, port: 8112}
`

// ListActivators makes the activators that run those of Knative's Service, with their
// metrics on that port: on another than MetricsPort they cannot be read.
func (s *HTTPSet) ListActivators(ctx context.Context, port int) error {
	var addresses []string
	for _, activator := range s.Activators {
		if exited, _ := activator.Exited(); !exited {
			addresses = append(addresses, "{ip: "+activator.IP+"}")
		}
	}
	return s.ApplyYAML(ctx, fmt.Sprintf(activatorEndpoints, strings.Join(addresses, ", "), port))
}

// ScaleBy makes that address the scaler which KEDA asks about requests, by TLS
// or without.
func (s *HTTPSet) ScaleBy(ctx context.Context, address string, byTLS bool) error {
	return s.patchConfig(ctx, "config-autoscaler-keda", fmt.Sprintf(
		`{"data": {"autoscaler.keda.http-scaler-address": %q, "autoscaler.keda.http-scaler-tls": "%t"}}`, address, byTLS))
}

// patchConfig changes a ConfigMap of the system namespace.
func (s *HTTPSet) patchConfig(ctx context.Context, name, patch string) error {
	_, err := s.Typed.CoreV1().ConfigMaps(SystemNamespace).
		Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

const activatorJob = `
- job_name: activators
  static_configs: [{targets: [%s]}]
`

// ScrapeActivators makes Prometheus read the activators as well.
func (s *HTTPSet) ScrapeActivators(ctx context.Context) error {
	var targets []string
	for _, activator := range s.Activators {
		targets = append(targets, strconv.Quote(fmt.Sprintf("%s:%d", activator.IP, MetricsPort)))
	}
	file := s.path("config", "prometheus.yaml")
	config, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	config = fmt.Appendf(bytes.TrimSpace(config), activatorJob, strings.Join(targets, ", "))
	if err := os.WriteFile(file, config, 0o644); err != nil {
		return err
	}
	if p := s.server("prometheus"); p == nil || syscall.Kill(p.Pid(), syscall.SIGHUP) != nil {
		return errors.New("Prometheus does not run")
	}
	return s.Wait(ctx, "Prometheus to have read the activators", func(ctx context.Context) error {
		answer, err := http.Get(s.PrometheusURL + "/api/v1/query?query=" + url.QueryEscape(`sum(up{job="activators"})`))
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err == nil && !bytes.Contains(text, fmt.Appendf(nil, `,"%d"]`, len(targets))) {
			err = errors.New(string(text))
		}
		return err
	})
}

// Stop ends the pods and the activators. Their networks go with them.
func (s *HTTPSet) Stop() {
	if s.kubelet != nil {
		s.kubelet.close(s.cancel)
	}
	s.cancel()
	for _, server := range s.servers {
		server.Kill()
	}
	for _, box := range s.boxes {
		box.close()
	}
	if s.relay != nil {
		s.relay.Close()
	}
}
