package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// readManifests decodes every document of the named files; a directory
// stands for the YAML files right in it.
func readManifests(paths ...string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, path := range paths {
		files := []string{path}
		if info, err := os.Stat(path); err != nil {
			return nil, err
		} else if info.IsDir() {
			if files, err = filepath.Glob(filepath.Join(path, "*.yaml")); err != nil {
				return nil, err
			}
			sort.Strings(files)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			more, err := DecodeYAML(string(data))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			objects = append(objects, more...)
		}
	}
	return objects, nil
}

// DecodeYAML decodes a stream of YAML documents; empty ones are passed over.
func DecodeYAML(text string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for document := range strings.SplitSeq("\n"+text, "\n---") {
		content := map[string]any{}
		if err := yaml.Unmarshal([]byte(document), &content); err != nil {
			return nil, err
		}
		if len(content) > 0 {
			objects = append(objects, &unstructured.Unstructured{Object: content})
		}
	}
	return objects, nil
}

// Apply creates the objects, or replaces those that are there. Plain writes
// and not `kubectl apply`: some CRDs are too big for its annotation.
func (c *Cluster) Apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	for _, object := range objects {
		gvk := object.GroupVersionKind()
		resource, _ := meta.UnsafeGuessKindToResource(gvk)
		client := c.Dynamic.Resource(resource).Namespace(object.GetNamespace())
		_, err := client.Create(ctx, object, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			var old *unstructured.Unstructured
			if old, err = client.Get(ctx, object.GetName(), metav1.GetOptions{}); err == nil {
				object = object.DeepCopy()
				object.SetResourceVersion(old.GetResourceVersion())
				_, err = client.Update(ctx, object, metav1.UpdateOptions{})
			}
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", gvk.Kind, object.GetName(), err)
		}
	}
	return nil
}

// ApplyYAML is Apply for text.
func (c *Cluster) ApplyYAML(ctx context.Context, text string) error {
	objects, err := DecodeYAML(text)
	if err != nil {
		return err
	}
	return c.Apply(ctx, objects...)
}

// applyCRDs applies CRDs and waits until the API server serves them.
func (c *Cluster) applyCRDs(ctx context.Context, paths ...string) error {
	objects, err := readManifests(paths...)
	if err != nil {
		return err
	}
	crds := objects[:0]
	for _, object := range objects {
		if object.GetKind() == "CustomResourceDefinition" {
			crds = append(crds, object)
		}
	}
	if err := c.Apply(ctx, crds...); err != nil {
		return err
	}
	for _, crd := range crds {
		name := crd.GetName()
		err := c.Wait(ctx, "CRD "+name+" to be served", func(ctx context.Context) error {
			live, err := c.Dynamic.Resource(CRDs).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			return WantCondition(live, "Established", "True")
		})
		if err != nil {
			return err
		}
	}
	return nil
}
