package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ProgramUser is who the program under test is to the API server: the
// ServiceAccount that it is installed with.
const ProgramUser = "system:serviceaccount:" + SystemNamespace + ":autoscaler-keda-hpa"

func (c *Cluster) startAPIServer(ctx context.Context) error {
	var err error
	if c.pki, err = writePKI(c.path("pki")); err != nil {
		return err
	}
	if err := c.writeLogins(); err != nil {
		return err
	}
	if err := os.WriteFile(c.path("config", "audit-policy.yaml"), []byte(auditPolicy), 0o644); err != nil {
		return err
	}
	c.Audit = &Audit{path: c.path("logs", "audit.jsonl")}
	if err := c.StartEtcd(); err != nil {
		return err
	}
	return c.launchAPIServer(ctx)
}

// RestartAPIServer stops the API server at once and starts it again, with
// further flags if given: all watches break, and what clients saw last is
// older than anything the new one has in memory.
func (c *Cluster) RestartAPIServer(ctx context.Context, flags ...string) error {
	c.forget(c.apiserver)
	c.apiserver.Kill()
	return c.launchAPIServer(ctx, flags...)
}

func (c *Cluster) launchAPIServer(ctx context.Context, flags ...string) error {
	begin := time.Now()
	defer func() { c.Audit.starting(begin) }()
	args := append(c.apiServerArgs(loopback(c.ports.etcd), c.ports.apiserver), flags...)
	if InOwnNetwork() {
		// It would look for a default route, and there is none.
		args = append(args, "--advertise-address="+bridgeIP)
	}
	var err error
	if c.apiserver, err = c.tool("kube-apiserver", nil, args...); err != nil {
		return err
	}
	return c.Wait(ctx, "the API server to be ready", func(ctx context.Context) error {
		_, err := c.Typed.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

func (c *Cluster) apiServerArgs(etcd string, port int) []string {
	pki := func(name string) string { return c.path("pki", name) }
	return []string{
		"--etcd-servers=http://" + etcd,
		fmt.Sprintf("--secure-port=%d", port),
		"--bind-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/16",
		"--tls-cert-file=" + pki("serving.crt"), "--tls-private-key-file=" + pki("serving.key"),
		"--cert-dir=" + c.path("data"),
		"--client-ca-file=" + pki("ca.crt"),
		"--token-auth-file=" + c.path("config", "tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + pki("service-account.key"),
		"--service-account-signing-key-file=" + pki("service-account.key"),
		"--proxy-client-cert-file=" + pki("front-proxy.crt"), "--proxy-client-key-file=" + pki("front-proxy.key"),
		"--requestheader-client-ca-file=" + pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		// Without it a missing right on finalizers would never show.
		"--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
		// No kubelet and no token mounts here.
		"--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
		"--allow-privileged",
		"--audit-policy-file=" + c.path("config", "audit-policy.yaml"),
		"--audit-log-path=" + c.Audit.path,
	}
}

// writeLogins makes the token and kubeconfig of the administrator, which all
// servers use. The program gets a token of its own when it is installed.
func (c *Cluster) writeLogins() error {
	token := newToken()
	line := token + ",admin,admin,system:masters\n"
	if err := os.WriteFile(c.path("config", "tokens.csv"), []byte(line), 0o600); err != nil {
		return err
	}
	c.Kubeconfig = c.path("config", "admin.kubeconfig")
	if err := c.writeKubeconfig(c.Kubeconfig, clientcmdapi.AuthInfo{Token: token}); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 500, 1000
	config.Timeout = 30 * time.Second
	config.WarningHandler = rest.NoWarnings{}
	c.Config = config
	if c.Dynamic, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	c.Typed, err = kubernetes.NewForConfig(config)
	return err
}

func newToken() string {
	bytes := make([]byte, 16)
	if _, err := rand.Read(bytes); err != nil {
		panic(err)
	}
	return hex.EncodeToString(bytes)
}

func (c *Cluster) writeKubeconfig(path string, user clientcmdapi.AuthInfo) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["e2e"] = &clientcmdapi.Cluster{
		Server:                   "https://" + loopback(c.ports.apiserver),
		CertificateAuthorityData: c.pki.pem,
	}
	config.AuthInfos["e2e"] = &user
	config.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: "e2e"}
	config.CurrentContext = "e2e"
	return clientcmd.WriteToFile(*config, path)
}

func (c *Cluster) startKubernetes(ctx context.Context) error {
	_, err := c.tool("kube-controller-manager", nil,
		"--kubeconfig="+c.Kubeconfig, "--leader-elect=false",
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.ports.controllerManager),
		// kwok's node sends no heartbeats, and there is no network to plan.
		"--controllers=*,-nodelifecycle,-nodeipam",
		"--service-account-private-key-file="+c.path("pki", "service-account.key"),
		"--root-ca-file="+c.path("pki", "ca.crt"),
		"--kube-api-qps=200", "--kube-api-burst=400",
		fmt.Sprintf("--horizontal-pod-autoscaler-sync-period=%s", c.options.HPASync),
		"--cert-dir="+c.path("data"))
	if err != nil {
		return err
	}
	_, err = c.tool("kube-scheduler", nil,
		"--kubeconfig="+c.Kubeconfig, "--leader-elect=false",
		"--authentication-kubeconfig="+c.Kubeconfig, "--authorization-kubeconfig="+c.Kubeconfig,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.ports.scheduler),
		"--cert-dir="+c.path("data"))
	if err != nil {
		return err
	}
	return c.Wait(ctx, "the controller manager to work", func(ctx context.Context) error {
		_, err := c.Typed.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

const bigNode = `
apiVersion: v1
kind: Node
metadata:
  name: big
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {kubernetes.io/hostname: big, kubernetes.io/os: linux, type: kwok}
status:
  allocatable: {cpu: 10k, memory: 100Ti, pods: 10k}
  capacity: {cpu: 10k, memory: 100Ti, pods: 10k}
`

// startKwok simulates one node so large that no test fills it.
func (c *Cluster) startKwok(ctx context.Context) error {
	args := []string{"--kubeconfig=" + c.Kubeconfig, "--manage-all-nodes", "--cidr=10.244.0.0/16"}
	stages := filepath.Join(c.modules["sigs.k8s.io/kwok"], "kustomize", "stage")
	for _, dir := range []string{"node/fast", "pod/fast"} {
		files, err := filepath.Glob(filepath.Join(stages, dir, "*.yaml"))
		if err != nil {
			return err
		}
		for _, file := range files {
			if filepath.Base(file) != "kustomization.yaml" {
				args = append(args, "--config="+file)
			}
		}
	}
	if err := c.ApplyYAML(ctx, bigNode); err != nil {
		return err
	}
	if _, err := c.tool("kwok", nil, args...); err != nil {
		return err
	}
	return c.Wait(ctx, "the simulated node to be ready", func(ctx context.Context) error {
		node, err := c.Typed.CoreV1().Nodes().Get(ctx, "big", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == "Ready" && condition.Status == "True" {
				return nil
			}
		}
		return fmt.Errorf("node big is not Ready")
	})
}

// httpOK is nil if a GET is answered 200.
func httpOK(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	return nil
}
