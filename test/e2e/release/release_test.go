// Package release makes releases of this tree, as it is, in clean copies of
// it. They need the lean programs' libraries (hack/lean.sh), and no cluster.
package release

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"autoscaler-keda-hpa/e2e/cluster"
	"autoscaler-keda-hpa/e2e/image"
)

const repository = "registry.example.com/knative/autoscaler-keda-hpa"

// copied is a clean copy of the tree that is one commit, everywhere the same.
type copied struct {
	*testing.T
	root, dir string
}

func newCopy(t *testing.T, dir string) *copied {
	t.Helper()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	c := &copied{t, root, dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// Files that are deleted, and not yet committed as such, are listed too.
	c.must("sh", "-c", `cd "$0" && git ls-files -coz --exclude-standard |
		xargs -0 -n 1 sh -c 'test -e "$0" || test -L "$0" || exit 0; printf "%s\0" "$0"' |
		tar --null -T - -cf - | tar -xf - -C "$1"`, root, dir)
	c.must("git", "init", "-q")
	c.commit()
	return c
}

// takeDeps copies what hack/lean.sh has gathered, which would take minutes to
// gather again; what is out of date it does again, in the copy.
func (c *copied) takeDeps() {
	c.Helper()
	c.must("mkdir", "-p", "build/deps")
	for _, part := range []string{"amd64", "arm64", "packages", "sources"} {
		if deps := filepath.Join(c.root, "build", "deps", part); exists(deps) {
			c.must("cp", "-a", deps, "build/deps/")
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// command runs in the copy, with nothing of this machine in what git notes.
func (c *copied) command(name string, args ...string) (string, error) {
	command := exec.CommandContext(c.Context(), name, args...)
	command.Dir = c.dir
	command.Env = append(os.Environ(), "GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test", "GIT_COMMITTER_NAME=test",
		"GIT_COMMITTER_EMAIL=test", "GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000")
	out, err := command.CombinedOutput()
	return string(out), err
}

func (c *copied) must(name string, args ...string) {
	c.Helper()
	if out, err := c.command(name, args...); err != nil {
		c.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func (c *copied) commit() {
	c.Helper()
	c.must("git", "add", "-A")
	c.must("git", "commit", "-q", "-m", "test")
}

func (c *copied) read(name string) string {
	c.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.Fatal(err)
	}
	return string(data)
}

func (c *copied) write(name, text string) {
	c.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644); err != nil {
		c.Fatal(err)
	}
}

var project = regexp.MustCompile(`(?m)^project\(.* VERSION ([^ )]+)`)

func (c *copied) version() string {
	c.Helper()
	match := project.FindStringSubmatch(c.read("CMakeLists.txt"))
	if match == nil {
		c.Fatal("no version in CMakeLists.txt")
	}
	return match[1]
}

const unreleased = "## [Unreleased]\n"

// release gives what is unreleased its version, as docs/contributing.md says.
func (c *copied) prepare() {
	c.Helper()
	text := c.read("docs/CHANGELOG.md")
	if !strings.Contains(text, unreleased) {
		c.Fatalf("docs/CHANGELOG.md has no %s", unreleased)
	}
	c.write("docs/CHANGELOG.md", strings.Replace(text, unreleased,
		unreleased+"\n## ["+c.version()+"] - 2023-11-14\n\n### Told\n\n- of this one\n\n## [0.0.1] - 2023-11-13\n", 1))
	c.commit()
}

func (c *copied) refused(want string, args ...string) {
	c.Helper()
	out, err := c.command("hack/release.sh", args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(out, want) {
		c.Errorf("hack/release.sh %v: want %q, have %v\n%s", args, want, err, out)
	}
}

// TestRefused: what would not be a release of a commit is none.
func TestRefused(t *testing.T) {
	c := newCopy(t, t.TempDir())
	version := c.version()
	c.refused("which version")
	c.refused("want a version such as", "v"+version)
	c.refused("without https://", version, "--image", "https://"+repository)
	c.refused("has no line \"## ["+version+"] -", version)
	c.prepare()
	c.refused("CMakeLists.txt is "+version, "99.0.0")
	c.write("new", "")
	c.refused("not committed", version)
	if err := os.Remove(filepath.Join(c.dir, "new")); err != nil {
		t.Fatal(err)
	}
	c.write("config/base/500-deployment.yaml", strings.Replace(c.read("config/base/500-deployment.yaml"),
		"image: autoscaler-keda-hpa:"+version, "image: autoscaler-keda-hpa:99.0.0", 1))
	c.refused("not committed", version)
	c.commit()
	c.refused("config/ is not of this version", version)
	if exists(filepath.Join(c.dir, "build", "release")) {
		t.Error("a refused release left something")
	}
}

// TestRelease makes the same release in two places, and looks at what is in it.
func TestRelease(t *testing.T) {
	var sums []string
	var last *copied
	for _, place := range []string{"a", "somewhere/else"} {
		c := newCopy(t, filepath.Join(t.TempDir(), place))
		c.prepare()
		c.takeDeps()
		c.must("hack/release.sh", c.version(), "--image", repository, "--output", "out")
		c.dir = filepath.Join(c.dir, "out")
		c.must("sha256sum", "--strict", "-c", "SHA256SUMS")
		sums = append(sums, c.read("SHA256SUMS"))
		last = c
	}
	if sums[0] != sums[1] {
		t.Errorf("made twice, the release differs:\n%s%s", sums[0], sums[1])
	}
	last.look()
}

// files are the texts of a release, and the members of its archives as ARCHIVE:MEMBER.
func (c *copied) files() map[string]string {
	c.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		c.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		text := c.read(name)
		files[name] = text
		var archive io.Reader = strings.NewReader(text)
		switch {
		case strings.HasSuffix(name, ".tar.gz"):
			if archive, err = gzip.NewReader(archive); err != nil {
				c.Fatalf("%s: %v", name, err)
			}
		case !strings.HasSuffix(name, ".tar"):
			continue
		}
		for reader := tar.NewReader(archive); ; {
			header, err := reader.Next()
			if err == io.EOF {
				break
			}
			data, err2 := io.ReadAll(reader)
			if err := errors.Join(err, err2); err != nil {
				c.Fatalf("%s: %v", name, err)
			}
			files[name+":"+header.Name] = string(data)
		}
	}
	return files
}

// look wants each file to be what hack/release.sh says it is.
func (c *copied) look() {
	c.Helper()
	files := c.files()
	archives, err := filepath.Glob(filepath.Join(c.dir, "*.oci.tar"))
	if err != nil || len(archives) != 1 {
		c.Fatalf("want one image, have %v %v", archives, err)
	}
	archive, err := image.Read(archives[0])
	if err != nil {
		c.Fatal(err)
	}
	name := strings.TrimSuffix(filepath.Base(archives[0]), ".oci.tar")
	reference := repository + "@" + archive.Digest

	kinds := c.kinds(files["autoscaler-keda-hpa.yaml"])
	want := []string{"ServiceAccount", "ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding", "ConfigMap",
		"NetworkPolicy", "PodDisruptionBudget", "Service", "Service", "Deployment"}
	if !slices.Equal(kinds, want) {
		c.Errorf("autoscaler-keda-hpa.yaml has %v, want %v", kinds, want)
	}
	for file, text := range map[string]string{
		"autoscaler-keda-hpa.yaml":                                    "        image: " + reference + "\n",
		name + "-config.tar.gz:config/base/500-deployment.yaml":       "        image: " + reference + "\n",
		name + "-config.tar.gz:config/overlays/ha/kustomization.yaml": "../../components/ha",
		name + "-licenses.tar.gz:README.md":                           "LGPL",
		name + "-licenses.tar.gz:licenses/libmicrohttpd.txt":          "LGPL",
		name + ".tar.gz:" + name + "/CMakeLists.txt":                  "project(autoscaler-keda-hpa",
		"NOTES.md":                      "The image: `" + reference + "`",
		"SHA256SUMS":                    "  NOTES.md\n",
		name + "-linux-amd64":           "\x7fELF",
		name + "-linux-arm64":           "\x7fELF",
		name + "-linux-amd64.spdx.json": `"SPDX-2.3"`,
		name + "-linux-arm64.spdx.json": `"SPDX-2.3"`,
	} {
		if !strings.Contains(files[file], text) {
			c.Errorf("%s lacks %q: %.300q", file, text, files[file])
		}
	}
	if notes := files["NOTES.md"]; !strings.HasPrefix(notes, "### Told\n\n- of this one\n") || strings.Contains(notes, "## [") {
		c.Errorf("the notes are not the version's section:\n%s", notes)
	}
	for _, one := range archive.Images {
		program := name + "-linux-" + one.Platform.Architecture
		if len(one.Files) != 1 || string(one.Files[0].Data) != files[program] {
			c.Errorf("%s is not the program of the image", program)
		}
		labels := one.Config.Config.Labels
		if have := labels["org.opencontainers.image.version"]; "autoscaler-keda-hpa-"+have != name {
			c.Errorf("the image says that it is version %s", have)
		}
		head, err := c.command("git", "rev-parse", "HEAD")
		if have := labels["org.opencontainers.image.revision"]; err != nil || have != strings.TrimSpace(head) {
			c.Errorf("the image says that it is commit %s, want %s %v", have, head, err)
		}
		if !json.Valid([]byte(files[program+".spdx.json"])) {
			c.Errorf("%s.spdx.json is no JSON", program)
		}
	}
}

func (c *copied) kinds(text string) []string {
	c.Helper()
	var kinds []string
	for _, document := range strings.Split(text, "\n---\n")[1:] {
		var object struct{ Kind string }
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			c.Errorf("%v\n%s", err, document)
		}
		kinds = append(kinds, object.Kind)
	}
	return kinds
}
