package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
)

// Result is what one run of a scenario found out. What a scenario has no figure
// for is zero or absent.
type Result struct {
	Scenario  string    `json:"scenario"`
	Revisions int       `json:"revisions"`
	Wall      float64   `json:"wallSeconds,omitempty"`
	Floors    []float64 `json:"floorSeconds,omitempty"` // before and after the program

	CPU    float64 `json:"cpuSeconds"` // the program's, user and system
	Before Memory  `json:"memoryBefore,omitzero"`
	Memory Memory  `json:"memory,omitzero"` // one quiet second after the end
	MBIn   float64 `json:"mbIn,omitempty"`  // on its connections to the API server
	MBOut  float64 `json:"mbOut,omitempty"`

	Requests map[string]int `json:"requests,omitzero"` // the program's, by verb and resource
	Writes   int            `json:"writes"`
	Refused  int            `json:"refused"` // of all requests, conflicts too

	Latency      *Latency `json:"latency,omitempty"`
	FloorLatency *Latency `json:"floorLatency,omitempty"`
	Lost         int      `json:"lost"`
}

// floor is the mean of the floors, 0 without any.
func (r *Result) floor() float64 {
	if len(r.Floors) == 0 {
		return 0
	}
	sum := 0.0
	for _, floor := range r.Floors {
		sum += floor
	}
	return sum / float64(len(r.Floors))
}

// ratio to the floor, NaN without one.
func (r *Result) ratio() float64 {
	if r.Wall == 0 || r.floor() == 0 {
		return math.NaN()
	}
	return r.Wall / r.floor()
}

// noisy says whether two floors of the same writes, of a second at least,
// differ so much that the machine, rather than the program, decides the ratio.
func (r *Result) noisy() bool {
	return len(r.Floors) > 1 && slices.Max(r.Floors) > max(1, 1.15*slices.Min(r.Floors))
}

// order of the results.
var order = []string{"create", "restart", "global", "nothing", "edits", "single", "single-ready"}

// Report is a whole run.
type Report struct {
	Machine Machine   `json:"machine"`
	Results []*Result `json:"results"`
	Goals   []Goal    `json:"goals"`
}

func newReport(ctx context.Context, o *options) (*Report, error) {
	machine, err := describeMachine(ctx, o.program)
	return &Report{Machine: machine}, err
}

func (r *Report) add(result *Result) {
	r.Results = append(r.Results, result)
	slices.SortStableFunc(r.Results, func(a, b *Result) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Scenario), slices.Index(order, b.Scenario)),
			cmp.Compare(a.Revisions, b.Revisions))
	})
	r.Goals = goalsOf(r)
}

// find returns nil if there is no such result.
func (r *Report) find(scenario string, revisions int) *Result {
	for _, result := range r.Results {
		if result.Scenario == scenario && (revisions == 0 || result.Revisions == revisions) {
			return result
		}
	}
	return nil
}

func (r *Report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// readReport reads what writeJSON wrote.
func readReport(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.Goals = goalsOf(r)
	return r, nil
}
