package cluster

import (
	"context"
	"os"
	"path/filepath"

	authentication "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ProgramName names the program's Deployment, ServiceAccount and roles.
const ProgramName = "autoscaler-keda-hpa"

// ConfigDir is what `kubectl apply -f` installs the program from.
func (c *Cluster) ConfigDir() string { return filepath.Join(c.Root, "config") }

// installProgram applies config/ but its Deployment: here the program is a
// process, and a simulated pod would only pretend to be it. Its right to do
// anything is thus what it ships with, and no more.
func (c *Cluster) installProgram(ctx context.Context) error {
	if c.options.WithoutProgram {
		return nil
	}
	objects, err := readManifests(c.ConfigDir())
	if err != nil {
		return err
	}
	var wanted []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetKind() == "Deployment" {
			continue
		}
		if object.GetName() == "config-autoscaler-keda" && c.PrometheusURL != "" {
			if err := setData(object, "autoscaler.keda.prometheus-address", c.PrometheusURL); err != nil {
				return err
			}
		}
		wanted = append(wanted, object)
	}
	if err := c.Apply(ctx, wanted...); err != nil {
		return err
	}
	return c.LogProgramIn(ctx)
}

// LogProgramIn gets the program a token of its ServiceAccount, as a kubelet
// would, and writes its kubeconfig.
func (c *Cluster) LogProgramIn(ctx context.Context) error {
	// As long as the certificates last: `hack/cluster.sh up` may stay up for days.
	seconds := int64(7 * 24 * 3600)
	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := c.Typed.CoreV1().ServiceAccounts(SystemNamespace).
		CreateToken(ctx, ProgramName, request, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	file := c.path("config", "program.token")
	if err := os.WriteFile(file, []byte(answer.Status.Token), 0o600); err != nil {
		return err
	}
	c.ProgramKubeconfig = c.path("config", "program.kubeconfig")
	return c.writeKubeconfig(c.ProgramKubeconfig, clientcmdapi.AuthInfo{TokenFile: file})
}

// InstallMonitoringCRDs brings prometheus-operator's kinds, and no operator.
func (c *Cluster) InstallMonitoringCRDs(ctx context.Context) error {
	dir := filepath.Join(c.modules["github.com/prometheus-operator/prometheus-operator"],
		"example", "prometheus-operator-crd")
	return c.applyCRDs(ctx, filepath.Join(dir, "monitoring.coreos.com_servicemonitors.yaml"),
		filepath.Join(dir, "monitoring.coreos.com_prometheusrules.yaml"))
}
