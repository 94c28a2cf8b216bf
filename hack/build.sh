#!/usr/bin/env bash
# Builds a preset; the release one leaves the program at build/autoscaler-keda-hpa.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-release}" in
  -h | --help)
    cat <<'TXT'
usage: hack/build.sh [release|debug|coverage|clang] [TARGET ...]

Builds a preset of CMakePresets.json, all of it or the targets named; the release one leaves the
program at build/autoscaler-keda-hpa.
TXT
    exit 0
    ;;
  release | debug | coverage | clang)
    preset=${1:-release}
    [ $# -eq 0 ] || shift
    ;;
  *)
    echo "hack/build.sh: no preset \"$1\"; see --help" >&2
    exit 2
    ;;
esac

hack/deps.sh build
[ "$preset" != clang ] || hack/deps.sh lint
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" ${*:+--target "$@"}
