#!/usr/bin/env bash
# Writes what the lean program is made of, as an SPDX 2.3 document. Invariant: the same program,
# packages and SOURCE_DATE_EPOCH give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/sbom.sh [--arch amd64|arm64] [--output FILE] [PROGRAM]

Writes an SPDX 2.3 document in JSON to stdout, or to FILE: the program with its SHA-256, and what is
linked into it, with versions, licences and the checksums of the archives it came from, as
hack/lean.sh keeps them in build/deps. The time of creation is SOURCE_DATE_EPOCH, else the last
commit's. PROGRAM is that of hack/build.sh lean, or lean-arm64, unless named.
TXT
}

arch=amd64 output=/dev/stdout program=
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --arch) arch=${2:?--arch needs a name}; shift 2 ;;
    --output) output=${2:?--output needs a file}; shift 2 ;;
    -*) usage >&2; exit 2 ;;
    *) program=$1; shift ;;
  esac
done
preset=lean
[ "$arch" = amd64 ] || preset=lean-$arch
program=${program:-build-$preset/autoscaler-keda-hpa}
deps=build/deps
for need in "$program" "$deps/$arch/stamp"; do
  [ -r "$need" ] || { echo "hack/sbom.sh: no $need; hack/build.sh $preset makes it" >&2; exit 2; }
done

version=$(sed -nE 's/^project\(.* VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
digest=$(sha256sum <"$program" | cut -d' ' -f1)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
separator='' relations=''

# relation FROM TYPE TO
relation() {
  relations+=${relations:+,$'\n'}$(printf '    {"spdxElementId": "%s", "relationshipType": "%s", "relatedSpdxElement": "%s"}' "$@")
}

# package NAME VERSION LICENCE FILE SHA256 SUPPLIER PURPOSE [PURL INFO]: one entry.
package() {
  printf '%s    {\n' "$separator"
  separator=$',\n'
  printf '      "SPDXID": "SPDXRef-%s",\n      "name": "%s",\n      "versionInfo": "%s",\n' "$1" "$1" "$2"
  printf '      "supplier": "%s",\n      "downloadLocation": "NOASSERTION",\n' "$6"
  printf '      "filesAnalyzed": false,\n      "copyrightText": "NOASSERTION",\n'
  printf '      "licenseConcluded": "%s",\n      "licenseDeclared": "%s",\n' "$3" "$3"
  [ -z "${4:-}" ] ||
    printf '      "packageFileName": "%s",\n      "checksums": [{"algorithm": "SHA256", "checksumValue": "%s"}],\n' "$4" "$5"
  [ -z "${9:-}" ] || printf '      "sourceInfo": "%s",\n' "$9"
  [ -z "${8:-}" ] || printf '      "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "%s"}],\n' "$8"
  printf '      "primaryPackagePurpose": "%s"\n    }' "$7"
}

# purl NAME VERSION ARCH: a Debian package as a package URL.
purl() {
  local v=${2//+/%2B}
  echo "pkg:deb/debian/$1@${v//:/%3A}?arch=$3&distro=bookworm"
}

# from_package NAME LICENCE PACKAGE [RELATION]: what was in a binary package of Debian.
from_package() {
  local file version from
  file=$(echo "$deps/packages/$arch/$3"_*.deb)
  version=$(dpkg-deb -f "$file" Version)
  from=$(dpkg-deb -f "$file" Source)
  package "$1" "$version" "$2" "${file##*/}" "$(sha256sum <"$file" | cut -d' ' -f1)" \
    "Organization: Debian" LIBRARY "$(purl "$3" "$version" "$arch")" \
    "Debian's package $3, of its source package ${from:-$3}"
  relation SPDXRef-autoscaler-keda-hpa "${4:-STATIC_LINK}" "SPDXRef-$1"
}

# from_source NAME LICENCE: what hack/lean.sh built of a source package of Debian.
from_source() {
  local dsc version file orig='' info=''
  dsc=$(echo "$deps/sources/$1"_*.dsc)
  version=$(sed -n 's/^Version: //p' "$dsc")
  for file in "$deps/sources/$1"_*; do
    case "$file" in
      *.orig.tar.*.asc) ;;
      *.orig.tar.*) orig=$file ;;
      *) info+="; ${file##*/} has SHA-256 $(sha256sum <"$file" | cut -d' ' -f1)" ;;
    esac
  done
  package "$1" "$version" "$2" "${orig##*/}" "$(sha256sum <"$orig" | cut -d' ' -f1)" \
    "Organization: Debian" LIBRARY "$(purl "$1" "$version" source)" \
    "built by hack/lean.sh from Debian's source package, with its patches$info"
  relation SPDXRef-autoscaler-keda-hpa STATIC_LINK "SPDXRef-$1"
}

# The compiler's own support library; its exception leaves the program's licence alone.
from_compiler() {
  local name=libgcc-12-dev version
  [ "$arch" = "$(dpkg --print-architecture)" ] || name=libgcc-12-dev-$arch-cross
  version=$(dpkg-query -W -f='${Version}' "$name")
  package libgcc "$version" "GPL-3.0-or-later WITH GCC-exception-3.1" "" "" \
    "Organization: Debian" LIBRARY "$(purl "$name" "$version" all)" "Debian's package $name"
  relation SPDXRef-autoscaler-keda-hpa STATIC_LINK SPDXRef-libgcc
}

document() {
  cat <<JSON
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "autoscaler-keda-hpa-$version-linux-$arch",
  "documentNamespace": "https://spdx.org/spdxdocs/autoscaler-keda-hpa-$version-linux-$arch-$digest",
  "creationInfo": {
    "created": "$created",
    "creators": ["Tool: autoscaler-keda-hpa-sbom-$version"]
  },
  "packages": [
JSON
  relation SPDXRef-DOCUMENT DESCRIBES SPDXRef-autoscaler-keda-hpa
  package autoscaler-keda-hpa "$version" NOASSERTION autoscaler-keda-hpa "$digest" NOASSERTION \
    APPLICATION "" "fully static, linux/$arch"
  from_source curl curl
  from_source libmicrohttpd LGPL-2.1-or-later
  from_package openssl Apache-2.0 libssl-dev
  from_package nghttp2 MIT libnghttp2-dev
  from_package yajl ISC libyajl-dev
  from_package libyaml MIT libyaml-dev
  from_package protobuf-c BSD-2-Clause libprotobuf-c-dev
  from_package glibc LGPL-2.1-or-later libc6-dev
  from_package uthash BSD-1-Clause uthash-dev CONTAINS
  from_compiler
  printf '\n  ],\n  "relationships": [\n%s\n  ]\n}\n' "$relations"
}

document >"$output"
