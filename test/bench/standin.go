package main

import (
	"context"
	"encoding/json"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// standIn makes what others would: an HPA with a status for each new
// ScaledObject, and the status of each new ServerlessService.
type standIn struct {
	client  dynamic.Interface
	work    chan func(context.Context) error
	failed  chan error
	workers sync.WaitGroup
}

func startStandIn(ctx context.Context, client dynamic.Interface, workers int) (*standIn, error) {
	s := &standIn{client: client, work: make(chan func(context.Context) error, 1<<16), failed: make(chan error, 1)}
	for range workers {
		s.workers.Go(func() { s.serve(ctx) })
	}
	if err := s.follow(ctx, gvr.so, s.answerScaledObject); err != nil {
		return nil, err
	}
	return s, s.follow(ctx, gvr.sks, s.answerServerlessService)
}

func (s *standIn) serve(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case do := <-s.work:
			if err := do(ctx); err != nil {
				s.fail(ctx, err)
			}
		}
	}
}

// fail tells whoever waits; the first failure is enough.
func (s *standIn) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	select {
	case s.failed <- err:
	default:
	}
}

// follow calls answer for every object that is added from now on.
func (s *standIn) follow(ctx context.Context, what schema.GroupVersionResource,
	answer func(context.Context, *unstructured.Unstructured) error) error {
	list, err := s.client.Resource(what).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return err
	}
	version := list.GetResourceVersion()
	open := func() (watch.Interface, error) {
		return s.client.Resource(what).Namespace(namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: version})
	}
	stream, err := open()
	if err != nil {
		return err
	}
	go func() {
		for ctx.Err() == nil {
			for event := range stream.ResultChan() {
				object, isObject := event.Object.(*unstructured.Unstructured)
				if !isObject {
					continue
				}
				version = object.GetResourceVersion()
				if event.Type == watch.Added {
					s.work <- func(ctx context.Context) error { return answer(ctx, object) }
				}
			}
			// The server ends watches when writes come in bursts; go on from the last version.
			if stream, err = open(); err != nil {
				s.fail(ctx, err)
				return
			}
		}
	}()
	return nil
}

func (s *standIn) answerScaledObject(ctx context.Context, so *unstructured.Unstructured) error {
	return makeHPA(ctx, s.client, so)
}

func (s *standIn) answerServerlessService(ctx context.Context, sks *unstructured.Unstructured) error {
	return patchStatus(ctx, s.client, gvr.sks, sks.GetName(), sksStatus(sks))
}

func makeHPA(ctx context.Context, client dynamic.Interface, so *unstructured.Unstructured) error {
	_, err := client.Resource(gvr.hpa).Namespace(namespace).Create(ctx, hpa(so), metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return patchStatus(ctx, client, gvr.hpa, so.GetName(), hpaStatus())
}

func patchStatus(ctx context.Context, client dynamic.Interface, what schema.GroupVersionResource,
	name string, status any) error {
	patch, err := json.Marshal(status)
	if err != nil {
		return err
	}
	_, err = client.Resource(what).Namespace(namespace).Patch(ctx, name, types.MergePatchType, patch,
		metav1.PatchOptions{}, "status")
	return err
}
