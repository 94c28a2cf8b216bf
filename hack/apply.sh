#!/usr/bin/env bash
# From this tree to a cluster in one step: image, registry, kubectl apply.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)

usage() {
  cat <<'TXT'
usage: hack/apply.sh -f PATH ... | -k FOLDER [OPTION ...] [-- KUBECTL-OPTION ...]

  KO_DOCKER_REPO=registry.example.com/knative hack/apply.sh -f config/

Builds the image, pushes it to $KO_DOCKER_REPO/autoscaler-keda-hpa, and applies the manifests with
kubectl: every container in them whose image is autoscaler-keda-hpa gets that repository and the
digest of what was built, as `ko apply` does it. The files themselves are not changed.

  -f, --filename PATH    a file, a folder of files, or - for standard input; may be repeated
  -k, --kustomize FOLDER a folder with a kustomization (config/overlays/ha); kubectl 1.22 or newer
  -R, --recursive        with -f: folders below PATH, too
  --dry-run              prints what would be applied; neither pushes nor applies
  --image ARCHIVE        pushes this OCI archive (of hack/image.sh) instead of building one
  --tag TAG              a name for the image in the registry beside its digest; latest
  --insecure-registry    HTTP, or a certificate that is not verified; a registry on loopback needs no
                         such word
  -- ...                 goes to kubectl apply: --context, --server-side, --prune

$KO_DOCKER_REPO: a registry, and where in it. Who may push is said as for podman and docker:
$REGISTRY_AUTH_FILE, `skopeo login`, ~/.docker/config.json. $KUBECTL chooses the kubectl.
TXT
}

fail() {
  printf 'hack/apply.sh: %s\n' "$*" >&2
  exit 1
}

misused() {
  printf 'hack/apply.sh: %s (see --help)\n' "$*" >&2
  exit 2
}

say() { printf '%s\n' "$*" >&2; }

name=autoscaler-keda-hpa
paths=() folder='' recursive='' dry_run='' archive='' tag=latest insecure='' kubectl_options=()

arguments() {
  while [ $# -gt 0 ]; do
    case "$1" in
      -f | --filename | -k | --kustomize | --image | --tag)
        [ $# -ge 2 ] || misused "$1 wants a value"
        value "$1" "$2"
        shift
        ;;
      --filename=* | --kustomize=* | --image=* | --tag=*) value "${1%%=*}" "${1#*=}" ;;
      -R | --recursive) recursive=1 ;;
      --dry-run) dry_run=1 ;;
      --insecure-registry) insecure=1 ;;
      -h | --help) usage; exit 0 ;;
      --) shift; kubectl_options=("$@"); break ;;
      *) misused "what is $1? What kubectl is to get stands behind --" ;;
    esac
    shift
  done
  [ ${#paths[@]} -gt 0 ] || [ -n "$folder" ] || misused "nothing to apply: give -f or -k"
  [ ${#paths[@]} -eq 0 ] || [ -z "$folder" ] || misused "either -f or -k, as kubectl has it"
}

value() {
  [ -n "$2" ] || misused "$1 wants a value"
  case "$1" in
    -f | --filename) paths+=("$2") ;;
    -k | --kustomize) folder=$2 ;;
    --image) archive=$2 ;;
    --tag) tag=$2 ;;
  esac
}

# ---- the registry ----

repository() {
  local repo=${KO_DOCKER_REPO:-}
  case "$repo" in
    '') fail 'KO_DOCKER_REPO is not set: the registry, and where in it, that the image is pushed to and' \
      'the cluster pulls it from, such as KO_DOCKER_REPO=registry.example.com/knative' ;;
    ko.local | ko.local/* | kind.local | kind.local/*)
      fail "KO_DOCKER_REPO=$repo: images are not put into a local Docker or kind; push to a registry" ;;
  esac
  [[ $repo =~ ^[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*/?$ ]] ||
    fail "KO_DOCKER_REPO=$repo: want HOST:PORT/PATH, without https:// and with the path in lower case"
  printf '%s/%s' "${repo%/}" "$name"
}

