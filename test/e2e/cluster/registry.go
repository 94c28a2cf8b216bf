package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
)

// Registry is Debian's docker-registry, with nothing in it at first.
type Registry struct {
	Address string // host and port, HTTP only
	process *Process
}

// StartRegistry starts a registry that ends with the cluster.
func (c *Cluster) StartRegistry(ctx context.Context) (*Registry, error) {
	r := &Registry{Address: loopback(freePort())}
	file := c.path("config", "registry.yaml")
	text := fmt.Sprintf("version: 0.1\nlog: {accesslog: {disabled: false}}\n"+
		"storage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", c.path("data", "registry"), r.Address)
	err := os.WriteFile(file, []byte(text), 0o644)
	if err == nil {
		r.process, err = c.run("registry", nil, "docker-registry", "serve", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (hack/deps.sh e2e installs it)", err)
	}
	return r, c.Wait(ctx, "the registry", func(ctx context.Context) error {
		return httpOK(ctx, "http://"+r.Address+"/v2/")
	})
}

// Repositories are the names of what has been pushed.
func (r *Registry) Repositories(ctx context.Context) ([]string, error) {
	var catalog struct{ Repositories []string }
	err := r.get(ctx, "_catalog", "application/json", &catalog)
	return catalog.Repositories, err
}

// Index is the list of images by platform, and Manifest one of them.
type Index struct {
	MediaType string
	Manifests []struct {
		Digest   string
		Platform struct{ OS, Architecture string }
	}
}

// Manifest names the blobs that an image is made of.
type Manifest struct {
	Config struct{ Digest string }
	Layers []struct{ Digest string }
}

// Index reads the list that a tag or digest stands for.
func (r *Registry) Index(ctx context.Context, repository, reference string) (*Index, error) {
	index := &Index{}
	err := r.get(ctx, repository+"/manifests/"+reference, "application/vnd.oci.image.index.v1+json", index)
	return index, err
}

// Manifest reads the image of one platform.
func (r *Registry) Manifest(ctx context.Context, repository, digest string) (*Manifest, error) {
	manifest := &Manifest{}
	err := r.get(ctx, repository+"/manifests/"+digest, "application/vnd.oci.image.manifest.v1+json", manifest)
	return manifest, err
}

// HasBlob is an error unless the blob is there.
func (r *Registry) HasBlob(ctx context.Context, repository, digest string) error {
	return httpOK(ctx, "http://"+r.Address+"/v2/"+repository+"/blobs/"+digest)
}

func (r *Registry) get(ctx context.Context, path, accept string, into any) error {
	url := "http://" + r.Address + "/v2/" + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", strings.TrimSpace(string(body)))
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return fmt.Errorf("GET %s: %s: %w", url, response.Status, err)
	}
	return nil
}

var registryWrite = regexp.MustCompile(`"(POST|PUT|PATCH|DELETE) [^"]*"`)

// Writes are the requests so far that changed something, from its access log.
func (r *Registry) Writes() ([]string, error) {
	text, err := os.ReadFile(r.process.Log)
	return registryWrite.FindAllString(string(text), -1), err
}
