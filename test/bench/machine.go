package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"autoscaler-keda-hpa/e2e/cluster"
)

// Machine is what the figures were measured on, and of what.
type Machine struct {
	Date       string  `json:"date"`
	Commit     string  `json:"commit"`
	Program    string  `json:"program"` // its version
	Libraries  string  `json:"libraries"`
	SizeMB     float64 `json:"programMB"`
	Linking    string  `json:"linking"`
	Cores      int     `json:"cores"`
	CPU        string  `json:"cpu"`
	MemoryGB   float64 `json:"memoryGB"`
	Kernel     string  `json:"kernel"`
	System     string  `json:"system"`
	Kubernetes string  `json:"kubernetes"`
	Etcd       string  `json:"etcd"`
}

func describeMachine(ctx context.Context, program string) (Machine, error) {
	m := Machine{Date: time.Now().UTC().Format("2006-01-02"), Cores: runtime.NumCPU()}
	root, err := cluster.Root()
	if err != nil {
		return m, err
	}
	m.Program = firstLine(exec.CommandContext(ctx, program, "version"))
	m.Commit = firstLine(exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty", "--exclude=*"))
	if err := m.describeProgram(ctx, program); err != nil {
		return m, err
	}
	m.CPU = find("/proc/cpuinfo", `model name\s*: (.*)`)
	m.System = find("/etc/os-release", `PRETTY_NAME="(.*)"`)
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.MemoryGB = float64(info.Totalram) * float64(info.Unit) / 1e9
	}
	modules := filepath.Join(root, "test", "e2e", "tools", "kubernetes", "go.mod")
	m.Kubernetes = find(modules, `k8s.io/kubernetes v(\S+)`)
	m.Etcd = find(modules, `go.etcd.io/etcd/server/v3 v(\S+)`)
	return m, nil
}

func firstLine(command *exec.Cmd) string {
	out, _ := command.Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func find(path, pattern string) string {
	text, _ := os.ReadFile(path)
	if match := regexp.MustCompile(pattern).FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return "unknown"
}

// describeProgram looks into the program, and into the libraries that it loads
// if it loads any, for the names that curl and OpenSSL give themselves.
func (m *Machine) describeProgram(ctx context.Context, program string) error {
	info, err := os.Stat(program)
	if err != nil {
		return fmt.Errorf("the program under test: %w", err)
	}
	m.SizeMB = float64(info.Size()) / 1e6
	files := []string{program}
	out, _ := exec.CommandContext(ctx, "ldd", program).Output() // fails for a static one
	for _, match := range regexp.MustCompile(`=> (/\S+)`).FindAllStringSubmatch(string(out), -1) {
		files = append(files, match[1])
	}
	m.Linking = "static"
	if len(files) > 1 {
		m.Linking = fmt.Sprintf("%d shared libraries", len(files)-1)
	}
	var found []string
	for _, pattern := range []string{`libcurl/\d[\d.]+`, `OpenSSL \d[\w.]+ `} {
		expression := regexp.MustCompile(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if match := expression.Find(text); match != nil {
				found = append(found, strings.TrimSpace(string(match)))
				break
			}
		}
	}
	// A static program keeps only what it calls, and curl's name for itself is not in it.
	if root, err := cluster.Root(); err == nil && m.Linking == "static" && len(found) < 2 {
		header := filepath.Join(root, "build", "deps", runtime.GOARCH, "usr", "local", "include", "curl", "curlver.h")
		found = append([]string{"libcurl/" + find(header, `define LIBCURL_VERSION "(.*)"`)}, found...)
	}
	m.Libraries = strings.Join(found, ", ")
	return nil
}

func (m Machine) String() string {
	return m.software() + "\n" + m.hardware()
}

func (m Machine) software() string {
	return fmt.Sprintf("%s, commit %s: %s, %s, %.1f MB. Kubernetes %s, etcd %s.",
		m.Program, m.Commit, m.Linking, m.Libraries, m.SizeMB, m.Kubernetes, m.Etcd)
}

func (m Machine) hardware() string {
	return fmt.Sprintf("%d cores (%s), %.0f GB, %s, Linux %s. %s.",
		m.Cores, m.CPU, m.MemoryGB, m.System, m.Kernel, m.Date)
}
