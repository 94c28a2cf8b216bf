// Command bench measures what the program costs against a real kube-apiserver
// and etcd, scenario by scenario, and beside each its floor: the same writes
// done straight, with the same watches open and nobody deciding anything. A
// light stand-in makes what KEDA, the HPA controller and Knative would make.
// hack/bench.sh is its everyday face.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// scenarios in the order in which they run.
var scenarios = []string{"single", "create", "restart", "edits", "global"}

// options are the flags.
type options struct {
	scenarios []string
	sizes     []int // ascending
	workers   int
	floors    int
	singles   int
	rate      int
	edits     time.Duration
	program   string
	json      string
	docs      string
	from      string
}

func (o *options) runs(scenario string) bool { return slices.Contains(o.scenarios, scenario) }

// largest is the size at which edits and global are measured.
func (o *options) largest() int { return o.sizes[len(o.sizes)-1] }

func parseFlags() (*options, error) {
	o := &options{}
	chosen := flag.String("scenario", "all", "which, with commas: "+strings.Join(scenarios, ", "))
	sizes := flag.String("n", "1000,10000", "numbers of revisions; edits and global run at the largest")
	flag.IntVar(&o.workers, "workers", 32, "requests in flight of the stand-in, the creator and the floor")
	flag.IntVar(&o.floors, "floors", 2, "floors of create: 0 none, 1 before the program, 2 up to 1,000 revisions one behind it as well")
	flag.IntVar(&o.singles, "singles", 100, "repetitions of single")
	flag.IntVar(&o.rate, "rate", 100, "edits a second")
	flag.DurationVar(&o.edits, "edits", time.Minute, "how long edits are made")
	flag.StringVar(&o.program, "program", "", "the program under test")
	flag.StringVar(&o.json, "json", "", "write the figures to this file too")
	flag.StringVar(&o.docs, "docs", "", "rewrite performance.md and its plots in this folder")
	flag.StringVar(&o.from, "from", "", "measure nothing: read the figures of this file")
	flag.Parse()
	if o.scenarios = strings.Split(*chosen, ","); *chosen == "all" {
		o.scenarios = scenarios
	}
	for _, name := range o.scenarios {
		if !slices.Contains(scenarios, name) {
			return nil, fmt.Errorf("no scenario %q; there are %s", name, strings.Join(scenarios, ", "))
		}
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 99999 {
			return nil, fmt.Errorf("-n: %q is not a number from 1 to 99999", text)
		}
		o.sizes = append(o.sizes, n)
	}
	slices.Sort(o.sizes)
	if flag.NArg() > 0 || min(o.workers, o.singles, o.rate) < 1 || o.floors < 0 {
		return nil, fmt.Errorf("an argument, or a number too small; -help tells the flags")
	}
	return o, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	o, err := parseFlags()
	if err != nil {
		return err
	}
	report, failed := figures(ctx, o)
	if report == nil {
		return failed
	}
	// Many minutes may be in what was measured before a failure.
	report.print(os.Stdout)
	if o.json != "" {
		if err := report.writeJSON(o.json); err != nil {
			return err
		}
	}
	if failed != nil || o.docs == "" {
		return failed
	}
	return report.writeDocs(o.docs)
}

// figures are measured now, or were before.
func figures(ctx context.Context, o *options) (*Report, error) {
	if o.from != "" {
		return readReport(o.from)
	}
	// The cluster's own way to find the program under test.
	if err := os.Setenv("AUTOSCALER_KEDA_HPA", o.program); err != nil {
		return nil, err
	}
	report, err := newReport(ctx, o)
	if err != nil {
		return nil, err
	}
	return report, measure(ctx, o, report)
}

// tell tells people how far it is.
func tell(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
