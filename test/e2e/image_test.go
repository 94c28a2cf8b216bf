package e2e

// The image of hack/image.sh: what is in it, and whether that runs.

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"autoscaler-keda-hpa/e2e/cluster"
	"autoscaler-keda-hpa/e2e/image"
)

const (
	imageUser  = "65532:65532"
	imageLimit = 8_000_000 // bytes, to pull and on a node
	label      = "org.opencontainers.image."
)

func TestImage(t *testing.T) {
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	archive := builtImage(t, root)
	version := versionOf(t, root)
	var platforms []string
	for _, one := range archive.Images {
		platforms = append(platforms, one.Platform.String())
		t.Run(one.Platform.Architecture, func(t *testing.T) {
			lookAtImage(t, one, version)
			runVersion(t, one, version)
		})
	}
	slices.Sort(platforms)
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
		t.Errorf("it is for %v, want %v", platforms, want)
	}
	if archive.Tag != version {
		t.Errorf("its tag is %q, want %q", archive.Tag, version)
	}
	if t.Failed() {
		return
	}
	for _, one := range archive.Images {
		if one.Platform.String() == "linux/amd64" {
			t.Run("as a pod", func(t *testing.T) { runImage(t, one) })
		}
	}
}

// builtImage is $IMAGE, else what hack/image.sh builds.
func builtImage(t *testing.T, root string) *image.Archive {
	t.Helper()
	path := os.Getenv("IMAGE")
	if path == "" {
		dir := filepath.Join(root, "build", "image")
		build := exec.CommandContext(t.Context(), filepath.Join(root, "hack", "image.sh"), "--verify", "--output", dir)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("hack/image.sh: %v\n%s", err, out)
		}
		path = filepath.Join(dir, cluster.ProgramName+"-"+versionOf(t, root)+".oci.tar")
	}
	archive, err := image.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

var projectVersion = regexp.MustCompile(`(?m)^project\(.* VERSION (\S+)`)

// versionOf is the tree's.
func versionOf(t *testing.T, root string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "CMakeLists.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(projectVersion.FindSubmatch(text)[1])
}

// lookAtImage wants the program, who runs it, where it comes from, and nothing
// else.
func lookAtImage(t *testing.T, one *image.Image, version string) {
	want := func(what string, have, want any) {
		t.Helper()
		if fmt.Sprint(have) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", what, have, want)
		}
	}
	config := one.Config
	want("the platform of the configuration", config.OS+"/"+config.Architecture, one.Platform)
	want("User", config.Config.User, imageUser)
	want("Entrypoint", config.Config.Entrypoint, []string{"/" + cluster.ProgramName})
	want("Cmd", config.Config.Cmd, []string{})
	want("Env", config.Config.Env, []string{})
	want("WorkingDir", config.Config.WorkingDir, "")
	want("Volumes", config.Config.Volumes, map[string]struct{}{})
	labels := config.Config.Labels
	if !maps.Equal(labels, one.Annotations) {
		t.Errorf("labels are %v, annotations %v", labels, one.Annotations)
	}
	want("the title", labels[label+"title"], cluster.ProgramName)
	want("the version", labels[label+"version"], version)
	want("the creation", labels[label+"created"], config.Created.Format(time.RFC3339))
	want("LGPL-2.1-or-later among the licences", labelHas(labels, "licenses", "LGPL-2.1-or-later"), true)
	if !regexp.MustCompile(`^[0-9a-f]{40}(-dirty)?$`).MatchString(labels[label+"revision"]) {
		t.Errorf("the revision is %q", labels[label+"revision"])
	}
	if len(one.Files) != 1 {
		t.Fatalf("%d files, want one", len(one.Files))
	}
	file := one.Files[0]
	want("the file", fmt.Sprintf("%s %c %v %d:%d %v", file.Name, file.Typeflag, file.FileInfo().Mode(), file.Uid, file.Gid, file.PAXRecords),
		cluster.ProgramName+" 0 -r-xr-xr-x 0:0 map[]")
	want("the file's time", file.ModTime.UTC(), config.Created)
	for _, entry := range config.History {
		want("a time of the history", entry.Created, config.Created)
	}
	t.Logf("%d bytes to pull, %d on a node", one.Pull, len(file.Data))
	if one.Pull > imageLimit || len(file.Data) > imageLimit {
		t.Errorf("more than %d bytes", imageLimit)
	}
	lookAtProgram(t, file.Data, one.Platform.Architecture)
}

func labelHas(labels map[string]string, name, word string) bool {
	return slices.Contains(strings.Fields(labels[label+name]), word)
}

