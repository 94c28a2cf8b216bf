package cluster

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Pod is the program from its image, as a kubelet and a container runtime
// would run it by the Deployment of config/: on a root of its own, with the
// Deployment's environment and user, without capabilities and under the
// shipped seccomp profile, where what is not allowed ends it.
type Pod struct {
	*Process
	Name    string
	Root    string // the folder that it has as "/"
	URL     string // of its probes
	Metrics string // of its /metrics
}

// ConfinedPath is the launcher of test/hard: $CONFINED, else what
// hack/build.sh leaves.
func ConfinedPath(root string) string {
	if path := os.Getenv("CONFINED"); path != "" {
		return path
	}
	return filepath.Join(root, "build", "confined")
}

// NewPod prepares a pod whose image is unpacked in root, with what a kubelet
// mounts.
func (c *Cluster) NewPod(ctx context.Context, name, root string) (*Pod, error) {
	deployment, err := c.deployment()
	if err != nil {
		return nil, err
	}
	pod := &Pod{Name: deployment.Name + "-" + name, Root: root}
	return pod, c.mount(ctx, pod, deployment.Spec.Template.Spec.ServiceAccountName)
}

// deployment is the one of config/.
func (c *Cluster) deployment() (*appsv1.Deployment, error) {
	objects, err := readManifests(filepath.Join(c.ConfigDir(), "500-deployment.yaml"))
	if err != nil {
		return nil, err
	}
	deployment := &appsv1.Deployment{}
	return deployment, runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0].Object, deployment)
}

// mount writes a service account's files, and those by which names are resolved.
func (c *Cluster) mount(ctx context.Context, pod *Pod, account string) error {
	seconds := int64(3600)
	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := c.Typed.CoreV1().ServiceAccounts(SystemNamespace).
		CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	const secrets = "var/run/secrets/kubernetes.io/serviceaccount/"
	for name, text := range map[string]string{
		secrets + "token":     answer.Status.Token,
		secrets + "ca.crt":    string(c.pki.pem),
		secrets + "namespace": SystemNamespace,
		"etc/hosts":           "127.0.0.1\tlocalhost\n",
		"etc/resolv.conf":     "nameserver 127.0.0.1\nsearch " + SystemNamespace + ".svc.cluster.local\noptions ndots:5\n",
		"etc/hostname":        pod.Name + "\n",
	} {
		file := filepath.Join(pod.Root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// StartPod runs entrypoint, which comes from the image, and waits until it says
// that it is ready. A root that is not read-only is for machines that let
// nobody make a mount namespace.
func (c *Cluster) StartPod(ctx context.Context, pod *Pod, entrypoint []string, readOnly bool) error {
	deployment, err := c.deployment()
	if err != nil {
		return err
	}
	spec := deployment.Spec.Template.Spec
	container := spec.Containers[0]
	env, err := c.podEnvironment(pod, container.Env)
	if err != nil {
		return err
	}
	args := []string{"--root", pod.Root, "--uid", fmt.Sprint(*spec.SecurityContext.RunAsUser), "--kill",
		"--profile", filepath.Join(c.ConfigDir(), "components", "seccomp", "autoscaler-keda-hpa.json")}
	if !readOnly {
		args = append(args, "--writable")
	}
	if len(container.Command) > 0 {
		entrypoint = container.Command
	}
	args = append(append(args, entrypoint...), container.Args...)
	if pod.Process, err = start(c.Logs, pod.Name, env, ConfinedPath(c.Root), args...); err != nil {
		return fmt.Errorf("%w; hack/build.sh release confined builds it", err)
	}
	err = Poll(ctx, 20*time.Second, "the pod to be ready", func(ctx context.Context) error {
		if exited, err := pod.Exited(); exited {
			return fmt.Errorf("it has ended: %v", err)
		}
		return httpOK(ctx, pod.URL+"/readiness")
	})
	if err != nil {
		err = fmt.Errorf("%w; its last words:\n%s", err, pod.Tail(15))
	}
	return err
}

// podEnvironment is the Deployment's, and what every pod has. Its ports are
// this machine's here.
func (c *Cluster) podEnvironment(pod *Pod, of []corev1.EnvVar) ([]string, error) {
	server, err := url.Parse(c.Config.Host)
	if err != nil {
		return nil, err
	}
	probes, metrics, scaler := freePort(), freePort(), freePort()
	pod.URL, pod.Metrics = "http://"+loopback(probes), "http://"+loopback(metrics)+"/metrics"
	env := []string{"HOSTNAME=" + pod.Name,
		"KUBERNETES_SERVICE_HOST=" + server.Hostname(), "KUBERNETES_SERVICE_PORT=" + server.Port(),
		fmt.Sprintf("PROBES_PORT=%d", probes), fmt.Sprintf("METRICS_PROMETHEUS_PORT=%d", metrics),
		fmt.Sprintf("SCALER_PORT=%d", scaler)}
	own, err := environment(of, map[string]string{"metadata.name": pod.Name, "metadata.namespace": SystemNamespace})
	return append(env, own...), err
}

// environment is what a container's variables become, given the fields of its
// pod that they may come from.
func environment(of []corev1.EnvVar, fields map[string]string) ([]string, error) {
	var env []string
	for _, variable := range of {
		value := variable.Value
		if from := variable.ValueFrom; from != nil {
			var known bool
			if from.FieldRef != nil {
				value, known = fields[from.FieldRef.FieldPath]
			}
			if !known {
				return nil, fmt.Errorf("the variable %s comes from what is not known here", variable.Name)
			}
		}
		env = append(env, variable.Name+"="+value)
	}
	return env, nil
}
