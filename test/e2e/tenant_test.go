package e2e

// A tenant who may do whatever they like in namespaces of their own does it
// all at once, beside a hundred revisions of others: those must not notice.
// The attacks are in tenant_attacks_test.go, the revisions of the others in
// tenant_good_test.go. A control plane of its own: nobody else could use one
// in that state.

import (
	"fmt"
	"os"
	"testing"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
)

const (
	goodBefore    = 90 // revisions that are ready before the attack
	goodMeanwhile = 10 // that are deployed while it runs
	goodEdits     = 6  // edits that are timed, before the attack and while it runs
	attackFor     = 60 * time.Second
)

func TestTenant(t *testing.T) {
	// Kubernetes' own pace of the HPA controller: the load is to be on us.
	w, err := startWorld(cluster.Options{HPASync: 15 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
		w.Cluster.Stop(t.Failed())
	})
	good := startGood(t, w)
	calm := good.timeEdits("calm")
	good.waitQuiet(5*time.Second, 60*time.Second)
	guard := good.watch()
	before := measure(t, w)

	rogue := newTenant(t, w, good)
	begin := time.Now()
	rogue.attack()
	good.deploy(goodMeanwhile)
	good.makeMistake()
	hit := good.timeEdits("under attack")
	good.waitJudged()
	good.waitReady()
	t.Logf("%d more good services ready %.1fs after the attack began", goodMeanwhile, time.Since(begin).Seconds())
	time.Sleep(time.Until(begin.Add(attackFor)))
	during := measure(t, w)
	end := time.Now()
	rogue.stop()

	good.waitTold()
	guard.wantNothingNoticed()
	good.wantNoWarning()
	rogue.wantAllStruck()
	rogue.wantBudgetKept(begin, end)
	wantSlowedLittle(t, calm, hit)
	wantBounded(t, before, during)
	wantCleanLog(t, w)
	rogue.wantCleanTexts()
	wantCleanMetrics(t, w)
	good.wantRest(rogue)
	t.Logf("after: %+v", measure(t, w))
}

// measures are what the program takes.
type measures struct {
	pid          int
	resident     int // kB
	residentMost int // kB, ever
	descriptors  int
	log          int64 // bytes
	series       int
}

func measure(t *testing.T, w *world) measures {
	t.Helper()
	if !w.program.Running() {
		t.Fatalf("the program ended:\n%s", w.program.Tail(20))
	}
	m := measures{pid: w.program.Pid()}
	dir := fmt.Sprintf("/proc/%d", m.pid)
	open, err := os.ReadDir(dir + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	m.descriptors = len(open)
	m.resident, m.residentMost = residence(t, dir)
	info, err := os.Stat(w.program.Log)
	if err != nil {
		t.Fatal(err)
	}
	m.log = info.Size()
	m.series = countSeries((&testCase{T: t, world: w}).metrics())
	return m
}

// wantBounded wants the same process still, grown by what it has to remember
// of the tenant's objects and not by what they did to them.
func wantBounded(t *testing.T, before, during measures) {
	t.Helper()
	t.Logf("before: %+v", before)
	t.Logf("during: %+v", during)
	const (
		mostKilobytes   = 96 << 10
		mostDescriptors = 16
		mostLog         = 16 << 20
		mostSeries      = 20_000
	)
	if during.pid != before.pid {
		t.Errorf("the program is process %d, was %d", during.pid, before.pid)
	}
	if grown := during.residentMost - before.resident; grown > mostKilobytes {
		t.Errorf("%d kB resident at most, %d before", during.residentMost, before.resident)
	}
	if during.descriptors > before.descriptors+mostDescriptors {
		t.Errorf("%d descriptors, %d before", during.descriptors, before.descriptors)
	}
	if during.log-before.log > mostLog {
		t.Errorf("%d bytes of log in %s", during.log-before.log, attackFor)
	}
	if during.series > mostSeries {
		t.Errorf("%d series of metrics", during.series)
	}
}
