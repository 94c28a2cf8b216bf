// Package image reads OCI archives: what hack/image.sh makes, without any of
// the tools that made it. See the OCI image specification: image-layout,
// image-index, manifest, config, layer.
package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"
)

// Descriptor points at a blob.
type Descriptor struct {
	MediaType   string
	Digest      string
	Size        int64
	Platform    Platform
	Annotations map[string]string
}

// Platform is what an image runs on.
type Platform struct{ OS, Architecture, Variant string }

func (p Platform) String() string { return path.Join(p.OS, p.Architecture, p.Variant) }

// Config is the configuration of an image.
type Config struct {
	Created          time.Time
	OS, Architecture string
	Config           struct {
		User, WorkingDir     string
		Entrypoint, Cmd, Env []string
		Labels               map[string]string
		Volumes              map[string]struct{}
	}
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	}
	History []struct{ Created time.Time }
}

// File is one entry of a layer.
type File struct {
	*tar.Header
	Data []byte
}

// Image is what one platform gets.
type Image struct {
	Platform    Platform
	Annotations map[string]string
	Config      Config
	Pull        int64 // bytes that a node downloads
	Files       []File
}

// Archive is an archive of images, one for each platform.
type Archive struct {
	Digest string // by which a registry knows all of it
	Tag    string
	Images []*Image
}

// Read reads an archive whole. It is an error if a digest or a size is not
// what it says, if there is more than one index, or a blob that nothing names.
func Read(file string) (*Archive, error) {
	blobs, err := readFiles(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	archive, err := blobs.archive()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return archive, nil
}

// layout is the archive's files by name, without those already looked at.
type layout map[string][]byte

func readFiles(file string) (layout, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	files := layout{}
	for reader := tar.NewReader(in); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		if files[path.Clean(header.Name)], err = io.ReadAll(reader); err != nil {
			return nil, err
		}
	}
}

func (l layout) archive() (*Archive, error) {
	var version struct{ ImageLayoutVersion string }
	if err := l.take("oci-layout", &version); err != nil || version.ImageLayoutVersion != "1.0.0" {
		return nil, fmt.Errorf("layout version %q: %w", version.ImageLayoutVersion, err)
	}
	var outer, index struct{ Manifests []Descriptor }
	if err := l.take("index.json", &outer); err != nil {
		return nil, err
	}
	if len(outer.Manifests) != 1 {
		return nil, fmt.Errorf("index.json names %d images, want one index", len(outer.Manifests))
	}
	top := outer.Manifests[0]
	if err := l.object(top, "application/vnd.oci.image.index.v1+json", &index); err != nil {
		return nil, err
	}
	archive := &Archive{Digest: top.Digest, Tag: top.Annotations["org.opencontainers.image.ref.name"]}
	for _, manifest := range index.Manifests {
		image, err := l.image(manifest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest.Platform, err)
		}
		archive.Images = append(archive.Images, image)
	}
	for name := range l {
		return nil, fmt.Errorf("%s: nothing names it", name)
	}
	return archive, nil
}

func (l layout) take(name string, into any) error {
	data, there := l[name]
	if !there {
		return fmt.Errorf("no %s", name)
	}
	delete(l, name)
	return json.Unmarshal(data, into)
}

// blob takes what a descriptor points at, and holds it against digest and size.
func (l layout) blob(d Descriptor, mediaType string) ([]byte, error) {
	if d.MediaType != mediaType {
		return nil, fmt.Errorf("%s is %s, want %s", d.Digest, d.MediaType, mediaType)
	}
	name := "blobs/" + strings.Replace(d.Digest, ":", "/", 1)
	data, there := l[name]
	if !there {
		return nil, fmt.Errorf("no %s", name)
	}
	delete(l, name)
	if have := digest(data); have != d.Digest || int64(len(data)) != d.Size {
		return nil, fmt.Errorf("%s of %d bytes has digest %s and %d bytes", d.Digest, d.Size, have, len(data))
	}
	return data, nil
}

func (l layout) object(d Descriptor, mediaType string, into any) error {
	data, err := l.blob(d, mediaType)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

func digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func (l layout) image(d Descriptor) (*Image, error) {
	var manifest struct {
		Config      Descriptor
		Layers      []Descriptor
		Annotations map[string]string
	}
	if err := l.object(d, "application/vnd.oci.image.manifest.v1+json", &manifest); err != nil {
		return nil, err
	}
	image := &Image{Platform: d.Platform, Annotations: manifest.Annotations, Pull: d.Size + manifest.Config.Size}
	if err := l.object(manifest.Config, "application/vnd.oci.image.config.v1+json", &image.Config); err != nil {
		return nil, err
	}
	ids := image.Config.RootFS.DiffIDs
	if len(ids) != len(manifest.Layers) {
		return nil, fmt.Errorf("%d layers, the configuration has %d", len(manifest.Layers), len(ids))
	}
	for i, layer := range manifest.Layers {
		data, err := l.blob(layer, "application/vnd.oci.image.layer.v1.tar+gzip")
		if err != nil {
			return nil, err
		}
		files, err := unpack(data, ids[i])
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", layer.Digest, err)
		}
		image.Pull += layer.Size
		image.Files = append(image.Files, files...)
	}
	return image, nil
}

// unpack lists the files of a layer whose uncompressed bytes have a digest.
func unpack(compressed []byte, want string) ([]File, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(unzip)
	if err != nil {
		return nil, err
	}
	if have := digest(data); have != want {
		return nil, errors.New("unpacked it is " + have + ", the configuration has " + want)
	}
	var files []File
	for reader := tar.NewReader(bytes.NewReader(data)); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			return nil, err
		}
		files = append(files, File{header, content})
	}
}
