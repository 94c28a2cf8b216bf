// Command reduce makes a trace of what devcluster --trace wrote, or checks
// that a trace has every kind of request in it.
package main

import (
	"fmt"
	"os"

	"autoscaler-keda-hpa/e2e/trace"
)

const usage = `usage: reduce RAW TRACE           makes TRACE of RAW
       reduce --check RAW TRACE   exits 1 if RAW has a kind of request that TRACE has not
`

func main() {
	args := os.Args[1:]
	check := len(args) == 3 && args[0] == "--check"
	if check {
		args = args[1:]
	}
	if len(args) != 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	do := write
	if check {
		do = compare
	}
	if err := do(args[0], args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "reduce:", err)
		os.Exit(1)
	}
}

func reduce(path string) ([]trace.Step, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	steps, err := trace.Reduce(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return steps, nil
}

func write(raw, path string) error {
	steps, err := reduce(raw)
	if err != nil {
		return err
	}
	fmt.Printf("%d steps\n", len(steps))
	return trace.Write(path, steps)
}

func compare(raw, path string) error {
	fresh, err := reduce(raw)
	if err != nil {
		return err
	}
	recorded, err := trace.Load(path)
	if err != nil {
		return err
	}
	missing := trace.MissingKinds(fresh, recorded)
	for _, kind := range missing {
		fmt.Println("not in the trace:", kind)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d kinds of requests are new; hack/trace.sh records the trace anew", len(missing))
	}
	return nil
}
