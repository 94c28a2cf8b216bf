package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// follow calls each for every event from now on, until ctx ends; failed is told
// of what ends it earlier. It returns once the watch is open.
func follow(ctx context.Context, client dynamic.ResourceInterface,
	each func(watch.EventType, *unstructured.Unstructured), failed func(error)) error {
	version, err := versionNow(ctx, client)
	if err != nil {
		return err
	}
	open := func() (watch.Interface, error) {
		return client.Watch(ctx, metav1.ListOptions{ResourceVersion: version})
	}
	stream, err := open()
	if err != nil {
		return err
	}
	go func() {
		for ctx.Err() == nil {
			for event := range stream.ResultChan() {
				object, isObject := event.Object.(*unstructured.Unstructured)
				if event.Type == watch.Error || !isObject {
					// Too old a version, on a machine too slow: begin anew.
					version, err = listAll(ctx, client, each)
					break
				}
				version = object.GetResourceVersion()
				each(event.Type, object)
			}
			stream.Stop()
			// The server ends watches when writes come in bursts; go on from the last version.
			if err == nil {
				stream, err = open()
			}
			if err != nil {
				if ctx.Err() == nil {
					failed(fmt.Errorf("watch: %w", err))
				}
				return
			}
		}
	}()
	return nil
}

// watchUntil opens a watch; what it returns waits until count objects have
// fitted at some time.
func watchUntil(ctx context.Context, client dynamic.ResourceInterface, how string, count int, failed *failure,
	fits func(*unstructured.Unstructured) bool) (wait func() error, err error) {
	var have atomic.Int64
	names, last := map[string]bool{}, make(chan struct{})
	err = follow(ctx, client, func(_ watch.EventType, object *unstructured.Unstructured) {
		if !fits(object) || names[object.GetName()] {
			return
		}
		names[object.GetName()] = true
		if have.Add(1) == int64(count) {
			close(last)
		}
	}, failed.tell)
	return func() error {
		var err error
		select {
		case <-last:
			return nil
		case err = <-failed.first:
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(patience):
			err = fmt.Errorf("waited %s", patience)
		}
		return fmt.Errorf("%d of %d are %s: %w", have.Load(), count, how, err)
	}, err
}

// listAll shows each object as if it had just been added.
func listAll(ctx context.Context, client dynamic.ResourceInterface,
	each func(watch.EventType, *unstructured.Unstructured)) (string, error) {
	list, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for i := range list.Items {
		each(watch.Added, &list.Items[i])
	}
	return list.GetResourceVersion(), nil
}

func versionNow(ctx context.Context, client dynamic.ResourceInterface) (string, error) {
	list, err := client.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return "", err
	}
	return list.GetResourceVersion(), nil
}

// watched is what the program watches and has one of for each revision.
var watched = []schema.GroupVersionResource{gvr.pa, gvr.sks, gvr.so, gvr.hpa}

var plainJSON = scheme.Codecs.WithoutConversion()

// openWatches opens the program's four watches and drops what they bring unread:
// serving them is a cost of the API server's, which the floor must bear too.
func (b *bed) openWatches(ctx context.Context) error {
	for _, what := range watched {
		if err := b.drop(ctx, what); err != nil {
			return err
		}
	}
	return nil
}

func (b *bed) drop(ctx context.Context, what schema.GroupVersionResource) error {
	config := rest.CopyConfig(b.config)
	config.NegotiatedSerializer = plainJSON
	group := what.GroupVersion()
	config.GroupVersion = &group
	client, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		return err
	}
	open := func() (io.ReadCloser, error) {
		version, err := versionNow(ctx, b.asProgram.Resource(what))
		if err != nil {
			return nil, err
		}
		return client.Get().AbsPath("apis", what.Group, what.Version, what.Resource).
			Param("watch", "1").Param("resourceVersion", version).Stream(ctx)
	}
	stream, err := open()
	if err != nil {
		return err
	}
	go func() {
		for ctx.Err() == nil {
			if err == nil {
				_, _ = io.Copy(io.Discard, stream)
				_ = stream.Close()
			} else {
				time.Sleep(100 * time.Millisecond)
			}
			stream, err = open()
		}
	}()
	return nil
}
