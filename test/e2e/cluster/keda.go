package cluster

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const kedaExtras = `
apiVersion: v1
kind: Service
metadata: {name: keda-metrics-apiserver, namespace: keda}
spec: {type: ExternalName, externalName: localhost}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
spec:
  service: {name: keda-metrics-apiserver, namespace: keda, port: %d}
  group: external.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
`

// InstallKEDA brings KEDA's CRDs and its three servers, and waits for them.
func (c *Cluster) InstallKEDA(ctx context.Context) error {
	config := filepath.Join(c.modules["github.com/kedacore/keda/v2"], "config")
	if err := c.applyKEDACRDs(ctx, config); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, "apiVersion: v1\nkind: Namespace\nmetadata: {name: keda}"); err != nil {
		return err
	}
	if err := c.startKEDAServers(); err != nil {
		return err
	}
	if err := c.registerKEDA(ctx, config); err != nil {
		return err
	}
	for what, url := range map[string]string{
		"KEDA's operator": "http://" + loopback(c.ports.kedaHealth) + "/readyz",
		"KEDA's webhooks": "http://" + loopback(c.ports.kedaWebhooksHealth) + "/readyz",
	} {
		if err := c.Wait(ctx, what, func(ctx context.Context) error { return httpOK(ctx, url) }); err != nil {
			return err
		}
	}
	return c.Wait(ctx, "KEDA's metrics API", func(ctx context.Context) error {
		service, err := c.Dynamic.Resource(apiServices).Get(ctx, "v1beta1.external.metrics.k8s.io", metav1.GetOptions{})
		if err != nil {
			return err
		}
		return WantCondition(service, "Available", "True")
	})
}

// applyKEDACRDs applies the CRDs as KEDA releases them, which is with the
// patch beside them.
func (c *Cluster) applyKEDACRDs(ctx context.Context, config string) error {
	bases := filepath.Join(config, "crd", "bases")
	patched, err := readManifests(filepath.Join(bases, "keda.sh_scaledobjects.yaml"))
	if err != nil {
		return err
	}
	patch, err := os.ReadFile(filepath.Join(config, "crd", "patches", "scaledobject_patch.yaml"))
	if err != nil {
		return err
	}
	if err := addAll(patched[0], patch); err != nil {
		return err
	}
	out, err := yaml.Marshal(patched[0].Object)
	if err != nil {
		return err
	}
	dir := c.path("config", "keda-crds")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "scaledobjects.yaml"), out, 0o644); err != nil {
		return err
	}
	// The patched one first: the directory's own would be applied over it.
	others, err := filepath.Glob(filepath.Join(bases, "*.yaml"))
	if err != nil {
		return err
	}
	paths := []string{dir}
	for _, path := range others {
		if filepath.Base(path) != "keda.sh_scaledobjects.yaml" {
			paths = append(paths, path)
		}
	}
	return c.applyCRDs(ctx, paths...)
}

// addAll applies a JSON patch (as YAML) of nothing but "add" operations.
func addAll(object *unstructured.Unstructured, patch []byte) error {
	var operations []struct {
		Op, Path string
		Value    any
	}
	if err := yaml.Unmarshal(patch, &operations); err != nil {
		return err
	}
	for _, operation := range operations {
		keys := strings.Split(strings.TrimPrefix(operation.Path, "/"), "/")
		var at any = object.Object
		for _, key := range keys[:len(keys)-1] {
			if list, ok := at.([]any); ok {
				index, err := strconv.Atoi(key)
				if err != nil || index >= len(list) {
					return fmt.Errorf("patch path %s does not fit", operation.Path)
				}
				at = list[index]
				continue
			}
			fields, _ := at.(map[string]any)
			at = fields[key]
		}
		fields, ok := at.(map[string]any)
		if operation.Op != "add" || !ok {
			return fmt.Errorf("patch operation %s %s does not fit", operation.Op, operation.Path)
		}
		fields[keys[len(keys)-1]] = operation.Value
	}
	return nil
}

func (c *Cluster) kedaAuthorities() string { return c.path("pki", "keda-authorities") }

// TrustForKEDA makes KEDA trust servers of an authority, from its next start on.
func (c *Cluster) TrustForKEDA(authority []byte) error {
	if err := os.MkdirAll(c.kedaAuthorities(), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.kedaAuthorities(), "ca.crt"), authority, 0o644)
}

func (c *Cluster) startKEDAServers() error {
	pki := func(name string) string { return c.path("pki", name) }
	env := []string{
		// An empty WATCH_NAMESPACE means all of them; an absent one is an error.
		"WATCH_NAMESPACE=", "KEDA_CLUSTER_OBJECT_NAMESPACE=keda", "POD_NAMESPACE=keda",
		"POD_NAME=keda", "KUBECONFIG=" + c.Kubeconfig,
	}
	if _, err := c.tool("keda-operator", env,
		"--cert-dir="+c.path("pki"), "--ca-dir="+c.kedaAuthorities(), "--kube-api-qps=200", "--kube-api-burst=400",
		"--metrics-bind-address="+loopback(c.ports.kedaMetrics),
		"--health-probe-bind-address="+loopback(c.ports.kedaHealth),
		"--metrics-service-bind-address="+loopback(c.ports.kedaGRPC)); err != nil {
		return err
	}
	if _, err := c.tool("keda-adapter", env,
		"--cert-dir="+c.path("pki"), "--client-ca-file="+pki("ca.crt"),
		"--tls-cert-file="+pki("tls.crt"), "--tls-private-key-file="+pki("tls.key"),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.ports.kedaAdapter),
		fmt.Sprintf("--metrics-service-address=localhost:%d", c.ports.kedaGRPC),
		"--authentication-kubeconfig="+c.Kubeconfig, "--authorization-kubeconfig="+c.Kubeconfig,
		"--lister-kubeconfig="+c.Kubeconfig, "--authentication-skip-lookup",
		// Else every query of the HPA controller is answered 401.
		"--requestheader-client-ca-file="+pki("front-proxy-ca.crt"),
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		fmt.Sprintf("--port=%d", c.ports.kedaAdapterMetrics)); err != nil {
		return err
	}
	_, err := c.tool("keda-webhooks", env,
		"--cert-dir="+c.path("pki"), fmt.Sprintf("--port=%d", c.ports.kedaWebhooks),
		"--metrics-bind-address="+loopback(c.ports.kedaWebhooksMetrics),
		"--health-probe-bind-address="+loopback(c.ports.kedaWebhooksHealth))
	return err
}

// registerKEDA tells the API server of the metrics API and the webhooks.
func (c *Cluster) registerKEDA(ctx context.Context, config string) error {
	if err := c.ApplyYAML(ctx, fmt.Sprintf(kedaExtras, c.ports.kedaAdapter)); err != nil {
		return err
	}
	objects, err := readManifests(filepath.Join(config, "webhooks", "validation_webhooks.yaml"))
	if err != nil {
		return err
	}
	for _, object := range objects {
		webhooks, _, err := unstructured.NestedSlice(object.Object, "webhooks")
		if err != nil {
			return err
		}
		for _, entry := range webhooks {
			webhook := entry.(map[string]any)
			path, _, _ := unstructured.NestedString(webhook, "clientConfig", "service", "path")
			webhook["clientConfig"] = map[string]any{
				"url":      "https://" + loopback(c.ports.kedaWebhooks) + path,
				"caBundle": base64.StdEncoding.EncodeToString(c.pki.pem),
			}
		}
		if err := unstructured.SetNestedSlice(object.Object, webhooks, "webhooks"); err != nil {
			return err
		}
	}
	return c.Apply(ctx, objects...)
}
