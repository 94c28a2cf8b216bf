package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Memory is what the kernel says of a process, in MB (1,000,000 bytes).
type Memory struct {
	Total     float64 `json:"rssMB"`
	Anonymous float64 `json:"anonymousMB"`
	File      float64 `json:"fileMB"`
	Peak      float64 `json:"peakMB"` // since resetPeak
}

// cpuTime is the CPU time of a process with all its threads, to the
// nanosecond: /proc/PID/stat counts in steps of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	var at unix.Timespec
	// clock_getcpuclockid(3): the inverted pid in the upper 29 bits; 2 is CPUCLOCK_SCHED.
	if err := unix.ClockGettime(int32(^pid<<3|2), &at); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(at.Nano()), nil
}

// kilobytes reads the "Name: 123 kB" lines of a file in /proc.
func kilobytes(path string) (map[string]float64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for line := range strings.SplitSeq(string(data), "\n") {
		name, value, _ := strings.Cut(line, ":")
		number, isKB := strings.CutSuffix(strings.TrimSpace(value), " kB")
		if kib, err := strconv.ParseFloat(number, 64); isKB && err == nil {
			values[name] = kib * 1024 / 1e6
		}
	}
	return values, nil
}

// memoryOf reads smaps_rollup, which is exact; who may not (the program forbids
// it to all but root) gets the kernel's running counts.
func memoryOf(pid int) (Memory, error) {
	status, err := kilobytes(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, err
	}
	m := Memory{Total: status["VmRSS"], Anonymous: status["RssAnon"], Peak: status["VmHWM"]}
	if smaps, err := kilobytes(fmt.Sprintf("/proc/%d/smaps_rollup", pid)); err == nil {
		m.Total, m.Anonymous = smaps["Rss"], smaps["Anonymous"]
	}
	m.File, m.Peak = m.Total-m.Anonymous, max(m.Peak, m.Total)
	return m, nil
}

// resetPeak makes the peak start from now; without the right to, it stays that
// of the process's life.
func resetPeak(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
