package main

import (
	"slices"
	"time"
)

// Latency sums many latencies up, in milliseconds.
type Latency struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50ms"`
	P99   float64 `json:"p99ms"`
	Max   float64 `json:"maxms"`
}

func latencyOf(all []time.Duration) *Latency {
	if len(all) == 0 {
		return nil
	}
	all = slices.Sorted(slices.Values(all))
	// The smallest that at least that part of all do not exceed.
	at := func(percent int) float64 {
		return float64(all[(len(all)*percent+99)/100-1].Microseconds()) / 1000
	}
	return &Latency{len(all), at(50), at(99), at(100)}
}
