package e2e

// What breaks while a revision is at zero, or under load: it must still wake,
// or stay up, and lose no request.

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
)

// sendMeanwhile sends a request while something is broken, sees it wait, mends
// that, and wants the request answered.
func (c *httpCase) sendMeanwhile(g *gateway, mend func()) {
	c.Helper()
	s := &replies{}
	answered := make(chan struct{})
	go func() {
		s.add(g.send(c.Context(), "ms=10"))
		close(answered)
	}()
	c.eventually(time.Minute, "the request to wait", func(context.Context) error {
		select {
		case <-answered: // what works without that which is broken was quick
			return nil
		default:
			return c.queued(g.revision)
		}
	})
	mend()
	begin := time.Now()
	<-answered
	c.Logf("answered %s after the end of the trouble", time.Since(begin).Round(time.Millisecond))
	s.check(c)
}

// underLoad has three pods busy, does something, and goes on for longer than
// the cooldown: the revision stays up, and no request is lost.
func (c *httpCase) underLoad(g *gateway, what func()) {
	c.Helper()
	requests := g.load(3, "ms=500")
	c.waitReplicas(2*time.Minute, g.revision, 3)
	least := c.lowest(g.revision)
	what()
	time.Sleep(beyondCooldown)
	if lowest := least(); lowest < 1 {
		c.Errorf("under load it went down to %d pods", lowest)
	}
	requests().check(c)
}

// once is a function that mends what a test is about to break: when it is
// called, or else when the test ends.
func (c *httpCase) once(mend func() error) func() {
	mended := sync.OnceFunc(func() {
		if err := mend(); err != nil {
			c.Error(err)
		}
	})
	c.Cleanup(mended)
	return mended
}

// httpUnreadable hides the activators' metrics: the revision must come up
// from zero and stay, with a Warning that says why, until they are back.
func httpUnreadable(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	hide := func() (show func()) {
		show = c.once(func() error { return c.set.ListActivators(context.Background(), cluster.MetricsPort) })
		if err := c.set.ListActivators(c.Context(), cluster.MetricsPort+9); err != nil {
			c.Fatal(err)
		}
		return show
	}
	show := hide()
	message := c.waitEvent(time.Minute, "PodAutoscaler", revision, "Warning", "ActivatorMetricsUnavailable")
	c.wantText("the event", message, "metrics-protocol")
	c.waitReplicas(time.Minute, revision, 1)
	g.atOnce(5, "ms=10").check(c)
	show()
	c.waitZero(revision)
	// Seen again, it wakes again.
	g.atOnce(1, "ms=10").check(c)
	// Hidden under load, it stays up, and when the load has ended as well.
	least := c.lowest(revision)
	c.underLoad(g, func() { show = hide() })
	time.Sleep(beyondCooldown)
	if lowest := least(); lowest < 1 {
		c.Errorf("it went down to %d pods while no activator could be read", lowest)
	}
	show()
	c.waitZero(revision)
}

// httpActivatorLost has one activator less, which had requests before, and
// then as many as before.
func httpActivatorLost(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	g.atOnce(4, "ms=10").check(c)
	c.waitZero(revision)
	comeBack := c.once(func() error { return c.set.StartActivator(context.Background(), 1) })
	if err := c.set.StopActivator(c.Context(), 1); err != nil {
		c.Fatal(err)
	}
	c.waitAddresses(g, 1)
	requests := g.load(3, "ms=500")
	c.waitReplicas(2*time.Minute, revision, 3)
	comeBack()
	c.waitAddresses(g, 2)
	requests().check(c)
	c.waitZero(revision)
	g.atOnce(4, "ms=10").check(c)
}

