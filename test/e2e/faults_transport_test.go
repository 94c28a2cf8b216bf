package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"autoscaler-keda-hpa/e2e/proxy"
)

// transportFaults are what happens to connections and streams.
var transportFaults = slices.Concat(stormFaults(), []fault{
	{"connections-reset", func(f *faults) {
		f.during(3*time.Second, 300*time.Millisecond, f.proxy.Reset)
	}},
	{"streams-reset", func(f *faults) {
		f.during(3*time.Second, 200*time.Millisecond, func() { f.proxy.AbortStreams(proxy.Filter{}) })
	}},
	{"watches-reset", func(f *faults) {
		f.during(3*time.Second, 200*time.Millisecond, func() { f.proxy.AbortStreams(proxy.Filter{Watches: true}) })
	}},
	{"watches-cut", func(f *faults) {
		f.under(3*time.Second, proxy.Filter{Watches: true}, proxy.Cut(2, proxy.WithReset))
	}},
	{"watches-cut-in-order", func(f *faults) {
		f.under(3*time.Second, proxy.Filter{Watches: true}, proxy.Cut(2, proxy.InOrder))
	}},
	{"byte-by-byte", func(f *faults) {
		f.under(3*time.Second, proxy.Filter{}, proxy.ByteByByte())
	}},
	{"slow", func(f *faults) {
		f.under(4*time.Second, proxy.Filter{}, proxy.Delay(1500*time.Millisecond))
	}},
	{"goaway", func(f *faults) {
		f.under(3*time.Second, proxy.Filter{Others: true}, proxy.Goaway())
	}},
	{"clock-ahead", func(f *faults) { f.meetShiftedClock(5 * time.Minute) }},
	{"clock-behind", func(f *faults) { f.meetShiftedClock(-5 * time.Minute) }},
	{"one-kind-forbidden", meetForbiddenKind},
	{"one-kind-gone", meetGoneKind},
	{"events-hang", meetHangingEvents},
	{"partition", meetPartition},
	{"half-open-lost", func(f *faults) { f.meetSilence(proxy.Lost) }},
	{"half-open-stuck", func(f *faults) { f.meetSilence(proxy.Stuck) }},
})

// during does something over and over while services are deployed.
func (f *faults) during(lasts, every time.Duration, do func()) {
	f.Helper()
	begin := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for time.Since(begin) < lasts {
			do()
			time.Sleep(every)
		}
	}()
	revisions := f.some()
	<-done
	f.settle(begin, revisions)
}

// under has requests meet a fault while services are deployed. Watches that
// are open begin anew before and after.
func (f *faults) under(lasts time.Duration, filter proxy.Filter, fault proxy.Fault) {
	f.Helper()
	begin := time.Now()
	rule := f.proxy.Inject(filter, 0, fault)
	defer rule.Remove()
	f.proxy.AbortStreams(proxy.Filter{Watches: true})
	revisions := f.some()
	time.Sleep(lasts - time.Since(begin))
	if rule.Hits() == 0 {
		f.Error("no request met the fault")
	}
	f.wantBounded(begin)
	rule.Remove()
	f.proxy.AbortStreams(proxy.Filter{Watches: true})
	f.settle(begin, revisions)
}

// meetShiftedClock has the API server's clock step, and step back.
func (f *faults) meetShiftedClock(by time.Duration) {
	f.Helper()
	begin := time.Now()
	rule := f.proxy.Inject(proxy.Filter{}, 0, proxy.ShiftDate(by))
	defer rule.Remove()
	f.proxy.AbortStreams(proxy.Filter{Watches: true})
	revisions := f.some()
	f.waitAllReady(30*time.Second, revisions)
	rule.Remove()
	f.proxy.AbortStreams(proxy.Filter{Watches: true})
	f.settle(begin, revisions)
}

// meetForbiddenKind takes the right to watch one kind away. The others go on,
// and with them all that can be done without it.
func meetForbiddenKind(f *faults) {
	begin := time.Now()
	watches := proxy.Filter{Watches: true, Parts: []string{"scaledobjects"}}
	rule := f.proxy.Inject(watches, 0, proxy.Status(403, "Forbidden", "scaledobjects.keda.sh is forbidden"))
	defer rule.Remove()
	f.proxy.AbortStreams(watches)
	revisions := f.some()
	f.waitAllReady(30*time.Second, revisions)
	f.waitTroubled(1)
	f.wantBounded(begin)
	rule.Remove()
	f.waitTroubled(0)
	f.settle(begin, revisions)
}