# As ko has it: on loopback there may be no certificate.
plain_http() {
  case "$1" in
    localhost/* | localhost:* | 127.*.*.*/* | 127.*.*.*:*) return 0 ;;
    *) [ -n "$insecure" ] ;;
  esac
}

digest_of() { skopeo inspect --raw "$@" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'; }

push() {
  local verify=true
  ! plain_http "$repository" || verify=false
  if [ "$(digest_of "--tls-verify=$verify" "docker://$repository:$tag" 2>/dev/null)" = "$digest" ]; then
    say "$repository:$tag is $digest already"
    return
  fi
  # Whatever policy this machine has for images from elsewhere: this one was built here.
  skopeo copy --quiet --insecure-policy --all --preserve-digests "--dest-tls-verify=$verify" \
    "oci-archive:$archive" "docker://$repository:$tag" ||
    fail "the image was not pushed to $repository:$tag; nothing is applied"
  say "pushed $repository:$tag, $digest"
}

build() {
  [ -z "$archive" ] || return 0
  say "building the image"
  "$here/hack/image.sh" --output "$here/build/image" >&2
  archive=$here/build/image/$name-$(version).oci.tar
}

version() { sed -n 's/^project(.* VERSION \([^ )]*\).*/\1/p' "$here/CMakeLists.txt"; }

# ---- the manifests ----

# Lists the files that kubectl apply -f would take of this path.
files_of() {
  local depth=(-maxdepth 1)
  [ -z "$recursive" ] || depth=()
  if [ -d "$1" ]; then
    find -L "$1" "${depth[@]}" -type f \( -name '*.yaml' -o -name '*.yml' -o -name '*.json' \) | sort
  else
    printf '%s\n' "$1"
  fi
}

# Makes a kustomization around what is to be applied. Kustomize takes folders from anywhere, files from
# beneath it only.
collect() {
  local path file count=0
  if [ -n "$folder" ]; then
    [ -d "$folder" ] || fail "-k $folder: no such folder"
    realpath --relative-to="$(realpath "$work")" "$folder" >"$work/resources"
    return
  fi
  for path in "${paths[@]}"; do
    case "$path" in
      *://*) fail "-f $path: fetch it first, and give the file" ;;
      -) cat >"$work/stdin.yaml"; path=$work/stdin.yaml ;;
      *) [ -e "$path" ] || fail "-f $path: no such file or folder" ;;
    esac
    while IFS= read -r file; do
      count=$((count + 1))
      cp -L -- "$file" "$work/$count.yaml"
      echo "$count.yaml" >>"$work/resources"
    done < <(files_of "$path")
  done
  [ "$count" -gt 0 ] || fail "no manifests (.yaml, .yml, .json) in: ${paths[*]}"
}

# render DIGEST: the manifests, with the image that has it.
render() {
  {
    printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n'
    sed "s/'/''/g; s/.*/- '&'/" "$work/resources"
    printf 'images:\n- name: %s\n  newName: %s\n  digest: %s\n' "$name" "$repository" "$1"
  } >"$work/kustomization.yaml"
  "$KUBECTL" kustomize "$work" >"$work/manifests" ||
    fail "kubectl kustomize does not take these manifests${folder:+ (-k wants kubectl 1.22 or newer)}"
  grep -qF "image: $repository@$1" "$work/manifests" ||
    fail "no container here has the image $name; if an overlay gives it another name, use kubectl apply"
}

tools() {
  KUBECTL=${KUBECTL:-kubectl}
  command -v "$KUBECTL" >/dev/null || "$here/hack/deps.sh" demo
  command -v skopeo >/dev/null || "$here/hack/deps.sh" image
}

arguments "$@"
repository=$(repository)
[ -z "$archive" ] || [ -f "$archive" ] || fail "--image $archive: no such file"
tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
collect
# What is wrong with the manifests is told before minutes are spent on the image.
render "sha256:$(printf '%064d' 0)"
build
digest=$(digest_of "oci-archive:$archive")
render "$digest"
if [ -n "$dry_run" ]; then
  cat "$work/manifests"
  exit
fi
push
"$KUBECTL" apply "${kubectl_options[@]}" -f "$work/manifests"
