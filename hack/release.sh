#!/usr/bin/env bash
# Makes the files of a release, of a committed tree and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/release.sh VERSION [--image REPOSITORY] [--output DIR]

Makes in DIR (build/release/VERSION), of the commit that is checked out:

  autoscaler-keda-hpa.yaml     all of config/, for kubectl apply -f
  NAME-config.tar.gz           the same as folders, for kubectl apply -k config/overlays/...
  NAME.oci.tar                 the image, for amd64 and arm64 (hack/image.sh)
  NAME-linux-ARCH              the program alone, which is also the plugin of kubectl
  NAME-linux-ARCH.spdx.json    what is in it (hack/sbom.sh)
  NAME-licenses.tar.gz         licences of what is linked, which go along with the image
  NAME.tar.gz                  the sources
  NOTES.md                     the version's section of docs/CHANGELOG.md
  SHA256SUMS                   for sha256sum -c

NAME is autoscaler-keda-hpa-VERSION. The same commit and packages give the same files, byte for byte.

  --image REPOSITORY  where the image will be (registry.example.com/knative/autoscaler-keda-hpa): the
                      manifests name that, by digest; else autoscaler-keda-hpa:VERSION, for kustomize

Nothing is pushed, tagged or published; docs/contributing.md has what comes before and after.
TXT
}

fail() {
  printf 'hack/release.sh: %s\n' "$*" >&2
  exit 1
}

misused() {
  printf 'hack/release.sh: %s (see --help)\n' "$*" >&2
  exit 2
}

changelog=docs/CHANGELOG.md
version='' repository='' output=''

arguments() {
  while [ $# -gt 0 ]; do
    case "$1" in
      -h | --help) usage; exit 0 ;;
      --image | --output)
        [ -n "${2:-}" ] || misused "$1 wants a value"
        [ "$1" = --image ] && repository=$2 || output=$2
        shift
        ;;
      -*) misused "there is no option $1" ;;
      *) [ -z "$version" ] || misused "one version"; version=$1 ;;
    esac
    shift
  done
  [ -n "$version" ] || misused "which version?"
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || misused "$version: want a version such as 0.1.0"
  [[ $repository =~ ^[A-Za-z0-9./:_-]*$ && $repository != *://* ]] ||
    misused "--image $repository: want a repository, without https://"
  output=${output:-build/release/$version}
}

# ---- what must hold ----

section() { awk -v head="## [$version]" '/^## \[/ { on = index($0, head) == 1; next } on' "$changelog"; }

check() {
  local have
  [ -z "$(git status --porcelain)" ] || fail "the tree has changes that are not committed: git status"
  have=$(sed -n 's/^project(.* VERSION \([^ )]*\).*/\1/p' CMakeLists.txt)
  [ "$have" = "$version" ] || fail "the version of CMakeLists.txt is $have (hack/config.sh --fix carries it on)"
  hack/config.sh >&2 || fail "config/ is not of this version: hack/config.sh"
  grep -qE "^## \[${version//./\\.}\] - [0-9]{4}-[0-9]{2}-[0-9]{2}\$" "$changelog" ||
    fail "$changelog has no line \"## [$version] - YEAR-MONTH-DAY\""
  section | grep -q '[^[:space:]]' || fail "$changelog says nothing of $version"
}

# ---- the files ----

# pack FILE FOLDER MEMBER...: an archive that knows nothing of when and by whom it was made.
pack() {
  local file=$1 folder=$2
  shift 2
  tar -C "$folder" --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --numeric-owner \
    --owner=0 --group=0 --mode=u=rwX,go=rX -cf - "$@" | gzip -9n >"$file"
}

programs() {
  local arch build
  hack/image.sh --output "$work/image" >"$work/digest"
  mv "$work/image/$name.oci.tar" "$files/"
  for arch in amd64 arm64; do
    build=build-lean
    [ "$arch" = amd64 ] || build=build-lean-$arch
    install -m 755 "$build/autoscaler-keda-hpa" "$files/$name-linux-$arch"
    hack/sbom.sh --arch "$arch" --output "$files/$name-linux-$arch.spdx.json"
  done
}

manifests() {
  local deployment=$work/config/base/500-deployment.yaml file
  git archive HEAD config | tar -x -C "$work"
  if [ -n "$repository" ]; then
    sed -i "s|image: autoscaler-keda-hpa:.*|image: $repository@$(cat "$work/digest")|" "$deployment"
    grep -qF "image: $repository@sha256:" "$deployment" || fail "config/: no line with the image"
  fi
  pack "$files/$name-config.tar.gz" "$work" config
  # kubectl applies in the order of the names, and so of this file.
  printf '# autoscaler-keda-hpa %s\n' "$version" >"$files/autoscaler-keda-hpa.yaml"
  for file in "$work"/config/[0-9]*.yaml; do
    { echo ---; cat "$file"; } >>"$files/autoscaler-keda-hpa.yaml"
  done
}

texts() {
  git archive --format=tar --prefix="$name/" HEAD | gzip -9n >"$files/$name.tar.gz"
  pack "$files/$name-licenses.tar.gz" third_party README.md licenses
  {
    section | sed '/./,$!d'
    printf '\nThe image: `%s`\n' "${repository:+$repository@}$(cat "$work/digest")"
  } >"$files/NOTES.md"
}

arguments "$@"
check
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C
name=autoscaler-keda-hpa-$version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
files=$work/files
mkdir -p "$files" "$output"
programs
manifests
texts
(cd "$files" && sha256sum -- * >"$work/SHA256SUMS")
mv "$work/SHA256SUMS" "$files"
mv "$files"/* "$output/"
(cd "$output" && sha256sum --quiet -c SHA256SUMS)
echo "$output"
