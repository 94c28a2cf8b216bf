#!/usr/bin/env bash
# Builds the container image: the lean program and nothing else, an image for each architecture and
# one index over them. By buildah, without a daemon and without the right to mount anything.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/image.sh [--arch LIST] [--output DIR] [--tag TAG] [--program ARCH=FILE ...] [--verify]

Builds autoscaler-keda-hpa for amd64 and arm64, puts each into an image from scratch, and leaves in
DIR (build/image) one OCI archive for both, autoscaler-keda-hpa-VERSION.oci.tar, and its digest,
which is also the only line on standard output. An image holds /autoscaler-keda-hpa alone, which
runs as 65532:65532. The same sources, packages and commit give the same archive, byte for byte.

  --arch LIST          of amd64,arm64 (both)
  --output DIR         where the archive and the file "digest" go
  --tag TAG            the name of the image inside the archive (the version)
  --program ARCH=FILE  puts this static program in, instead of building that one
  --verify             makes the archive twice, and fails unless the two are the same

Times in the image are those of $SOURCE_DATE_EPOCH, else of the commit. No image may be larger than
8 MB, to pull or on a node. `skopeo copy --all oci-archive:FILE docker://…` puts it in a registry;
hack/apply.sh does that, and installs it.
TXT
}

name=autoscaler-keda-hpa
licenses='Apache-2.0 AND BSD-1-Clause AND curl AND ISC AND LGPL-2.1-or-later AND MIT'
limit=8000000 # bytes

fail() { printf 'hack/image.sh: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'hack/image.sh: %s; see --help\n' "$*" >&2; exit 2; }

arches=amd64,arm64 output=build/image tag='' verify=''
declare -A program=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --verify) verify=yes; shift ;;
    --arch | --output | --tag | --program)
      [ $# -gt 1 ] || wrong "$1 needs a value"
      case "$1" in
        --arch) arches=$2 ;;
        --output) output=$2 ;;
        --tag) tag=$2 ;;
        --program)
          [[ $2 =~ ^(amd64|arm64)=(.+)$ ]] || wrong "--program $2: want amd64=FILE or arm64=FILE"
          program[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
          ;;
      esac
      shift 2
      ;;
    *) wrong "there is no option \"$1\"" ;;
  esac
done
[[ $arches =~ ^(amd64|arm64|amd64,arm64)$ ]] || wrong "--arch $arches: want amd64, arm64 or amd64,arm64"

version=$(sed -n 's/^project(.* VERSION \([^ )]*\).*/\1/p' CMakeLists.txt)
tag=${tag:-$version}
revision=$(git rev-parse HEAD 2>/dev/null || true)
[ -z "$revision" ] || git diff --quiet HEAD || revision+=-dirty
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

# Builds what was not given. A program that wants a loader would find none in the image.
find_program() {
  local arch=$1 preset=lean machine=X86-64
  [ "$arch" = amd64 ] || preset=lean-arm64 machine=AArch64
  if [ -z "${program[$arch]:-}" ]; then
    hack/build.sh "$preset" "$name" >&2
    program[$arch]=build-$preset/$name
  fi
  local elf
  elf=$(LC_ALL=C readelf -hlW "${program[$arch]}") || fail "${program[$arch]}: is no program"
  grep -q "Machine:.*$machine" <<<"$elf" || fail "${program[$arch]}: is not for $arch"
  ! grep -q INTERP <<<"$elf" || fail "${program[$arch]}: is not linked statically"
}

work=''
# The folder of a layer is read-only, as "/" will be.
clean() { [ -z "$work" ] || { chmod -R u+w "$work" && rm -rf "$work"; }; }
trap clean EXIT

b() {
  TMPDIR=$work BUILDAH_ISOLATION=chroot buildah --log-level error --storage-driver vfs \
    --root "$1/storage" --runroot "$1/run" "${@:2}"
}

# one_image DIR ARCH adds the image of an architecture to the list in the storage of DIR.
one_image() {
  local dir=$1 arch=$2 container label about=()
  for label in title="$name" version="$version" created="$created" licenses="$licenses" \
    description='Lets KEDA scale Knative revisions of class hpa.autoscaling.knative.dev' \
    ${revision:+revision="$revision"}; do
    about+=(--label "org.opencontainers.image.$label" --annotation "org.opencontainers.image.$label")
  done
  # buildah notes an empty base, which no reader of the notes expects.
  about+=(--annotation org.opencontainers.image.base.name- --annotation org.opencontainers.image.base.digest-)
  container=$(b "$dir" from --arch "$arch" scratch)
  b "$dir" config --os linux --arch "$arch" --user 65532:65532 --entrypoint "[\"/$name\"]" \
    --created-by hack/image.sh "${about[@]}" "$container"
  b "$dir" copy -q --chmod 0555 --chown 0:0 "$container" "${program[$arch]}" "/$name" >/dev/null
  b "$dir" commit -q --rm --identity-label=false --format oci --timestamp "$SOURCE_DATE_EPOCH" \
    --manifest list "$container" >/dev/null
}

# archive DIR makes DIR/archive.tar and DIR/digest.
archive() {
  local dir=$1 arch
  mkdir -p "$dir"
  b "$dir" manifest create list >/dev/null
  for arch in ${arches//,/ }; do one_image "$dir" "$arch"; done
  b "$dir" manifest push -q --all --format oci --digestfile "$dir/digest" list "oci:$dir/layout:$tag" >/dev/null
  tar -C "$dir/layout" --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --numeric-owner \
    --owner=0 --group=0 --mode=u=rwX,go=rX -cf "$dir/archive.tar" oci-layout index.json blobs
}

# Size of what a node downloads: the layer; of what it keeps: the program.
check_size() {
  local arch layer pull keep
  for arch in ${arches//,/ }; do
    layer=$(skopeo inspect --override-os linux --override-arch "$arch" \
      --format '{{range .Layers}}{{.}}{{end}}' "oci:$work/1/layout:$tag")
    pull=$(stat -c %s "$work/1/layout/blobs/${layer/://}")
    keep=$(stat -c %s -L "${program[$arch]}")
    printf 'hack/image.sh: %s: %d bytes to pull, %d on a node, of %d\n' "$arch" "$pull" "$keep" "$limit" >&2
    [ "$pull" -le "$limit" ] && [ "$keep" -le "$limit" ] || fail "the image for $arch is too large"
  done
}

hack/deps.sh image >&2
for arch in ${arches//,/ }; do find_program "$arch"; done
mkdir -p "$output"
work=$(mktemp -d "$(realpath "$output")/.work.XXXXXX")
archive "$work/1"
check_size
if [ -n "$verify" ]; then
  archive "$work/2"
  cmp "$work/1/archive.tar" "$work/2/archive.tar" || fail "made twice, it is not the same"
  echo "hack/image.sh: made twice, it is the same" >&2
fi
mv "$work/1/archive.tar" "$output/$name-$version.oci.tar"
mv "$work/1/digest" "$output/digest"
cat "$output/digest"
echo
