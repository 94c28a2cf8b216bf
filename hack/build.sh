#!/usr/bin/env bash
# Builds a preset; the release one leaves the program at build/autoscaler-keda-hpa.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-release}" in
  -h | --help)
    echo "usage: hack/build.sh [release|debug|coverage|clang]   (presets of CMakePresets.json)"
    exit 0
    ;;
  release | debug | coverage | clang) preset=${1:-release} ;;
  *)
    echo "hack/build.sh: no preset \"$1\"; see --help" >&2
    exit 2
    ;;
esac

hack/deps.sh build
[ "$preset" != clang ] || hack/deps.sh lint
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"
