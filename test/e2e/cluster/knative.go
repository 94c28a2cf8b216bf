package cluster

import (
	"context"
	"fmt"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// knativeExtras are what Knative wants besides its own manifests: its webhook
// is reached through an ExternalName, and the ServerlessService controller
// needs activators. None runs; any address of the pod range will do.
const knativeExtras = `
apiVersion: v1
kind: Service
metadata: {name: webhook, namespace: knative-serving}
spec: {type: ExternalName, externalName: localhost}
---
apiVersion: v1
kind: Service
metadata: {name: activator-service, namespace: knative-serving}
spec:
  ports:
  - {name: http, port: 80, targetPort: 8012}
  - {name: http2, port: 81, targetPort: 8013}
  - {name: https, port: 443, targetPort: 8112}
---
apiVersion: v1
kind: Endpoints
metadata: {name: activator-service, namespace: knative-serving}
subsets:
- addresses: [{ip: 10.244.255.1}]
  ports:
  - {name: http, port: 8012}
  - {name: http2, port: 8013}
  - {name: https, port: 8112}
`

const someKsvc = `
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: is-the-webhook-up, namespace: default}
spec: {template: {spec: {containers: [{image: ko.local/app}]}}}
`

// applyAllCRDs brings Knative's and KEDA's kinds, and the namespace that the
// program wants, without any of their servers.
func (c *Cluster) applyAllCRDs(ctx context.Context) error {
	if err := c.applyKnativeCRDs(ctx); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+SystemNamespace+"}"); err != nil {
		return err
	}
	return c.applyKEDACRDs(ctx, filepath.Join(c.modules["github.com/kedacore/keda/v2"], "config"))
}

func (c *Cluster) applyKnativeCRDs(ctx context.Context) error {
	return c.applyCRDs(ctx,
		filepath.Join(c.modules["knative.dev/serving"], "config", "core", "300-resources"),
		filepath.Join(c.modules["knative.dev/networking"], "config"),
		filepath.Join(c.modules["knative.dev/caching"], "config", "image.yaml"))
}

func (c *Cluster) startKnative(ctx context.Context) error {
	core := filepath.Join(c.modules["knative.dev/serving"], "config", "core")
	networking := filepath.Join(c.modules["knative.dev/networking"], "config")
	if err := c.applyKnativeCRDs(ctx); err != nil {
		return err
	}
	if err := c.applyKnativeConfig(ctx, core, networking); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, knativeExtras); err != nil {
		return err
	}
	// The webhook can do without leader election, the controller cannot.
	for name, flags := range map[string][]string{"controller": nil, "webhook": {"--disable-ha"}} {
		env := []string{
			"SYSTEM_NAMESPACE=" + SystemNamespace, "POD_NAME=" + name,
			"CONFIG_LOGGING_NAME=config-logging", "CONFIG_OBSERVABILITY_NAME=config-observability",
			"WEBHOOK_NAME=webhook", fmt.Sprintf("WEBHOOK_PORT=%d", c.ports.knativeWebhook),
			fmt.Sprintf("PROFILING_PORT=%d", freePort()),
			// The defaults (5 a second) would make tests with many services long.
			"KUBE_API_QPS=200", "KUBE_API_BURST=400",
		}
		if _, err := c.tool("knative-"+name, env, append(flags, "--kubeconfig="+c.Kubeconfig)...); err != nil {
			return err
		}
	}
	probe, err := DecodeYAML(someKsvc)
	if err != nil {
		return err
	}
	return c.Wait(ctx, "Knative's webhook", func(ctx context.Context) error {
		object, err := c.Dynamic.Resource(Services).Namespace("default").Create(ctx, probe[0],
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return err
		}
		if object.GetAnnotations()["serving.knative.dev/creator"] == "" {
			return fmt.Errorf("no defaulting yet")
		}
		return nil
	})
}

func (c *Cluster) applyKnativeConfig(ctx context.Context, core, networking string) error {
	objects, err := readManifests(filepath.Join(core, "100-namespace.yaml"), filepath.Join(core, "configmaps"),
		filepath.Join(networking, "config-network.yaml"), filepath.Join(core, "webhooks"))
	if err != nil {
		return err
	}
	for _, object := range objects {
		switch {
		case object.GetName() == "config-deployment":
			// Nothing runs an image here, and no name of one may need a look-up.
			if err := setData(object, "queue-sidecar-image", "ko.local/queue"); err != nil {
				return err
			}
			if err := setData(object, "registries-skipping-tag-resolving", "ko.local,ghcr.io"); err != nil {
				return err
			}
		case object.GetName() == "config-logging":
			// At its default the webhook logs every request whole.
			if err := setData(object, "loglevel.webhook", "warn"); err != nil {
				return err
			}
		case object.GetAPIVersion() == "admissionregistration.k8s.io/v1":
			if err := setWebhooks(object, "port", int64(c.ports.knativeWebhook), "clientConfig", "service"); err != nil {
				return err
			}
		}
	}
	return c.Apply(ctx, objects...)
}

// setData sets a key of a ConfigMap.
func setData(object *unstructured.Unstructured, key, value string) error {
	return unstructured.SetNestedField(object.Object, value, "data", key)
}

// setWebhooks sets a field in each webhook of a webhook configuration.
func setWebhooks(object *unstructured.Unstructured, field string, value any, path ...string) error {
	webhooks, _, err := unstructured.NestedSlice(object.Object, "webhooks")
	if err != nil {
		return err
	}
	for _, webhook := range webhooks {
		if err := unstructured.SetNestedField(webhook.(map[string]any), value, append(path, field)...); err != nil {
			return err
		}
	}
	return unstructured.SetNestedSlice(object.Object, webhooks, "webhooks")
}
