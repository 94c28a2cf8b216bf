package main

import (
	"fmt"
	"math"
)

// Goal is what was promised beside what was measured.
type Goal struct {
	What string  `json:"what"`
	Most float64 `json:"atMost"`
	Have float64 `json:"measured"`
	Unit string  `json:"unit"`
	Met  bool    `json:"met"`
}

// What the program is to cost at most.
const (
	mostRatio       = 1.3  // of the floor, until all are ready
	mostCPU         = 1.3  // seconds per 1,000 revisions
	mostIdle        = 7.0  // MB
	mostRestartCPU  = 2.0  // seconds at 10,000
	mostBeyondFloor = 10.0 // ms from PodAutoscaler to ScaledObject
)

// mostMemory by revisions, MB.
var mostMemory = map[int]float64{1000: 10, 10000: 40}

func goalsOf(r *Report) []Goal {
	var goals []Goal
	add := func(what string, most, have float64, unit string) {
		goals = append(goals, Goal{what, most, have, unit, have <= most})
	}
	for _, result := range r.Results {
		switch result.Scenario {
		case "create":
			createGoals(result, add)
		case "restart":
			if result.Revisions == 10000 {
				add("restart over 10,000: CPU", mostRestartCPU, result.CPU, "s")
			}
			add(fmt.Sprintf("restart over %s: writes", thousands(result.Revisions)), 0, float64(result.Writes), "")
		case "single":
			add("one revision on an idle cluster, PodAutoscaler to ScaledObject, beyond the floor", mostBeyondFloor,
				result.Latency.P50-result.FloorLatency.P50, "ms")
		case "edits":
			add("edits lost", 0, float64(result.Lost), "")
		case "nothing":
			add("writes when a default changes that no revision uses", 0, float64(result.Writes), "")
		}
	}
	return goals
}

func createGoals(r *Result, add func(what string, most, have float64, unit string)) {
	n := float64(r.Revisions)
	most, isGoal := mostMemory[r.Revisions]
	if !isGoal {
		return
	}
	all := thousands(r.Revisions)
	if ratio := r.ratio(); !math.IsNaN(ratio) {
		add(all+" created at once, until all are ready, times the floor", mostRatio, ratio, "")
	}
	add("CPU per 1,000 revisions, at "+all, mostCPU, r.CPU*1000/n, "s")
	if r.Revisions == 1000 {
		add("RSS idle", mostIdle, r.Before.Total, "MB")
	}
	add("RSS with "+all+" revisions", most, r.Memory.Total, "MB")
	for _, write := range []struct {
		what, request string
		most          float64
	}{
		{"ScaledObject", "create scaledobjects", 1},
		{"ServerlessService", "create serverlessservices", 1},
		// A revision in some hundreds gets a third one, when the answers of others
		// come at unlucky moments.
		{"status", "patch podautoscalers/status", statusWrites + 0.05},
	} {
		have := float64(r.Requests[write.request]) / n
		add("writes of "+write.what+" a revision, at "+all, write.most, have, "")
	}
}

// thousands writes 10000 as 10,000.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