// httpActivatorHangs has an activator beside the others that takes connections
// and answers nothing, and then no other.
func httpActivatorHangs(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	hanging, err := c.set.AddHangingActivator(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	remove := c.once(func() error { return hanging.Remove(context.Background()) })
	c.eventually(time.Minute, "the hanging activator to be asked", func(context.Context) error {
		if hanging.Asked.Load() == 0 {
			return errors.New("nobody has connected")
		}
		return nil
	})
	g.atOnce(4, "ms=10").check(c)
	c.underLoad(g, func() {})
	// What hangs has nothing to say against going to zero.
	c.waitZero(revision)
	remove()

	// Now those that are left stand still: the kernel takes connections, and
	// those that there are stay.
	signal := func(what syscall.Signal) error {
		var errs []error
		for _, activator := range c.set.Activators {
			errs = append(errs, syscall.Kill(-activator.Pid(), what))
		}
		return errors.Join(errs...)
	}
	goOn := c.once(func() error { return signal(syscall.SIGCONT) })
	if err := signal(syscall.SIGSTOP); err != nil {
		c.Fatal(err)
	}
	c.waitEvent(time.Minute, "PodAutoscaler", revision, "Warning", "ActivatorMetricsUnavailable")
	c.waitReplicas(time.Minute, revision, 1)
	goOn()
	g.atOnce(4, "ms=10").check(c)
	c.waitZero(revision)
}

// waitAddresses waits until a gateway has that many to send to.
func (c *httpCase) waitAddresses(g *gateway, want int) {
	c.Helper()
	c.eventually(time.Minute, fmt.Sprintf("%d addresses of %s", want, g.revision), func(context.Context) error {
		addrs, err := g.addresses()
		if err == nil && len(addrs) != want {
			err = fmt.Errorf("they are %v", addrs)
		}
		return err
	})
}

// httpProgramRestart kills the program at zero and under load.
func httpProgramRestart(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	start := func() error { return c.program.Start(context.Background()) }
	mend := c.once(start)
	c.program.Kill()
	c.sendMeanwhile(g, mend)
	c.underLoad(g, func() {
		mend := c.once(start)
		c.program.Kill()
		mend()
	})
	c.waitZero(revision)
}

// lowest follows how many pods of a revision are wanted, and returns a
// function that ends this and tells the fewest.
func (c *httpCase) lowest(revision string) func() int64 {
	ctx, cancel := context.WithCancel(c.Context())
	fewest := make(chan int64)
	go func() {
		lowest := int64(1 << 30)
		for ctx.Err() == nil {
			if wanted, _, err := c.replicas(ctx, revision); err == nil {
				lowest = min(lowest, wanted)
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
		fewest <- lowest
	}()
	return func() int64 { cancel(); return <-fewest }
}

// httpKEDARestart has no KEDA while a request comes, and for a while under load.
func httpKEDARestart(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	stop := func() (start func()) {
		start = c.once(func() error { return c.StartKEDA(context.Background()) })
		c.StopKEDA()
		return start
	}
	c.sendMeanwhile(g, stop())
	c.underLoad(g, func() { stop()() })
	c.waitZero(revision)
}

// httpAPIOutage has an API server that answers nothing while a request comes,
// and for a while under load.
func httpAPIOutage(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	outage := func() (end func()) {
		start := c.once(c.StartEtcd)
		c.StopEtcd()
		return func() {
			time.Sleep(10 * time.Second)
			start()
		}
	}
	c.sendMeanwhile(g, outage())
	c.underLoad(g, func() { outage()() })
	c.waitZero(revision)
}

// httpLeaderChange has two replicas, and kills the one that leads, and then
// the one that KEDA talks to, whichever these are.
func httpLeaderChange(c *httpCase) {
	revision := c.deployAtZero("concurrency", nil)
	g := c.gateway(revision, false)
	p := c.startHTTPPair()
	leader, _ := p.waitLeader(time.Minute, -1)
	for _, victim := range []int{leader, 1 - leader} {
		// It must not matter who of them KEDA asks: at zero before each kill.
		c.waitZero(revision)
		p.all[victim].Kill()
		c.sendMeanwhile(g, func() {})
		c.waitCondition(time.Minute, cluster.PodAutoscalers, revision, "Active", "True", "")
		c.waitZero(revision)
		p.start(victim)
	}
	c.underLoad(g, func() { p.all[1-leader].Kill() })
	c.waitZero(revision)
}

// startHTTPPair puts two replicas behind the scaler's Service in place of the
// one program.
func (c *httpCase) startHTTPPair() *pair {
	c.Helper()
	p := &pair{testCase: c.testCase}
	if err := c.program.Stop(); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() {
		c.front.Set(c.program.Scaler)
		p.giveBack()
	})
	var scalers []string
	for i := range p.all {
		var err error
		if p.all[i], err = c.NewReplica(fmt.Sprintf("replica-%d", i)); err == nil {
			err = electable(c.Context(), c.Cluster, p.all[i])
		}
		if err != nil {
			c.Fatal(err)
		}
		p.start(i)
		scalers = append(scalers, p.all[i].Scaler)
	}
	c.front.Set(scalers...)
	return p
}
