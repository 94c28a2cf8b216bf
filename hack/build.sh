#!/usr/bin/env bash
# Builds a preset; the release one leaves the program at build/autoscaler-keda-hpa.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-release}" in
  -h | --help)
    cat <<'TXT'
usage: hack/build.sh [release|lean|lean-arm64|debug|coverage|clang] [TARGET ...]

Builds a preset of CMakePresets.json, all of it or the targets named; the release one leaves the
program at build/autoscaler-keda-hpa. The lean ones link it fully static against what hack/lean.sh
gathers, at build-lean/autoscaler-keda-hpa and build-lean-arm64/autoscaler-keda-hpa, stripped;
autoscaler-keda-hpa.debug beside it is for reading a crash.
TXT
    exit 0
    ;;
  release | lean | lean-arm64 | debug | coverage | clang)
    preset=${1:-release}
    [ $# -eq 0 ] || shift
    ;;
  *)
    echo "hack/build.sh: no preset \"$1\"; see --help" >&2
    exit 2
    ;;
esac

hack/deps.sh build
case "$preset" in
  clang) hack/deps.sh lint ;;
  lean) hack/lean.sh amd64 ;;
  lean-arm64) hack/lean.sh arm64 ;;
esac
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" ${*:+--target "$@"}
