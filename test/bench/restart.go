package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"autoscaler-keda-hpa/e2e/cluster"
)

// restart: the program ends and starts again over what it has made, until it
// has looked at everything and is quiet. It should write nothing.
func (b *bed) restart(ctx context.Context, n int, report *Report) error {
	result := &Result{Scenario: "restart", Revisions: n}
	if err := b.stop(); err != nil {
		return err
	}
	begin := time.Now()
	if err := b.program.Launch(); err != nil {
		return err
	}
	// From the process's start on: all counts of it begin at 0.
	m, err := b.startMeter()
	if err != nil {
		return err
	}
	m.begin, m.cpu, m.traffic.base = begin, 0, nil
	last, err := b.lookedAtAll(ctx)
	if err != nil {
		return err
	}
	result.Wall = last.Sub(begin).Seconds()
	if err := m.stop(ctx, result); err != nil {
		return err
	}
	tell("restart, %d revisions: quiet after %.1f s, %.2f s of CPU, %d writes",
		n, result.Wall, result.CPU, result.Writes)
	if err := b.confirmLooks(ctx, float64(n)); err != nil {
		return err
	}
	if err := b.stop(); err != nil {
		return err
	}
	for range 2 {
		if err := b.restartFloor(ctx, result); err != nil {
			return fmt.Errorf("floor: %w", err)
		}
	}
	report.add(result)
	return nil
}

// lookedAtAll waits until the program is ready and quiet.
func (b *bed) lookedAtAll(ctx context.Context) (time.Time, error) {
	err := cluster.Poll(ctx, patience, "the program to be ready", func(ctx context.Context) error {
		if !b.program.Running() {
			return errors.New("it has ended")
		}
		_, err := get(ctx, b.program.URL+"/readiness")
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	return b.quiet(ctx)
}

// confirmLooks asks the program itself, once all is measured, whether it was
// really done: a quiet program might have been waiting.
func (b *bed) confirmLooks(ctx context.Context, least float64) error {
	looks, waiting, err := b.looks(ctx)
	if err == nil && (looks < least || waiting > 0) {
		err = fmt.Errorf("it went quiet after %g looks, not %g, with %g keys waiting", looks, least, waiting)
	}
	return err
}

// looks are those at keys since the program's start, and the keys that wait for one.
func (b *bed) looks(ctx context.Context) (count, waiting float64, err error) {
	text, err := get(ctx, b.program.Metrics)
	return series(text, "kn_workqueue_process_duration_seconds_count"), series(text, "kn_workqueue_depth"), err
}

func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	return string(body), err
}

// series adds up the samples of a name.
func series(text, name string) float64 {
	sum := 0.0
	for line := range strings.SplitSeq(text, "\n") {
		rest, found := strings.CutPrefix(line, name)
		if !found || rest == "" || (rest[0] != '{' && rest[0] != ' ') {
			continue
		}
		value, _ := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		sum += value
	}
	return sum
}

// restartFloor reads what the program read, by the same requests, all at once
// over one connection, and drops it: the time it takes to be handed 4n objects.
func (b *bed) restartFloor(ctx context.Context, result *Result) error {
	config := rest.CopyConfig(b.config)
	config.NegotiatedSerializer = plainJSON
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	begin := time.Now()
	paths := make([]string, len(watched))
	for i, what := range watched {
		paths[i] = b.config.Host + "/apis/" + what.Group + "/" + what.Version + "/" + what.Resource +
			"?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
	}
	err = inParallel(ctx, len(paths), len(paths), func(ctx context.Context, i int) error {
		return readInitialEvents(ctx, client, paths[i])
	})
	result.Floors = append(result.Floors, time.Since(begin).Seconds())
	return err
}

// readInitialEvents reads a watch up to the bookmark that says: that was all.
func readInitialEvents(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	lines := bufio.NewReaderSize(answer.Body, 64<<10)
	for {
		line, err := lines.ReadSlice('\n')
		// A long line comes in pieces; a bookmark is a short one.
		if bytes.Contains(line, []byte(`"k8s.io/initial-events-end":"true"`)) {
			return nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("%s: %s, %w", url, answer.Status, err)
		}
	}
}