// waitTroubled waits for the metric that tells whose watch is broken.
func (f *faults) waitTroubled(want int) {
	f.Helper()
	line := fmt.Sprintf("\nautoscaler_keda_hpa_watch_troubled{kind=\"ScaledObject\"} %d\n", want)
	f.eventually(10*time.Second, "the metric "+strings.TrimSpace(line), func(context.Context) error {
		if !strings.Contains(f.metrics(), line) {
			return fmt.Errorf("it is not")
		}
		return nil
	})
}

// meetGoneKind takes a kind itself away, as uninstalling KEDA does.
func meetGoneKind(f *faults) {
	begin := time.Now()
	kind := proxy.Filter{Parts: []string{"scaledobjects"}}
	rule := f.proxy.Inject(kind, 0, proxy.Answer(404, "404 page not found\n", "Content-Type", "text/plain"))
	defer rule.Remove()
	f.proxy.AbortStreams(kind)
	revisions := f.some()
	for _, revision := range revisions {
		f.waitActive(30*time.Second, revision, unknown, "KEDANotInstalled")
	}
	f.wantBounded(begin)
	rule.Remove()
	f.settle(begin, revisions)
	f.disturbed()
}

// meetHangingEvents never answers an Event: nothing else may wait for that.
func meetHangingEvents(f *faults) {
	begin := time.Now()
	rule := f.proxy.Inject(proxy.Filter{Writes: true, Parts: []string{"events"}}, 0, proxy.Delay(time.Hour))
	defer rule.Remove()
	f.deploy(service{name: "events-hang-wrong", annotations: map[string]string{"metric-type": "Foo"}})
	f.waitHits(rule, 1)
	revisions := f.some()
	f.settleWithin(20*time.Second, begin, revisions)
	rule.Remove()
	f.proxy.AbortStreams(proxy.Filter{Writes: true})
}

// meetPartition loses every packet for a while; what is on its way arrives
// afterwards.
func meetPartition(f *faults) {
	begin := time.Now()
	end, err := f.proxy.Partition()
	if err != nil {
		f.Fatal(err)
	}
	defer end()
	revisions := f.some()
	time.Sleep(8*time.Second - time.Since(begin))
	end()
	f.settle(begin, revisions)
}

// meetSilence leaves the connections open and dead for good; new ones work.
// The program has to find that out by itself, and without what renewing a
// Lease every second would show it.
func (f *faults) meetSilence(how proxy.Silence) {
	elected := *f.program
	f.restartWith([]string{"--disable-ha"}, nil)
	defer func() { f.restartWith(elected.Args, elected.Env) }()
	f.calm()
	begin := time.Now()
	// A write that is to be tried again soon: without one, a connection whose
	// peer still acknowledges is doubted after 90 s only.
	busy := fmt.Sprintf("half-open-busy-%d", how)
	rule := f.proxy.Inject(proxy.Filter{Method: "POST", Parts: []string{"scaledobjects", busy + "-00001"}}, 0,
		proxy.Status(503, "ServiceUnavailable", "not now"))
	defer rule.Remove()
	revisions := f.deployCPU(busy)
	f.waitActive(30*time.Second, revisions[0], unknown, notWritten, "not now")
	// One that is under way is to have its answer first, and what follows from
	// it: a connection that has spoken since a write began is doubted later.
	time.Sleep(500 * time.Millisecond)
	if _, err := f.proxy.Silence(how); err != nil {
		f.Fatal(err)
	}
	rule.Remove()
	silent := time.Now()
	revisions = append(revisions, f.some()...)
	f.settleWithin(120*time.Second, begin, revisions)
	f.Logf("noticed and settled after %.1fs", time.Since(silent).Seconds())
	// The dead ones go, so that they do not count as the program's.
	f.proxy.Reset()
}

// restartWith starts the program anew, in another way.
func (f *faults) restartWith(args, env []string) {
	f.Helper()
	if err := f.program.Stop(); err != nil {
		f.Errorf("the program on SIGTERM: %v", err)
	}
	f.program.Args, f.program.Env = args, env
	f.startAgain()
}
