package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sample is a report with all scenarios, one goal of it missed.
func sample() *Report {
	r := &Report{Machine: Machine{Program: "program 1", Commit: "abc"}}
	for _, n := range []int{10000, 1000} {
		k := float64(n) / 1000
		r.add(&Result{Scenario: "create", Revisions: n, Wall: 14 * k, Floors: []float64{12 * k, 15 * k},
			CPU: 0.9 * k, Before: Memory{Total: 6}, Memory: Memory{Total: 5 + 4*k, Anonymous: 4 * k}, Writes: 4 * n,
			Requests: map[string]int{"create scaledobjects": n, "create serverlessservices": n,
				"patch podautoscalers/status": 2*n + n/100}})
	}
	r.add(&Result{Scenario: "restart", Revisions: 10000, CPU: 1.5, Memory: Memory{Total: 30}, Requests: map[string]int{}})
	have, floor := &Latency{100, 9, 20, 21}, &Latency{100, 7, 9, 9}
	r.add(&Result{Scenario: "single", Revisions: 1, Latency: have, FloorLatency: floor})
	r.add(&Result{Scenario: "edits", Revisions: 10000, Latency: have, FloorLatency: floor, Lost: 1})
	return r
}

func TestGoals(t *testing.T) {
	missed := map[string]bool{"RSS with 10,000 revisions": true, "edits lost": true}
	goals := goalsOf(sample())
	if len(goals) < 15 {
		t.Errorf("only %d goals", len(goals))
	}
	for _, g := range goals {
		if g.Met == missed[g.What] {
			t.Errorf("%s: %g of at most %g counts as met: %v", g.What, g.Have, g.Most, g.Met)
		}
	}
	r := sample()
	r.Results[0].Floors = nil
	for _, g := range goalsOf(r) {
		if strings.HasPrefix(g.What, "1,000 created at once") {
			t.Error("there is a ratio to no floor")
		}
	}
}

func TestNoise(t *testing.T) {
	r := sample()
	if note := r.noise(); !strings.Contains(note, "at 1,000; ") || !strings.Contains(note, "at 10,000") {
		t.Errorf("floors of 12 and 15 are no noise: %q", note)
	}
	r.Results[0].Floors = []float64{14, 15}
	if note := r.noise(); strings.Contains(note, "at 1,000;") {
		t.Errorf("floors of 14 and 15 are noise: %q", note)
	}
}

func TestLatency(t *testing.T) {
	var all []time.Duration
	for i := 200; i > 0; i-- {
		all = append(all, time.Duration(i)*time.Millisecond)
	}
	for _, row := range []struct {
		all  []time.Duration
		want Latency
	}{
		{all, Latency{200, 100, 198, 200}},
		{all[199:], Latency{1, 1, 1, 1}},
		{all[198:], Latency{2, 1, 2, 2}},
	} {
		if have := *latencyOf(row.all); have != row.want {
			t.Errorf("%d latencies: %+v, want %+v", len(row.all), have, row.want)
		}
	}
	if latencyOf(nil) != nil {
		t.Error("no latencies have a median")
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 40044: "40,044", 1234567: "1,234,567"} {
		if have := thousands(n); have != want {
			t.Errorf("%d is %s", n, have)
		}
	}
}

// The documentation keeps what people wrote, and a second run changes nothing.
func TestDocs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "performance.md")
	if err := os.WriteFile(path, []byte("above\n"+blockBegin+"old\n"+blockEnd+"below\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var before string
	for range 2 {
		if err := sample().writeDocs(dir); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		after := string(text)
		if !strings.HasPrefix(after, "above\n") || !strings.HasSuffix(after, "below\n") || strings.Contains(after, "old") {
			t.Errorf("not just the block was replaced:\n%s", after)
		}
		if before != "" && before != after {
			t.Errorf("a second run changed it:\n%s", after)
		}
		before = after
	}
	for _, text := range []string{"no markers\n", blockBegin, blockEnd + "between\n" + blockBegin} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if sample().writeDocs(dir) == nil {
			t.Errorf("a page was written that has no place for it: %q", text)
		}
	}
}

func TestPlotsAreXML(t *testing.T) {
	r := sample()
	// Too short for a clock to tell: no logarithm.
	r.add(&Result{Scenario: "create", Revisions: 100, Wall: 1, Floors: []float64{1}})
	plots := r.plots()
	if len(plots) != 3 {
		t.Fatalf("%d plots", len(plots))
	}
	for _, p := range plots {
		picture := string(p.draw())
		for reader := xml.NewDecoder(strings.NewReader(picture)); ; {
			if _, err := reader.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", p.file, err)
			}
		}
		if strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") {
			t.Errorf("%s draws a value that is none", p.file)
		}
	}
}

func TestStep(t *testing.T) {
	for _, row := range []struct{ value, below, above float64 }{
		{1, 1, 1}, {1.3, 1, 2}, {3, 2, 5}, {7, 5, 10}, {99, 50, 100}, {0.13, 0.1, 0.2}, {450, 200, 500},
	} {
		if have := step(row.value, -1); !near(have, row.below) {
			t.Errorf("below %g: %g", row.value, have)
		}
		if have := step(row.value, 1); !near(have, row.above) {
			t.Errorf("above %g: %g", row.value, have)
		}
	}
}

func near(a, b float64) bool { return a > b*0.999 && a < b*1.001 }

func TestReportIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures.json")
	if err := sample().writeJSON(path); err != nil {
		t.Fatal(err)
	}
	again, err := readReport(path)
	if err != nil {
		t.Fatal(err)
	}
	if have, want := string(again.markdown()), string(sample().markdown()); have != want {
		t.Errorf("read back it says\n%s\nnot\n%s", have, want)
	}
}
