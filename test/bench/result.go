package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Result is what one run of the benchmark found out.
type Result struct {
	Revisions int `json:"revisions"`
	Workers   int `json:"workers"`

	Wall      float64 `json:"wallSeconds"` // first create to last ready
	Floor     float64 `json:"floorSeconds"`
	CPU       float64 `json:"cpuSeconds"` // the program's, user and system
	RSSIdle   float64 `json:"rssIdleMiB"`
	RSSAfter  float64 `json:"rssAfterMiB"`
	RSSPeak   float64 `json:"rssPeakMiB"`
	Requests  float64 `json:"requestsPerRevision"` // the program's
	Writes    float64 `json:"writesPerRevision"`
	Statuses  float64 `json:"statusWritesPerRevision"`
	Conflicts int     `json:"conflicts"`
}

func (r *Result) print(w io.Writer) {
	fmt.Fprintf(w, "%-34s %8d\n", "revisions", r.Revisions)
	for _, row := range []struct {
		name  string
		value float64
		unit  string
	}{
		{"created to all ready", r.Wall, "s"},
		{"floor: the same writes, straight", r.Floor, "s"},
		{"ratio to the floor", r.Wall / r.Floor, ""},
		{"CPU of the program", r.CPU, "s"},
		{"RSS idle", r.RSSIdle, "MiB"},
		{"RSS with all of them", r.RSSAfter, "MiB"},
		{"RSS peak", r.RSSPeak, "MiB"},
		{"requests a revision", r.Requests, ""},
		{"writes a revision", r.Writes, ""},
		{"of these, status writes", r.Statuses, ""},
	} {
		fmt.Fprintf(w, "%-34s %8.2f %s\n", row.name, row.value, row.unit)
	}
}

// usage is what the kernel says of a process.
type usage struct {
	cpu       time.Duration
	rss, peak float64 // MiB
}

func readUsage(pid int) (usage, error) {
	var u usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// Behind the command's closing bracket: state is field 3, utime 14, stime 15.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const ticksPerSecond = 100 // USER_HZ, fixed by the kernel's ABI on Linux
	for _, field := range fields[11:13] {
		ticks, _ := strconv.ParseInt(field, 10, 64)
		u.cpu += time.Duration(ticks) * time.Second / ticksPerSecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "VmRSS":
			u.rss = kib / 1024
		case "VmHWM":
			u.peak = kib / 1024
		}
	}
	return u, nil
}
