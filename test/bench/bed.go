package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"autoscaler-keda-hpa/e2e/cluster"
)

// floorAgent tells the floor's requests from the program's, which are made by
// the same user.
const floorAgent = "bench-floor"

// bed is a fresh API server with what all scenarios need.
type bed struct {
	*cluster.Cluster
	*options
	admin dynamic.Interface
	// asProgram has the program's rights: the floor passes the same checks and
	// the same queues in the API server, and its requests are logged as well.
	asProgram dynamic.Interface
	config    *rest.Config // of asProgram
	program   *cluster.Program
}

func onCluster(ctx context.Context, o *options, do func(*bed) error) error {
	c, err := cluster.Start(ctx, cluster.Options{OnlyAPIServer: true})
	if err != nil {
		return err
	}
	b := &bed{Cluster: c, options: o}
	err = b.prepare(ctx)
	if err == nil {
		err = do(b)
	}
	if b.program != nil {
		if err != nil {
			err = fmt.Errorf("%w; the program's last words:\n%s", err, b.program.Tail(5))
		}
		b.program.Kill()
	}
	c.Stop(err != nil)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w\n(logs: %s)", err, c.Logs)
	}
	return err
}

func (b *bed) prepare(ctx context.Context) error {
	config := rest.CopyConfig(b.Config)
	config.QPS, config.Timeout = -1, 0 // no limits of the client's own; the latter would end watches
	var err error
	if b.admin, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	if b.config, err = clientcmd.BuildConfigFromFlags("", b.ProgramKubeconfig); err != nil {
		return err
	}
	b.config.QPS, b.config.UserAgent = -1, floorAgent
	b.config.WarningHandler = rest.NoWarnings{}
	if b.asProgram, err = dynamic.NewForConfig(b.config); err != nil {
		return err
	}
	object := &unstructured.Unstructured{Object: fields{
		"apiVersion": "v1", "kind": "Namespace", "metadata": fields{"name": namespace},
	}}
	_, err = b.admin.Resource(cluster.Namespaces).Create(ctx, object, metav1.CreateOptions{})
	return err
}

func (b *bed) of(what schema.GroupVersionResource) dynamic.ResourceInterface {
	return b.admin.Resource(what).Namespace(namespace)
}

func (b *bed) programOf(what schema.GroupVersionResource) dynamic.ResourceInterface {
	return b.asProgram.Resource(what).Namespace(namespace)
}

// start starts the program afresh, so that no scenario finds in its memory what
// another left there, and waits until it has nothing to do.
func (b *bed) start(ctx context.Context) error {
	if b.program == nil {
		var err error
		if b.program, err = b.NewProgram(); err != nil {
			return err
		}
	} else if err := b.stop(); err != nil {
		return err
	}
	if err := b.program.Start(ctx); err != nil {
		return err
	}
	_, err := b.quiet(ctx)
	return err
}

func (b *bed) stop() error {
	if !b.program.Running() {
		return nil
	}
	return b.program.Stop()
}

// When the program counts as quiet: no look of tick length found it busy for
// that long.
const (
	tick       = 20 * time.Millisecond
	busy       = time.Millisecond // of CPU in a tick
	quietAfter = time.Second
	patience   = 10 * time.Minute // for anything at all; no figure depends on it
)

// quiet waits until the program has nothing to do, which it finds out from the
// kernel: to ask the program itself would give it something to do. It returns
// when it was last busy.
func (b *bed) quiet(ctx context.Context) (time.Time, error) {
	last := time.Now()
	before, err := cpuTime(b.program.Pid())
	for begin := last; err == nil && time.Since(last) < quietAfter; {
		if time.Since(begin) > patience {
			return last, errors.New("the program does not get quiet")
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(tick):
		}
		var now time.Duration
		if now, err = cpuTime(b.program.Pid()); now-before > busy {
			last = time.Now()
		}
		before = now
	}
	return last, err
}
