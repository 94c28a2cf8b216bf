package e2e

// hack/apply.sh, from an archive of the image to what the API server has of it.

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
)

// applySite is a site with a registry, and an image for it.
type applySite struct {
	*site
	registry   *cluster.Registry
	repository string // in the registry
	archive    string // empty: hack/apply.sh builds it
}

func TestApply(t *testing.T) {
	s := newApplySite(t)
	for _, part := range []struct {
		name string
		do   func(*applySite)
	}{
		{"misuse", (*applySite).misuse},
		{"dry run", (*applySite).dryRun},
		{"a registry that is not there", (*applySite).registryGone},
		{"install", (*applySite).install},
		{"again", (*applySite).again},
		{"overlay", (*applySite).overlay},
		{"another image", (*applySite).anotherImage},
	} {
		if t.Failed() {
			return
		}
		t.Run(part.name, func(t *testing.T) {
			in := *s
			in.site = s.in(t)
			part.do(&in)
		})
	}
}

func newApplySite(t *testing.T) *applySite {
	t.Helper()
	for _, program := range []string{"docker-registry", "skopeo"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v; hack/deps.sh e2e image installs it", err)
		}
	}
	s := newSite(t, cluster.Options{OnlyAPIServer: true})
	registry, err := s.StartRegistry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &applySite{s, registry, "x/" + cluster.ProgramName, os.Getenv("IMAGE")}
}

// script runs hack/apply.sh, and returns what it prints; an error has what it
// complained of. It may have to build the program first, for two architectures.
func (s *applySite) script(repo string, args ...string) (string, error) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 5*time.Minute)
	defer cancel()
	if s.archive != "" {
		args = append([]string{"--image", s.archive}, args...)
	}
	command := exec.CommandContext(ctx, filepath.Join(s.Root, "hack", "apply.sh"), args...)
	command.Dir = s.Root
	command.Env = append(os.Environ(), "KUBECONFIG="+s.Kubeconfig, "KUBECTL="+filepath.Join(s.Bin, "kubectl"),
		"KO_DOCKER_REPO="+repo)
	var out, complaint strings.Builder
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("hack/apply.sh %s: %w\n%s", strings.Join(args, " "), err, &complaint)
	}
	return out.String(), nil
}

func (s *applySite) mustRun(args ...string) string {
	s.Helper()
	out, err := s.script(s.registry.Address+"/x", args...)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// built is the archive, once there is one.
func (s *applySite) built() string {
	s.Helper()
	if s.archive != "" {
		return s.archive
	}
	deployment, err := os.ReadFile(filepath.Join(s.ConfigDir(), "500-deployment.yaml"))
	version := versions.FindSubmatch(deployment)
	if err != nil || version == nil {
		s.Fatalf("no version in config/500-deployment.yaml: %v", err)
	}
	return filepath.Join(s.Root, "build", "image", fmt.Sprintf("%s-%s.oci.tar", cluster.ProgramName, version[1]))
}

// image is what the Deployment is to have: repository and digest.
func (s *applySite) image(archive string) string {
	s.Helper()
	digest, err := digestOf(archive)
	if err != nil {
		s.Fatal(err)
	}
	return s.registry.Address + "/" + s.repository + "@" + digest
}

// digestOf reads the digest of the one image in an OCI archive.
func digestOf(archive string) (string, error) {
	file, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer file.Close()
	for reader := tar.NewReader(file); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return "", fmt.Errorf("%s: no index.json", archive)
		}
		if err != nil {
			return "", err
		}
		if header.Name != "index.json" {
			continue
		}
		var index cluster.Index
		if err := json.NewDecoder(reader).Decode(&index); err != nil {
			return "", err
		}
		if len(index.Manifests) != 1 {
			return "", fmt.Errorf("%s: %d images in index.json, want 1", archive, len(index.Manifests))
		}
		return index.Manifests[0].Digest, nil
	}
}

// wantNothing wants neither an image in the registry nor an object of config/.
func (s *applySite) wantNothing() {
	s.Helper()
	if have, err := s.registry.Repositories(s.Context()); err != nil || len(have) > 0 {
		s.Errorf("want an empty registry, have %v %v", have, err)
	}
	if have := s.run("get", "-f", s.ConfigDir(), "--ignore-not-found", "-o", "name"); have != "" {
		s.Errorf("want nothing applied, have\n%s", have)
	}
}

