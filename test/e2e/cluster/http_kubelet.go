package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// processNode is where pods are processes.
const processNode = `
apiVersion: v1
kind: Node
metadata:
  name: processes
  labels: {kubernetes.io/hostname: processes, kubernetes.io/os: linux}
status:
  allocatable: {cpu: 10k, memory: 100Ti, pods: 10k}
  capacity: {cpu: 10k, memory: 100Ti, pods: 10k}
  conditions:
  - {type: Ready, status: "True", reason: KubeletReady, message: processes}
`

// kubelet runs the pods of Knative revisions: the real queue-proxy with the
// pod's own environment, and app/ where the user's container would be. It says
// ready when queue-proxy's readiness probe is answered, and lets a pod that is
// deleted finish what it has within its grace period.
type kubelet struct {
	*Cluster
	network *podNetwork
	ctx     context.Context
	lock    sync.Mutex
	pods    map[types.UID]*processPod
	trouble []error
	all     sync.WaitGroup
}

// processPod is one pod.
type processPod struct {
	*corev1.Pod
	stop  chan struct{} // closed when it is to end
	grace time.Duration // how long that may take; set before stop is closed
}

func (c *Cluster) startKubelet(ctx, background context.Context, network *podNetwork) (*kubelet, error) {
	if err := c.ApplyYAML(ctx, processNode); err != nil {
		return nil, err
	}
	k := &kubelet{Cluster: c, network: network, ctx: background, pods: map[types.UID]*processPod{}}
	factory := informers.NewSharedInformerFactory(c.Typed, 10*time.Second)
	informer := factory.Core().V1().Pods().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { k.look(object.(*corev1.Pod)) },
		UpdateFunc: func(_, object any) { k.look(object.(*corev1.Pod)) },
		DeleteFunc: func(object any) {
			if pod, ok := object.(*corev1.Pod); ok {
				k.end(pod.UID, 0)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	factory.Start(background.Done())
	return k, nil
}

// look begins or ends a pod, if it is time to.
func (k *kubelet) look(pod *corev1.Pod) {
	if pod.Spec.NodeName == "" {
		return
	}
	k.lock.Lock()
	_, known := k.pods[pod.UID]
	fresh := !known && pod.DeletionTimestamp == nil && k.ctx.Err() == nil
	if fresh {
		p := &processPod{Pod: pod, stop: make(chan struct{})}
		k.pods[pod.UID] = p
		k.all.Go(func() { k.run(p) })
	}
	k.lock.Unlock()
	if pod.DeletionTimestamp == nil {
		return
	}
	if !known {
		k.remove(pod)
		return
	}
	k.end(pod.UID, time.Until(pod.DeletionTimestamp.Time))
}

// end tells a pod to end; told so before, it is on its way already.
func (k *kubelet) end(uid types.UID, grace time.Duration) {
	k.lock.Lock()
	defer k.lock.Unlock()
	p := k.pods[uid]
	if p == nil {
		return
	}
	select {
	case <-p.stop:
	default:
		p.grace = grace
		close(p.stop)
	}
}

// run is the life of a pod.
func (k *kubelet) run(p *processPod) {
	err := k.live(p)
	k.remove(p.Pod)
	k.lock.Lock()
	defer k.lock.Unlock()
	delete(k.pods, p.UID)
	if err != nil && k.ctx.Err() == nil {
		k.trouble = append(k.trouble, fmt.Errorf("pod %s/%s: %w", p.Namespace, p.Name, err))
	}
}

func (k *kubelet) live(p *processPod) error {
	box, err := k.network.newSandbox(p.Name, "")
	if err != nil {
		return err
	}
	defer box.close()
	app, queue, err := k.startContainers(p, box)
	if app != nil {
		defer app.Kill()
	}
	if queue != nil {
		defer queue.Kill()
	}
	if err != nil {
		return err
	}
	if err := k.report(p, box.IP, false); err != nil {
		return err
	}
	if err := k.waitReady(p, box.IP, queue); err != nil {
		return err
	}
	select {
	case <-p.stop:
	case <-k.ctx.Done():
		return nil
	case <-queue.done:
		return fmt.Errorf("queue-proxy has ended (%v); its last words:\n%s", queue.err, queue.Tail(5))
	case <-app.done:
		return fmt.Errorf("the app has ended (%v); its last words:\n%s", app.err, app.Tail(5))
	}
	// queue-proxy serves on for a while, then finishes what it has.
	_ = syscall.Kill(-queue.Pid(), syscall.SIGTERM)
	select {
	case <-queue.done:
	case <-time.After(p.grace):
	case <-k.ctx.Done():
	}
	return nil
}

// startContainers starts the two containers of a Knative pod.
func (k *kubelet) startContainers(p *processPod, box *sandbox) (app, queue *Process, err error) {
	fields := map[string]string{
		"metadata.name": p.Name, "metadata.namespace": p.Namespace, "status.podIP": box.IP, "status.hostIP": bridgeIP,
	}
	for _, container := range p.Spec.Containers {
		env, err := environment(container.Env, fields)
		if err != nil {
			return app, queue, err
		}
		if container.Name == "queue-proxy" {
			queue, err = box.start("queue", env, filepath.Join(k.Bin, "knative-queue"))
		} else {
			env = append(env, "POD_NAME="+p.Name)
			app, err = box.start("app", env, filepath.Join(k.Bin, "http-app"))
		}
		if err != nil {
			return app, queue, err
		}
	}
	if app == nil || queue == nil {
		return app, queue, errors.New("it is not a pod of a Knative revision")
	}
	return app, queue, nil
}

// waitReady waits for queue-proxy's readiness probe and tells the API server.
func (k *kubelet) waitReady(p *processPod, ip string, queue *Process) error {
	probe, err := readinessProbe(p.Pod, ip)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	stopped := false
	// Often, or the figures would be those of this pause.
	err = PollEvery(k.ctx, 20*time.Millisecond, time.Minute, "queue-proxy to be ready", func(ctx context.Context) error {
		select {
		case <-p.stop:
			stopped = true
			return nil
		case <-queue.done:
			return fmt.Errorf("it has ended (%v); its last words:\n%s", queue.err, queue.Tail(5))
		default:
		}
		answer, err := client.Do(probe.Clone(ctx))
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		return nil
	})
	if err != nil || stopped {
		return err
	}
	return k.report(p, ip, true)
}

func readinessProbe(pod *corev1.Pod, ip string) (*http.Request, error) {
	for _, container := range pod.Spec.Containers {
		if container.Name != "queue-proxy" {
			continue
		}
		if container.ReadinessProbe == nil || container.ReadinessProbe.HTTPGet == nil {
			return nil, errors.New("queue-proxy has no readiness probe by HTTP")
		}
		get := container.ReadinessProbe.HTTPGet
		request, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://%s:%s%s", ip, get.Port.String(), get.Path), nil)
		if err != nil {
			return nil, err
		}
		for _, header := range get.HTTPHeaders {
			request.Header.Set(header.Name, header.Value)
		}
		return request, nil
	}
	return nil, errors.New("there is no queue-proxy")
}

// report writes the pod's status.
func (k *kubelet) report(p *processPod, ip string, ready bool) error {
	truth := corev1.ConditionFalse
	if ready {
		truth = corev1.ConditionTrue
	}
	now := metav1.Now()
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}, StartTime: &now,
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodInitialized, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: corev1.ContainersReady, Status: truth, LastTransitionTime: now},
			{Type: corev1.PodReady, Status: truth, LastTransitionTime: now},
		},
	}
	for _, container := range p.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: ready, Started: &ready,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	// The API server may be away for a while: that is no reason to give a pod up.
	return Poll(k.ctx, 2*time.Minute, "the pod's status to be written", func(ctx context.Context) error {
		_, err := k.Typed.CoreV1().Pods(p.Namespace).
			Patch(ctx, p.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
}

// remove takes a pod that has ended from the API server.
func (k *kubelet) remove(pod *corev1.Pod) {
	now := int64(0)
	options := metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID}}
	err := k.Typed.CoreV1().Pods(pod.Namespace).Delete(k.ctx, pod.Name, options)
	// What fails is tried again when the informer brings the pod again.
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) && k.ctx.Err() == nil {
		k.options.Progress("pod %s: %v", pod.Name, err)
	}
}

// close ends all pods at once.
func (k *kubelet) close(cancel context.CancelFunc) {
	// Under the lock, so that no pod begins after this.
	k.lock.Lock()
	cancel()
	k.lock.Unlock()
	k.all.Wait()
}

// Trouble is what went wrong with pods that had no reason to.
func (k *kubelet) Trouble() error {
	k.lock.Lock()
	defer k.lock.Unlock()
	return errors.Join(k.trouble...)
}
