#!/usr/bin/env bash
# What is too slow for every change.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  -h | --help)
    echo "usage: hack/long.sh   runs the analyzers, every test under valgrind's memcheck, and each"
    echo "                      fuzz target for 10 minutes"
    exit 0
    ;;
  "") ;;
  *) echo "hack/long.sh: see --help" >&2; exit 2 ;;
esac

hack/build.sh release
hack/lint.sh --analyze
command -v valgrind >/dev/null || { echo "hack/long.sh: valgrind is not installed" >&2; exit 1; }
for test in build/tests/test_*; do
  echo "== valgrind $test"
  valgrind --quiet --leak-check=full --error-exitcode=9 "$test" >/dev/null
done
hack/fuzz.sh --seconds 600 --search