// lookAtProgram wants one that needs no loader and no library.
func lookAtProgram(t *testing.T, data []byte, arch string) {
	t.Helper()
	program, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; program.Machine != want {
		t.Errorf("it is for %v, want %v", program.Machine, want)
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("it wants a loader")
		}
	}
	if libraries, _ := program.ImportedLibraries(); len(libraries) > 0 {
		t.Errorf("it wants libraries: %v", libraries)
	}
}

// unpackImage makes of an image the root of a container.
func unpackImage(t *testing.T, one *image.Image) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range one.Files {
		if err := os.WriteFile(filepath.Join(root, file.Name), file.Data, file.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// runVersion runs the program where this machine can, and wants it to say what
// the label says.
func runVersion(t *testing.T, one *image.Image, version string) {
	t.Helper()
	command := []string{filepath.Join(unpackImage(t, one), one.Config.Config.Entrypoint[0]), "version"}
	if one.Platform.Architecture == "arm64" {
		command = append([]string{"qemu-aarch64-static"}, command...)
		if _, err := exec.LookPath(command[0]); err != nil {
			t.Logf("the program is not run: %v", err)
			return
		}
	}
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if want := cluster.ProgramName + " " + version + "\n"; err != nil || string(out) != want {
		t.Errorf("version: %q, want %q (%v)", out, want, err)
	}
}

// runImage runs it as the one replica on the real control plane, from its
// start to its end.
func runImage(t *testing.T, one *image.Image) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a process another root and another user")
	}
	w := sharedWorld(t)
	c := newCase(t, w)
	if err := w.program.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.program.Start(context.Background()); err != nil {
			t.Error(err)
		}
	})
	pod, err := w.NewPod(t.Context(), "from-image", unpackImage(t, one))
	if err == nil {
		err = w.StartPod(t.Context(), pod, one.Config.Config.Entrypoint, mayMount(t))
	}
	if pod != nil && pod.Process != nil {
		t.Cleanup(pod.Kill)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.podWorks(pod, one.Config.Config.Labels)
	if t.Failed() {
		t.Logf("its last words:\n%s", pod.Tail(15))
	}
}

// mayMount says whether this machine lets us make a mount namespace.
func mayMount(t *testing.T) bool {
	err := exec.Command("unshare", "--mount", "true").Run()
	if err != nil {
		t.Logf("its root is not made read-only here: no mount namespaces (%v)", err)
	}
	return err == nil
}

func (c *testCase) podWorks(pod *cluster.Pod, labels map[string]string) {
	c.Helper()
	c.waitHolder(pod.Name + "_")
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	c.waitReady("app-00001")
	status := c.processStatus(pod.Pid())
	for name, want := range map[string]string{
		"Uid": "65532 65532 65532 65532", "Gid": "65532 65532 65532 65532", "Groups": "",
		"CapPrm": "0000000000000000", "CapEff": "0000000000000000", "CapBnd": "0000000000000000",
		"NoNewPrivs": "1", "Seccomp": "2",
	} {
		if have := status[name]; have != want {
			c.Errorf("/proc/PID/status: %s is %q, want %q", name, have, want)
		}
	}
	if have, err := os.Readlink(fmt.Sprintf("/proc/%d/root", pod.Pid())); err != nil || have != pod.Root {
		c.Errorf("its root is %q, want %q (%v)", have, pod.Root, err)
	}
	c.wantText("/metrics", c.metricsAt(pod.Metrics), fmt.Sprintf("commit=%q", labels[label+"revision"][:7]),
		fmt.Sprintf("version=%q", labels[label+"version"]))
	begin := time.Now()
	if err := pod.Stop(5 * time.Second); err != nil {
		c.Errorf("on SIGTERM: %v", err)
	}
	c.Logf("ended after %s", time.Since(begin).Round(time.Millisecond))
	c.waitHolder("")
}

// waitHolder waits until the holder of the Lease begins so; "": until nobody
// holds it.
func (c *testCase) waitHolder(prefix string) {
	c.Helper()
	c.eventually(5*time.Second, fmt.Sprintf("the holder of the Lease to be %q", prefix), func(ctx context.Context) error {
		lease, err := c.Typed.CoordinationV1().Leases(cluster.SystemNamespace).Get(ctx, leaseName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		holder := ""
		if lease.Spec.HolderIdentity != nil {
			holder = *lease.Spec.HolderIdentity
		}
		if !strings.HasPrefix(holder, prefix) || (prefix == "" && holder != "") {
			return fmt.Errorf("it is %q", holder)
		}
		return nil
	})
}

// processStatus is what the kernel says of a process, by name.
func (c *testCase) processStatus(pid int) map[string]string {
	c.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		c.Fatal(err)
	}
	status := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		status[name] = strings.Join(strings.Fields(value), " ")
	}
	return status
}
