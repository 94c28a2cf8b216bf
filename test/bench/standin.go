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
	failed  *failure
	workers sync.WaitGroup
}

// failure is the first thing that went wrong in the background.
type failure struct{ first chan error }

func newFailure() *failure { return &failure{make(chan error, 1)} }

func (f *failure) tell(err error) {
	select {
	case f.first <- err:
	default:
	}
}

func startStandIn(ctx context.Context, client dynamic.Interface, workers int) (*standIn, error) {
	s := &standIn{client: client, work: make(chan func(context.Context) error, 1<<18), failed: newFailure()}
	for range workers {
		s.workers.Go(func() { s.serve(ctx) })
	}
	if err := s.answer(ctx, gvr.so, func(ctx context.Context, so *unstructured.Unstructured) error {
		return makeHPA(ctx, s.client, so)
	}); err != nil {
		return nil, err
	}
	return s, s.answer(ctx, gvr.sks, func(ctx context.Context, sks *unstructured.Unstructured) error {
		return patchStatus(ctx, s.client, gvr.sks, sks.GetName(), sksStatus(sks))
	})
}

func (s *standIn) serve(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case do := <-s.work:
			if err := do(ctx); err != nil && ctx.Err() == nil {
				s.failed.tell(err)
			}
		}
	}
}

// answer does something about each new object.
func (s *standIn) answer(ctx context.Context, what schema.GroupVersionResource,
	do func(context.Context, *unstructured.Unstructured) error) error {
	each := func(event watch.EventType, object *unstructured.Unstructured) {
		if event == watch.Added {
			s.work <- func(ctx context.Context) error { return do(ctx, object) }
		}
	}
	return follow(ctx, s.client.Resource(what).Namespace(namespace), each, s.failed.tell)
}

func makeHPA(ctx context.Context, client dynamic.Interface, so *unstructured.Unstructured) error {
	_, err := client.Resource(gvr.hpa).Namespace(namespace).Create(ctx, hpa(so), metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return patchStatus(ctx, client, gvr.hpa, so.GetName(), hpaStatus())
}

func patchStatus(ctx context.Context, client dynamic.Interface, what schema.GroupVersionResource,
	name string, status fields) error {
	return patch(ctx, client.Resource(what).Namespace(namespace), name, status, "status")
}

func patch(ctx context.Context, client dynamic.ResourceInterface, name string, change fields, sub ...string) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, err = client.Patch(ctx, name, types.MergePatchType, body, metav1.PatchOptions{}, sub...)
	return err
}