// misuse: each mistake is told before anything is built, pushed or applied.
func (s *applySite) misuse() {
	empty, other := s.TempDir(), filepath.Join(s.TempDir(), "other.yaml")
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: 'image: autoscaler-keda-hpa:0'}\n"
	if err := os.WriteFile(other, []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
	here := s.registry.Address + "/x"
	for _, row := range []struct {
		repo, want string
		code       int
		args       []string
	}{
		{"", "KO_DOCKER_REPO is not set", 1, []string{"-f", "config/"}},
		{"ko.local", "push to a registry", 1, []string{"-f", "config/"}},
		{"kind.local/x", "push to a registry", 1, []string{"-f", "config/"}},
		{"https://" + here, "without https://", 1, []string{"-f", "config/"}},
		{here + "/Upper", "lower case", 1, []string{"-f", "config/"}},
		{here, "give -f or -k", 2, nil},
		{here, "either -f or -k", 2, []string{"-f", "config/", "-k", "config/overlays/ha"}},
		{here, "--server-side", 2, []string{"-f", "config/", "--server-side"}},
		{here, "no such file", 1, []string{"-f", "config/none.yaml"}},
		{here, "no such folder", 1, []string{"-k", "config/none"}},
		{here, "no manifests", 1, []string{"-f", empty}},
		{here, "no container here has the image", 1, []string{"-f", other}},
	} {
		_, err := s.script(row.repo, row.args...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != row.code || !strings.Contains(err.Error(), row.want) {
			s.Errorf("KO_DOCKER_REPO=%s hack/apply.sh %v: want code %d and %q, have %v",
				row.repo, row.args, row.code, row.want, err)
		}
	}
	s.wantNothing()
}

// dryRun prints what a real one would apply, and does nothing else.
func (s *applySite) dryRun() {
	out := s.mustRun("-f", "config/", "--dry-run")
	if want := "image: " + s.image(s.built()) + "\n"; strings.Count(out, "image: ") != 1 || !strings.Contains(out, want) {
		s.Errorf("want one %q in what is printed, have\n%s", want, out)
	}
	s.wantNothing()
}

func (s *applySite) registryGone() {
	const nowhere = "127.0.0.1:1/x"
	s.archive = s.built()
	if _, err := s.script(nowhere, "-f", "config/"); err == nil ||
		!strings.Contains(err.Error(), "not pushed to "+nowhere) || !strings.Contains(err.Error(), "refused") {
		s.Errorf("want an error that names the registry and why, have %v", err)
	}
	s.wantNothing()
}

func (s *applySite) install() {
	out := s.mustRun("-f", "config/")
	for line := range strings.Lines(out) {
		if !strings.HasSuffix(line, " created\n") {
			s.Errorf("want each object created, have %s", line)
		}
	}
	image := s.image(s.built())
	s.wantImage(image)
	s.wantPushed(strings.SplitN(image, "@", 2)[1])
	// All else is as kubectl apply -f config/ would have it.
	diff, _ := s.Kubectl(s.Context(), "diff", "-f", s.ConfigDir())
	for line := range strings.Lines(diff) {
		changed := strings.HasPrefix(line, "-") || strings.HasPrefix(line, "+")
		if changed && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "+++") &&
			!strings.Contains(line, " image: ") && !strings.Contains(line, " generation: ") {
			s.Errorf("not what config/ says: %s", line)
		}
	}
	if !strings.Contains(diff, "+        image: "+cluster.ProgramName+":") {
		s.Errorf("kubectl diff does not show the image:\n%s", diff)
	}
}

func (s *applySite) wantImage(want string) {
	s.Helper()
	s.wantField("deployment", "{.spec.template.spec.containers[*].image}", want)
}

