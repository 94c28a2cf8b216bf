// Package sbom holds what hack/sbom.sh writes against what SPDX 2.3 asks of a document in JSON: its
// schema's required members and patterns, and that every reference leads somewhere.
package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type checksum struct{ Algorithm, ChecksumValue string }

type externalRef struct{ ReferenceCategory, ReferenceType, ReferenceLocator string }

type spdxPackage struct {
	SPDXID, Name, VersionInfo, Supplier, DownloadLocation, CopyrightText string
	LicenseConcluded, LicenseDeclared, PackageFileName, SourceInfo       string
	PrimaryPackagePurpose                                                string
	FilesAnalyzed                                                        *bool
	Checksums                                                            []checksum
	ExternalRefs                                                         []externalRef
}

type relationship struct{ SpdxElementID, RelationshipType, RelatedSpdxElement string }

type document struct {
	SpdxVersion, DataLicense, SPDXID, Name, DocumentNamespace string
	CreationInfo                                              struct {
		Created  string
		Creators []string
	}
	Packages      []spdxPackage
	Relationships []relationship
}

const root = "../../.."

// Made for a file of the test's own: only the libraries have to be there.
func write(t *testing.T, program string) []byte {
	t.Helper()
	command := exec.Command("hack/sbom.sh", "--arch", "amd64", program)
	command.Dir = root
	command.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
	var told bytes.Buffer
	command.Stderr = &told
	out, err := command.Output()
	if err != nil {
		t.Fatalf("hack/sbom.sh: %v\n%s", err, told.String())
	}
	return out
}

func read(t *testing.T) (document, []byte, string) {
	t.Helper()
	if _, err := os.Stat(root + "/build/deps/amd64/stamp"); err != nil {
		t.Skip("hack/lean.sh amd64 has not run here")
	}
	program := filepath.Join(t.TempDir(), "autoscaler-keda-hpa")
	if err := os.WriteFile(program, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := write(t, program)
	if again := write(t, program); !bytes.Equal(text, again) {
		t.Error("the same inputs gave another document")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var d document
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return d, text, program
}

func match(t *testing.T, what, pattern, got string) {
	t.Helper()
	if !regexp.MustCompile("^(?:" + pattern + ")$").MatchString(got) {
		t.Errorf("%s is %q, wanted %s", what, got, pattern)
	}
}

func TestDocument(t *testing.T) {
	d, _, program := read(t)
	match(t, "spdxVersion", `SPDX-2\.3`, d.SpdxVersion)
	match(t, "dataLicense", `CC0-1\.0`, d.DataLicense)
	match(t, "SPDXID", "SPDXRef-DOCUMENT", d.SPDXID)
	match(t, "name", ".+", d.Name)
	match(t, "documentNamespace", "https://[^#]+", d.DocumentNamespace)
	match(t, "created", "2023-11-14T22:13:20Z", d.CreationInfo.Created)
	for _, creator := range d.CreationInfo.Creators {
		match(t, "creator", "(Tool|Person|Organization): .+", creator)
	}
	if len(d.CreationInfo.Creators) == 0 {
		t.Error("no creators")
	}
	content, _ := os.ReadFile(program)
	digest := sha256.Sum256(content)
	sums := d.Packages[0].Checksums
	if len(sums) != 1 || sums[0].ChecksumValue != hex.EncodeToString(digest[:]) {
		t.Errorf("the program's checksum is %v, wanted %x", sums, digest)
	}
}

// Identifiers of the SPDX licence list.
var licences = []string{"NOASSERTION", "curl", "MIT", "ISC", "Apache-2.0", "BSD-1-Clause",
	"BSD-2-Clause",
	"LGPL-2.1-or-later", "GPL-3.0-or-later WITH GCC-exception-3.1"}

func TestPackages(t *testing.T) {
	d, _, _ := read(t)
	seen := map[string]bool{}
	for _, p := range d.Packages {
		match(t, "SPDXID", `SPDXRef-[A-Za-z0-9.-]+`, p.SPDXID)
		if seen[p.SPDXID] {
			t.Errorf("%s is there twice", p.SPDXID)
		}
		seen[p.SPDXID] = true
		match(t, p.Name+": versionInfo", `\d\S*`, p.VersionInfo)
		match(t, p.Name+": supplier", "NOASSERTION|Organization: Debian", p.Supplier)
		match(t, p.Name+": downloadLocation", "NOASSERTION", p.DownloadLocation)
		match(t, p.Name+": purpose", "APPLICATION|LIBRARY", p.PrimaryPackagePurpose)
		if !slices.Contains(licences, p.LicenseDeclared) || !slices.Contains(licences, p.LicenseConcluded) {
			t.Errorf("%s: licence %q, %q is not in SPDX's list", p.Name, p.LicenseDeclared, p.LicenseConcluded)
		}
		if p.FilesAnalyzed == nil || *p.FilesAnalyzed {
			t.Errorf("%s: filesAnalyzed asks for a verification code", p.Name)
		}
		for _, sum := range p.Checksums {
			match(t, p.Name+": algorithm", "SHA256", sum.Algorithm)
			match(t, p.Name+": checksum", "[0-9a-f]{64}", sum.ChecksumValue)
		}
		for _, ref := range p.ExternalRefs {
			match(t, p.Name+": category", "PACKAGE-MANAGER", ref.ReferenceCategory)
			match(t, p.Name+": type", "purl", ref.ReferenceType)
			match(t, p.Name+": purl", `pkg:deb/debian/[a-z0-9.-]+@[A-Za-z0-9.%~-]+\?[a-z0-9=&-]+`, ref.ReferenceLocator)
		}
	}
}

// What the program is linked with stands here, and whatever is named is there.
func TestRelationships(t *testing.T) {
	d, _, _ := read(t)
	known := map[string]bool{d.SPDXID: true}
	for _, p := range d.Packages {
		known[p.SPDXID] = true
	}
	var linked []string
	described := false
	for _, r := range d.Relationships {
		match(t, "relationshipType", "DESCRIBES|STATIC_LINK|CONTAINS", r.RelationshipType)
		if !known[r.SpdxElementID] || !known[r.RelatedSpdxElement] {
			t.Errorf("%v leads nowhere", r)
		}
		switch r.RelationshipType {
		case "DESCRIBES":
			described = r.SpdxElementID == d.SPDXID && r.RelatedSpdxElement == d.Packages[0].SPDXID
		case "STATIC_LINK":
			linked = append(linked, strings.TrimPrefix(r.RelatedSpdxElement, "SPDXRef-"))
		}
	}
	if !described {
		t.Error("the document does not describe the program")
	}
	slices.Sort(linked)
	want := []string{"curl", "glibc", "libgcc", "libmicrohttpd", "libyaml", "nghttp2", "openssl", "protobuf-c", "yajl"}
	if !slices.Equal(linked, want) {
		t.Errorf("linked are %v, wanted %v", linked, want)
	}
}
