#!/usr/bin/env bash
# Installs the Debian packages that are missing, and nothing when none is.
set -euo pipefail

usage() {
  cat <<'TXT'
usage: hack/deps.sh [GROUP ...]

Installs missing Debian packages (as root, or through sudo). Groups:
  build  compiler, cmake and the libraries          (the default)
  lint   clang, clang-format, cppcheck
  cover  gcovr
  e2e    what the real control plane needs beside Go: Prometheus, certificates, curl, a registry
  lean   what builds the dependencies of the lean program
  arm64  the cross compiler and the emulator
  image  buildah and skopeo
  guards valgrind, whose callgrind counts instructions
  demo   kubectl, unless there is one in PATH
  all    all of these
Go 1.26 or newer, for e2e, is not in Debian bookworm: install it from go.dev's distribution.
TXT
}

build=(gcc libc6-dev make cmake ninja-build pkg-config git ca-certificates
  libcurl4-openssl-dev libyajl-dev libyaml-dev libssl-dev libprotobuf-c-dev protobuf-c-compiler
  libmicrohttpd-dev uthash-dev libcunit1-dev libseccomp-dev libnghttp2-dev
  nghttp2-server openssl) # the HTTP/2 and TLS tests start these two
lint=(clang-14 clang-format-14 libclang-rt-14-dev cppcheck)
cover=(gcovr)
e2e=(prometheus openssl curl procps docker-registry skopeo iproute2)
lean=(dpkg-dev xz-utils)
arm64=(gcc-aarch64-linux-gnu qemu-user-static)
image=(buildah skopeo)
guards=(valgrind)
demo=()
command -v kubectl >/dev/null || demo=(kubernetes-client)

packages=()
[ $# -gt 0 ] || set -- build
for group in "$@"; do
  case "$group" in
    build) packages+=("${build[@]}") ;;
    lint) packages+=("${lint[@]}") ;;
    cover) packages+=("${cover[@]}") ;;
    e2e) packages+=("${e2e[@]}") ;;
    lean) packages+=("${lean[@]}") ;;
    arm64) packages+=("${arm64[@]}") ;;
    image) packages+=("${image[@]}") ;;
    guards) packages+=("${guards[@]}") ;;
    demo) packages+=("${demo[@]}") ;;
    all)
      packages+=("${build[@]}" "${lint[@]}" "${cover[@]}" "${e2e[@]}" "${demo[@]}" "${lean[@]}"
        "${arm64[@]}" "${image[@]}" "${guards[@]}")
      ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing: ${missing[*]}" >&2
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
# prometheus and docker-registry start services when they are installed; tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