// wantPushed wants the list, its two images and all their blobs in the registry.
func (s *applySite) wantPushed(digest string) {
	s.Helper()
	for _, reference := range []string{digest, "latest"} {
		index, err := s.registry.Index(s.Context(), s.repository, reference)
		if err != nil {
			s.Fatal(err)
		}
		var platforms []string
		for _, one := range index.Manifests {
			platforms = append(platforms, one.Platform.OS+"/"+one.Platform.Architecture)
			if err := s.wholeImage(one.Digest); err != nil {
				s.Error(err)
			}
		}
		slices.Sort(platforms)
		if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
			s.Errorf("%s is for %v, want %v", reference, platforms, want)
		}
	}
}

func (s *applySite) wholeImage(digest string) error {
	manifest, err := s.registry.Manifest(s.Context(), s.repository, digest)
	if err != nil {
		return err
	}
	blobs := []string{manifest.Config.Digest}
	for _, layer := range manifest.Layers {
		blobs = append(blobs, layer.Digest)
	}
	if len(blobs) != 2 {
		return fmt.Errorf("%s: want a configuration and one layer, have %v", digest, blobs)
	}
	for _, blob := range blobs {
		if err := s.registry.HasBlob(s.Context(), s.repository, blob); err != nil {
			return err
		}
	}
	return nil
}

func (s *applySite) versions() string {
	return s.run("get", "-f", s.ConfigDir(), "-o", `jsonpath={range .items[*]}{.kind} {.metadata.resourceVersion}{"\n"}{end}`)
}

// again: what is there is neither pushed nor changed.
func (s *applySite) again() {
	s.archive = s.built()
	versions := s.versions()
	pushes, err := s.registry.Writes()
	if err != nil || len(pushes) == 0 {
		s.Fatalf("want what was pushed in the registry's log, have %v %v", pushes, err)
	}
	out := s.mustRun("-f", "config/")
	for line := range strings.Lines(out) {
		// kubectl sends a PodDisruptionBudget's selector each time, same or not.
		if !strings.HasSuffix(line, " unchanged\n") && !strings.HasPrefix(line, "poddisruptionbudget") {
			s.Errorf("want each object unchanged, have %s", line)
		}
	}
	printed := filepath.Join(s.TempDir(), "printed.yaml")
	if err := os.WriteFile(printed, []byte(s.mustRun("-f", "config/", "--dry-run")), 0o644); err != nil {
		s.Fatal(err)
	}
	s.run("diff", "-f", printed)
	if have := s.versions(); have != versions {
		s.Errorf("objects changed: were\n%sare\n%s", versions, have)
	}
	if have, err := s.registry.Writes(); err != nil || len(have) != len(pushes) {
		s.Errorf("pushed anew: %v %v", have[len(pushes):], err)
	}
}

// overlay: another way to name manifests, and options that kubectl gets.
func (s *applySite) overlay() {
	s.archive = s.built()
	s.mustRun("-k", "config/overlays/ha", "--", "--warnings-as-errors")
	s.lookAtHA()
	s.wantImage(s.image(s.archive))
	s.mustRun("-f", "config/100-serviceaccount.yaml", "-f", "config/500-deployment.yaml")
	s.wantField("deployment", "{.spec.replicas}", "1")
}

// anotherImage rolls out, and changes nothing else.
func (s *applySite) anotherImage() {
	first, second := s.built(), filepath.Join(s.TempDir(), "other.oci.tar")
	// Of the two platforms only this machine's.
	copying := exec.CommandContext(s.Context(), "skopeo", "copy", "--quiet", "--insecure-policy",
		"oci-archive:"+first, "oci-archive:"+second)
	if out, err := copying.CombinedOutput(); err != nil {
		s.Fatalf("%v\n%s", err, out)
	}
	s.archive = first
	s.mustRun("-f", "config/")
	s.archive = second
	out := s.mustRun("-f", "config/")
	s.wantImage(s.image(second))
	for line := range strings.Lines(out) {
		want := " unchanged\n"
		if strings.HasPrefix(line, "deployment") {
			want = " configured\n"
		}
		if !strings.HasSuffix(line, want) && !strings.HasPrefix(line, "poddisruptionbudget") {
			s.Errorf("want%s, have %s", strings.TrimRight(want, "\n"), line)
		}
	}
	if s.image(first) == s.image(second) {
		s.Error("the other image is the same")
	}
}
